//! `wharf version`: date versions, which the server gives out in order.

use clap::{Args, Subcommand};
use serde_json::json;

use super::bin::project;
use super::client::output::Column;
use super::client::{Client, Connection, Error};

const VERSIONS: [Column; 8] = [
    ("VERSION", "version", "-"),
    ("OF", "repository", "the project"),
    ("STATE", "state", "-"),
    ("BY", "allocated_by", "-"),
    ("ALLOCATED", "allocated_at", "-"),
    ("UNTIL", "expires_at", "-"),
    ("FOR", "purpose", "-"),
    ("REASON", "reason", "-"),
];

/// `wharf version`.
#[derive(Debug, Args)]
pub(crate) struct Version {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Get the next version of the day and print it. No one else gets the same one.
    Next {
        /// `PROJECT/NAME`, a repository, or `PROJECT`: the sequence of the whole project.
        place: String,
        /// What it is for.
        #[arg(long = "for", value_name = "TEXT")]
        purpose: Option<String>,
        /// A name for this request: sent again with it, the same version comes, and no other is taken.
        #[arg(long, value_name = "KEY")]
        idempotency_key: Option<String>,
    },
    /// List what was given out, the last first. With --json, one object per line.
    Ls {
        /// `PROJECT`, or one repository: `PROJECT/NAME`.
        place: String,
    },
    /// Say of a version that is on no image that it never will be.
    Void {
        /// `PROJECT/NAME:VERSION` or `PROJECT:VERSION`.
        what: String,
        /// Why.
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
}

impl Version {
    pub(crate) fn run(self) -> Result<(), Error> {
        let client = self.connection.open()?;
        match self.verb {
            Verb::Next { place, purpose, idempotency_key } => {
                next(&client, &place, (purpose.as_deref(), idempotency_key.as_deref()))
            }
            Verb::Ls { place } => {
                let query: Vec<_> = repository(&place).map(|name| ("repository", name)).into_iter().collect();
                client.stream(&["projects", project(&place), "versions"], &query, &VERSIONS)
            }
            Verb::Void { what, reason } => {
                let (place, version) = what.split_once(':').unwrap_or((&what, ""));
                let body = json!({ "repository": repository(place), "version": version, "reason": reason });
                let void = client.post(&["projects", project(place), "versions", "void"], &body)?;
                client.output.list(&[void], &VERSIONS)
            }
        }
    }
}

/// The version alone, so that a script takes it as it is.
fn next(client: &Client, place: &str, (purpose, key): (Option<&str>, Option<&str>)) -> Result<(), Error> {
    let body = json!({ "repository": repository(place), "purpose": purpose });
    let allocated = client.post_once(&["projects", project(place), "versions"], &body, key)?;
    client.output.told(&allocated, allocated["version"].as_str().unwrap_or_default())
}

/// The repository of a place that is more than a project.
fn repository(place: &str) -> Option<&str> {
    place.contains('/').then_some(place)
}
