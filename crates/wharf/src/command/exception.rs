//! `wharf exception`: gates' noes that do not count for a while.

use clap::{Args, Subcommand};
use serde_json::json;

use super::client::output::Column;
use super::client::{Connection, Error};

const COLUMNS: [Column; 8] = [
    ("ID", "id", "-"),
    ("GATE", "gate", "-"),
    ("REPOSITORY", "repository", "any"),
    ("DIGEST", "digest", "any"),
    ("TO", "environment", "any"),
    ("OWNER", "owner", "-"),
    ("UNTIL", "until", "-"),
    ("REVOKED", "revoked_at", "no"),
];

/// `wharf exception`.
#[derive(Debug, Args)]
pub(crate) struct Exception {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List a project's exceptions, the newest first.
    Ls { project: String },
    /// Let a gate's no not count.
    Grant {
        project: String,
        /// Which gate's.
        gate: String,
        #[command(flatten)]
        scope: Scope,
        /// Why.
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Who answers for it.
        #[arg(long, value_name = "NAME")]
        owner: String,
        /// Until when, such as `2026-12-31T00:00:00Z`.
        #[arg(long, value_name = "MOMENT")]
        until: String,
    },
    /// Take one back.
    Revoke { project: String, id: i64 },
}

/// What an exception is for; for everything where nothing is said.
#[derive(Debug, Args)]
struct Scope {
    /// For this repository only, by its name in development.
    #[arg(long, value_name = "REPO")]
    repository: Option<String>,
    /// For this digest only.
    #[arg(long)]
    digest: Option<String>,
    /// On the way into this environment only.
    #[arg(long, value_name = "ENVIRONMENT")]
    to: Option<String>,
}

impl Exception {
    pub(crate) fn run(self) -> Result<(), Error> {
        let client = self.connection.open()?;
        match self.verb {
            Verb::Ls { project } => client.output.list(&client.list(&["projects", &project, "exceptions"])?, &COLUMNS),
            Verb::Grant { project, gate, scope, reason, owner, until } => {
                let body = json!({
                    "gate": gate, "repository": scope.repository, "digest": scope.digest, "environment": scope.to,
                    "reason": reason, "owner": owner, "until": until,
                });
                let granted = client.post(&["projects", &project, "exceptions"], &body)?;
                client.output.list(&[granted], &COLUMNS)
            }
            Verb::Revoke { project, id } => {
                client.delete(&["projects", &project, "exceptions", &id.to_string()])?;
                client.output.done(&format!("exception {id} is taken back"))
            }
        }
    }
}
