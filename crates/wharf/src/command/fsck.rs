//! `wharf fsck`: whether everything is where it should be, and as it should be.

use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use super::client::output::Column;
use super::client::{Client, Connection, Error};
use crate::config::size::Size;

const FINDINGS: [Column; 5] = [
    ("PROBLEM", "problem", "-"),
    ("SUBJECT", "subject", "-"),
    ("REPOSITORY", "repository", "-"),
    ("NOW", "resolution", "-"),
    ("DETAILS", "details", "-"),
];
const RUN: [Column; 5] = [
    ("run", "run", "-"),
    ("state", "state", "-"),
    ("started", "started_at", "-"),
    ("ended", "ended_at", "not yet"),
    ("looked at", "summary", "-"),
];
/// How often a check that goes on is asked how far it is.
const LOOK: Duration = Duration::from_millis(500);

/// `wharf fsck`.
#[derive(Debug, Args)]
#[command(
    after_help = "The server does the work and goes on with it when this command is ended, or the server restarted.\n\
    Exit code 10: something was found that is neither repaired nor as it should be."
)]
pub(crate) struct Fsck {
    #[command(flatten)]
    connection: Connection,
    /// Look at sizes only, without reading the bytes of blobs.
    #[arg(long)]
    no_bytes: bool,
    /// How many bytes to read in a second at most, such as `50MB`; 0 is no limit [default: the server's `fsck.rate`].
    #[arg(long, value_name = "SIZE")]
    rate: Option<Size>,
    /// Start and come back at once.
    #[arg(long, conflicts_with_all = ["status", "cancel"])]
    detach: bool,
    /// Show the check that goes on, or the last one, and what it found; start none.
    #[arg(long, conflicts_with = "cancel")]
    status: bool,
    /// End the check that goes on.
    #[arg(long)]
    cancel: bool,
}

impl Fsck {
    pub(crate) fn run(self) -> Result<(), Error> {
        let client = self.connection.open()?;
        if self.cancel {
            client.delete(&["fsck"])?;
            return client.output.done("cancelled; what it found stays");
        }
        if !self.status {
            let rate = self.rate.map(|rate| rate.0);
            client.post(&["fsck"], &json!({ "reads_bytes": !self.no_bytes, "bytes_per_second": rate }))?;
        }
        let run = if self.status || self.detach { client.get(&["fsck"])? } else { wait(&client)? };
        show(&client, run)
    }
}

/// Waits for the end, telling now and then how far it is.
fn wait(client: &Client) -> Result<Value, Error> {
    let mut told = String::new();
    loop {
        let run = client.get(&["fsck"])?;
        if run["state"] != "running" {
            return Ok(run);
        }
        let now = summary(&run);
        if now != told {
            client.output.remark(&now);
            told = now;
        }
        std::thread::sleep(LOOK);
    }
}

fn show(client: &Client, mut run: Value) -> Result<(), Error> {
    let findings = client.list(&["fsck", "findings"])?;
    run["summary"] = summary(&run).into();
    run["found"] = Value::from(findings.clone());
    client.output.one(&run, &RUN)?;
    if !findings.is_empty() && !client.output.is_json() {
        client.output.list(&findings, &FINDINGS)?;
    }
    let count = ["open", "quarantined"].iter().filter_map(|kind| run["findings"][kind].as_u64()).sum();
    if count > 0 { Err(Error::Findings { count }) } else { Ok(()) }
}

fn summary(run: &Value) -> String {
    let seen = &run["looked_at"];
    let of = |part: &str| seen[part].as_u64().unwrap_or_default();
    let percent = if run["reads_bytes"] == true { share(of("read_bytes"), &run["expected_bytes"]) } else { None };
    let percent = percent.or_else(|| share(of("blobs"), &run["expected_blobs"])).unwrap_or(100);
    format!(
        "{} manifests, {} tags, {} blobs ({} bytes, {percent} %), {} stored, {} uploads",
        of("manifests"),
        of("tags"),
        of("blobs"),
        of("read_bytes"),
        of("stored"),
        of("uploads")
    )
}

fn share(done: u64, all: &Value) -> Option<u64> {
    let all = all.as_u64().filter(|all| *all > 0)?;
    Some((u128::from(done) * 100 / u128::from(all)).min(100) as u64)
}
