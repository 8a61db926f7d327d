//! `wharf archive` and `wharf restore`: images that leave for the cold place, and come back.

use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::bin::{project, split};
use super::client::output::Column;
use super::client::{Client, Connection, Error};

const COLUMNS: [Column; 7] = [
    ("ARCHIVE", "archive", "-"),
    ("STATE", "state", "-"),
    ("REPOSITORY", "repository", "-"),
    ("DIGEST", "digest", "-"),
    ("BYTES", "size_bytes", "-"),
    ("ARCHIVED", "archived_at", "not yet"),
    ("BY", "requested_by", "-"),
];
const LINES: [Column; 15] = [
    ("archive", "archive", "-"),
    ("state", "state", "-"),
    ("repository", "repository", "-"),
    ("digest", "digest", "-"),
    ("reason", "reason", "-"),
    ("requested by", "requested_by", "-"),
    ("requested at", "requested_at", "-"),
    ("archived at", "archived_at", "not yet"),
    ("place", "place", "-"),
    ("manifests", "manifests", "-"),
    ("blobs", "blobs", "-"),
    ("bytes", "size_bytes", "-"),
    ("restored by", "restored_by", "-"),
    ("restored at", "restored_at", "-"),
    ("remark", "explanation", "-"),
];
const TAGS: [Column; 2] = [("TAG", "tag", "-"), ("DIGEST", "digest", "-")];
/// How often an archive that is on its way is asked how far it is.
const LOOK: Duration = Duration::from_millis(300);

/// `wharf archive`.
#[derive(Debug, Args)]
#[command(
    after_help = "The server does the work and goes on with it when this command is ended.\nExit code 1: it failed; the \
    image is where it was."
)]
pub(crate) struct Archive {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Copy an image, with all that belongs to it, into the cold place, and put it away.
    Put {
        /// `REPOSITORY:TAG` or `REPOSITORY@DIGEST`. All tags of what it names leave.
        image: String,
        /// Why.
        #[arg(long, default_value = "")]
        reason: String,
        /// Start and come back at once.
        #[arg(long)]
        detach: bool,
    },
    /// List archives, the newest first. With --json, one object per line.
    Ls {
        /// `PROJECT`, or one repository: `PROJECT/NAME`.
        place: String,
        /// Those in this state: `storing`, `archived`, `restoring`, `restored`, `failed`, `destroyed`.
        #[arg(long)]
        state: Option<String>,
    },
    /// Show one archive and the tags that it had.
    Show {
        project: String,
        /// The archive's number.
        archive: i64,
    },
}

/// `wharf restore`.
#[derive(Debug, Args)]
#[command(after_help = "Exit code 1: it failed; the image is still in the archive.")]
pub(crate) struct Restore {
    #[command(flatten)]
    connection: Connection,
    /// What to bring back: `REPOSITORY:TAG`, `REPOSITORY@DIGEST`, or `PROJECT` with the archive's number behind it.
    what: String,
    /// The archive's number.
    archive: Option<i64>,
    /// Start and come back at once.
    #[arg(long)]
    detach: bool,
}

impl Archive {
    pub(crate) fn run(self) -> Result<(), Error> {
        let client = self.connection.open()?;
        match self.verb {
            Verb::Put { image, reason, detach } => put(&client, &image, (&reason, detach)),
            Verb::Ls { place, state } => {
                let repository = place.contains('/').then_some(("repository", place.as_str()));
                let state = state.as_deref().map(|state| ("state", state));
                let query: Vec<_> = repository.into_iter().chain(state).collect();
                client.stream(&["projects", project(&place), "archives"], &query, &COLUMNS)
            }
            Verb::Show { project, archive } => {
                let archive = client.get(&["projects", &project, "archives", &archive.to_string()])?;
                client.output.one(&archive, &LINES)?;
                let tags = archive["tags"].as_array().cloned().unwrap_or_default();
                if client.output.is_json() { Ok(()) } else { client.output.list(&tags, &TAGS) }
            }
        }
    }
}

impl Restore {
    pub(crate) fn run(self) -> Result<(), Error> {
        let client = self.connection.open()?;
        let (project, archive) = match self.archive {
            Some(archive) => (self.what.clone(), archive.to_string()),
            None => (project(&self.what).to_owned(), find(&client, &self.what)?),
        };
        let place = ["projects", &project, "archives", &archive, "restore"];
        let archive = client.post(&place, &Value::Null)?;
        if self.detach {
            return client.output.one(&archive, &LINES);
        }
        end(&client, &wait(&client, &project, archive)?, "restored")
    }
}

fn put(client: &Client, image: &str, (reason, detach): (&str, bool)) -> Result<(), Error> {
    let (repository, tag, digest) = split(image);
    let reference = tag.or(digest).unwrap_or("latest");
    let body = json!({ "repository": repository, "reference": reference, "reason": reason });
    let project = project(repository);
    let archive = client.post(&["projects", project, "archives"], &body)?;
    if detach {
        return client.output.one(&archive, &LINES);
    }
    end(client, &wait(client, project, archive)?, "archived")
}

/// The number of the archive that an image is in.
fn find(client: &Client, image: &str) -> Result<String, Error> {
    let (repository, tag, digest) = split(image);
    let query = [("repository", repository), ("state", "archived")];
    let place = ["projects", project(repository), "archives"];
    let mut after: Option<String> = None;
    loop {
        let page = client.page(&place, &query, after.as_deref())?;
        for archive in page["entries"].as_array().into_iter().flatten() {
            let number = archive["archive"].to_string();
            if digest.is_some_and(|digest| archive["digest"] == digest) {
                return Ok(number);
            }
            let whole = client.get(&["projects", project(repository), "archives", &number])?;
            let named = whole["tags"].as_array().into_iter().flatten();
            if tag.is_some_and(|tag| named.clone().any(|named| named["tag"] == tag)) {
                return Ok(number);
            }
        }
        match page["next"].as_str() {
            Some(next) => after = Some(next.to_owned()),
            None => return Err(Error::NotArchived { image: image.to_owned() }),
        }
    }
}

/// Waits for the end.
fn wait(client: &Client, project: &str, mut archive: Value) -> Result<Value, Error> {
    let number = archive["archive"].to_string();
    while matches!(archive["state"].as_str(), Some("storing" | "restoring")) {
        std::thread::sleep(LOOK);
        archive = client.get(&["projects", project, "archives", &number])?;
    }
    Ok(archive)
}

fn end(client: &Client, archive: &Value, wanted: &str) -> Result<(), Error> {
    client.output.one(archive, &LINES)?;
    if archive["state"] == wanted {
        return Ok(());
    }
    Err(Error::ArchiveFailed(archive["explanation"].as_str().unwrap_or_default().to_owned()))
}
