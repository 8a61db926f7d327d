//! `wharf remote`: registries beyond this one that environments may be at.

use clap::{Args, Subcommand};
use serde_json::json;

use super::client::output::Column;
use super::client::{Connection, Error, password};

const COLUMNS: [Column; 4] =
    [("NAME", "name", "-"), ("URL", "url", "-"), ("ACCOUNT", "account", "none"), ("CHANGED BY", "changed_by", "-")];

/// `wharf remote`.
#[derive(Debug, Args)]
pub(crate) struct Remote {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List a project's remotes.
    Ls { project: String },
    /// Make a remote, or make it another one.
    Put {
        project: String,
        /// What the project's policy calls it.
        name: String,
        /// `https://HOST[/PREFIX]`; the project's repositories stand below the prefix.
        url: String,
        /// The account there; its secret is asked for. Nobody logs in where there is none.
        #[arg(long, value_name = "NAME")]
        account: Option<String>,
        /// Read the secret from a line of standard input (the second, after --password-stdin).
        #[arg(long, requires = "account")]
        secret_stdin: bool,
    },
    /// Delete a remote. Promotions that are on their way there fail.
    Rm { project: String, name: String },
}

impl Remote {
    pub(crate) fn run(self) -> Result<(), Error> {
        let client = self.connection.open()?;
        match self.verb {
            Verb::Ls { project } => {
                let remotes = client.get(&["projects", &project, "remotes"])?;
                let entries = remotes["entries"].as_array().cloned().unwrap_or_default();
                client.output.list(&entries, &COLUMNS)
            }
            Verb::Put { project, name, url, account, secret_stdin } => {
                let secret = match &account {
                    Some(_) if secret_stdin => Some(password::from_stdin()?),
                    Some(account) => Some(password::ask(&format!("Secret of {account}: "))?),
                    None => None,
                };
                let secret = secret.as_ref().map(|secret| secret.expose());
                let body = json!({ "url": url, "account": account, "secret": secret });
                let remote = client.put(&["projects", &project, "remotes", &name], &body)?;
                client.output.list(&[remote], &COLUMNS)
            }
            Verb::Rm { project, name } => {
                client.delete(&["projects", &project, "remotes", &name])?;
                client.output.done(&format!("remote {name} is deleted"))
            }
        }
    }
}
