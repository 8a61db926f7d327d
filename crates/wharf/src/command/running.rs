//! `wharf running`: what runs where, as its hosts reported it.

use clap::{Args, Subcommand};

use super::client::output::Column;
use super::client::{Connection, Error};

const COLUMNS: [Column; 7] = [
    ("HOST", "host", "-"),
    ("CONTAINER", "container", "-"),
    ("REPOSITORY", "repository", "-"),
    ("DIGEST", "digest", "-"),
    ("STARTED", "started_at", "-"),
    ("SEEN", "seen_at", "-"),
    ("STOPPED", "stopped_at", "-"),
];

/// `wharf running`.
#[derive(Debug, Args)]
pub(crate) struct Running {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List containers that run, and those that stopped lately. With --json, one object per line.
    Ls {
        /// The project; without it, a digest wherever it runs, which administrators and auditors may ask for.
        #[arg(required_unless_present = "digest")]
        project: Option<String>,
        /// Only those that run this.
        #[arg(long)]
        digest: Option<String>,
    },
}

impl Running {
    pub(crate) fn run(self) -> Result<(), Error> {
        let client = self.connection.open()?;
        let Verb::Ls { project, digest } = self.verb;
        let project = project.as_deref().map(|project| ("project", project));
        let digest = digest.as_deref().map(|digest| ("digest", digest));
        let query: Vec<_> = project.into_iter().chain(digest).collect();
        client.stream(&["running"], &query, &COLUMNS)
    }
}
