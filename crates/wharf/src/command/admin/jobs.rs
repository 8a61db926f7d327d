//! `wharf admin jobs`: what was to be done later, failed too often, and waits for people to decide.

use clap::{Args, Subcommand};
use serde_json::Value;

use crate::command::client::output::Column;
use crate::command::client::{Connection, Error};

const COLUMNS: [Column; 5] = [
    ("ID", "id", "-"),
    ("KIND", "kind", "-"),
    ("ATTEMPTS", "attempts", "-"),
    ("GIVEN UP", "dead_at", "-"),
    ("WHY", "last_error", "-"),
];

/// `wharf admin jobs`.
#[derive(Debug, Args)]
pub(crate) struct Jobs {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List the jobs that were given up, the oldest first. With --json, one object per line, with what the job is about.
    List,
    /// Give a job that was given up all its attempts again.
    Retry { id: u64 },
    /// Forget a job that was given up. What it was for is not done.
    Discard { id: u64 },
}

impl Jobs {
    pub(crate) fn run(self) -> Result<(), Error> {
        let client = self.connection.open()?;
        match self.verb {
            Verb::List => client.stream(&["jobs", "dead"], &[], &COLUMNS),
            Verb::Retry { id } => {
                client.post(&["jobs", "dead", &id.to_string(), "retry"], &Value::Null)?;
                client.output.done(&format!("job {id} is tried again"))
            }
            Verb::Discard { id } => {
                client.delete(&["jobs", "dead", &id.to_string()])?;
                client.output.done(&format!("job {id} is forgotten"))
            }
        }
    }
}
