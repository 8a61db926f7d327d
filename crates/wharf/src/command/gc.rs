//! `wharf gc`: collection: do it now, see what it would take, and why something stays.

use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::Value;

use super::client::output::Column;
use super::client::{Client, Connection, Error};

const FORECAST: [Column; 6] = [
    ("REASON", "reason", "-"),
    ("DUE", "due_at", "-"),
    ("BYTES", "size_bytes", "-"),
    ("DIGEST", "digest", "-"),
    ("UPLOAD", "upload", "-"),
    ("REPOSITORY", "repository", "-"),
];
const STATUS: [Column; 5] = [
    ("running", "is_running", "-"),
    ("due", "due", "-"),
    ("rows a second", "rows_per_second", "-"),
    ("remaining", "rest", "nobody can tell"),
    ("last pass", "last", "none"),
];
const PASS: [Column; 6] = [
    ("blobs deleted", "blobs", "-"),
    ("bytes given back", "size_bytes", "-"),
    ("blobs looked at", "reviewed", "-"),
    ("manifests out of the bin", "manifests", "-"),
    ("untagged manifests into the bin", "untagged", "-"),
    ("uploads given up", "uploads", "-"),
];
const BYTES: [Column; 4] = [
    ("BYTES", "size_bytes", "-"),
    ("READABLE", "is_present", "-"),
    ("DELETING SINCE", "deleting_since", "-"),
    ("GOES AFTER", "delete_after", "-"),
];
const LINKS: [Column; 3] =
    [("LINKED BY", "repository", "-"), ("SINCE", "linked_at", "-"), ("A MANIFEST NAMES IT", "is_named", "-")];
const MANIFESTS: [Column; 4] = [
    ("MANIFEST", "digest", "-"),
    ("REPOSITORY", "repository", "-"),
    ("TAGS", "tags", "-"),
    ("IN THE BIN UNTIL", "binned_until", "-"),
];
/// How often a pass that goes on is asked how far it is.
const LOOK: Duration = Duration::from_millis(500);

/// `wharf gc`.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "The server collects by itself, all the time; this only makes it look at once. Grace times hold in any case."
)]
pub(crate) struct Gc {
    #[command(flatten)]
    connection: Connection,
    /// Say what would go, why, and when, without touching anything. With --json, one object per line.
    #[arg(long)]
    dry_run: bool,
    /// Start and come back at once.
    #[arg(long, conflicts_with = "dry_run")]
    detach: bool,
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// How far collection is, how fast, and how long the rest takes.
    Status,
    /// What holds a blob or a manifest.
    Why { digest: String },
}

impl Gc {
    pub(crate) fn run(self) -> Result<(), Error> {
        let client = self.connection.open()?;
        match self.verb {
            Some(Verb::Status) => status(&client),
            Some(Verb::Why { digest }) => why(&client, &digest),
            None if self.dry_run => client.stream(&["collection", "forecast"], &[], &FORECAST),
            None => collect(&client, self.detach),
        }
    }
}

fn collect(client: &Client, detach: bool) -> Result<(), Error> {
    let asked = client.post(&["collection"], &Value::Null)?;
    if detach {
        return client.output.done("asked for; `wharf gc status` tells how far it is");
    }
    let asked_at = moment(&asked["asked_at"]);
    let mut told = String::new();
    loop {
        let status = client.get(&["collection"])?;
        let workers = status["workers"].as_array().map_or(&[][..], Vec::as_slice);
        // The one that was asked begins after it was asked.
        let worker = workers.iter().find(|worker| moment(&worker["started_at"]) >= asked_at);
        if let Some(worker) = worker.filter(|worker| !worker["ended_at"].is_null()) {
            return client.output.one(worker, &PASS);
        }
        let now = summary(&status, worker);
        if now != told {
            client.output.remark(&now);
            told = now;
        }
        std::thread::sleep(LOOK);
    }
}

fn moment(value: &Value) -> Option<jiff::Timestamp> {
    value.as_str()?.parse().ok()
}

/// How far a pass is, in a line.
fn summary(status: &Value, worker: Option<&Value>) -> String {
    let Some(worker) = worker else { return "waiting for the server to begin".to_owned() };
    let of = |name: &str| worker[name].as_u64().unwrap_or_default();
    format!(
        "{} blobs deleted ({} bytes), {} looked at, {} manifests; {} a second, {} left",
        of("blobs"),
        of("size_bytes"),
        of("reviewed"),
        of("manifests"),
        status["rows_per_second"].as_u64().unwrap_or_default(),
        rest(status).unwrap_or_else(|| "some time".to_owned())
    )
}

fn rest(status: &Value) -> Option<String> {
    Some(format!("{} s", status["remaining_seconds"].as_u64()?))
}

fn status(client: &Client) -> Result<(), Error> {
    let mut status = client.get(&["collection"])?;
    if client.output.is_json() {
        return client.output.one(&status, &STATUS);
    }
    let of = |name: &str| status["backlog"][name].as_u64().unwrap_or_default();
    let due = format!(
        "{} blobs to look at, {} to delete ({} bytes), {} manifests in the bin beyond their time",
        of("reviews"),
        of("deleting"),
        of("deleting_bytes"),
        of("manifests")
    );
    let last = status["workers"][0]["seen_at"].clone();
    status["due"] = due.into();
    status["rest"] = rest(&status).into();
    status["last"] = last;
    client.output.one(&status, &STATUS)
}

fn why(client: &Client, digest: &str) -> Result<(), Error> {
    let holders = client.get(&["collection", "holders", digest])?;
    if client.output.is_json() {
        return client.output.one(&holders, &[]);
    }
    for (part, columns) in [("stored", &BYTES[..]), ("links", &LINKS), ("manifests", &MANIFESTS)] {
        let entries = holders[part].as_array().map_or(&[][..], Vec::as_slice);
        if !entries.is_empty() {
            client.output.list(entries, columns)?;
        }
    }
    if holders["has_more"] == true {
        client.output.remark("there are more; these are the first");
    }
    client.output.one(&holders, &[("looked at next", "review_after", "when something lets go of it")])
}
