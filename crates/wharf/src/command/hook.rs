//! `wharf hook`: what Git servers and build systems tell a project.

use clap::{Args, Subcommand};
use serde_json::json;

use super::client::output::Column;
use super::client::{Client, Connection, Error};

const SENDERS: [&str; 3] = ["github", "gitlab", "signed"];

const COLUMNS: [Column; 4] = [
    ("HOOK", "name", "-"),
    ("SENDER", "sender", "-"),
    ("CREATED", "created_at", "-"),
    ("LAST TAKEN", "taken_at", "never"),
];
const SECRET: [Column; 2] = [("path", "path", "-"), ("secret", "secret", "-")];
const COMMITS: [Column; 7] = [
    ("REVISION", "revision", "-"),
    ("REF", "git_ref", "-"),
    ("SOURCE", "source", "-"),
    ("AUTHOR", "author", "-"),
    ("TITLE", "title", "-"),
    ("RECEIVED", "received_at", "-"),
    ("IMAGES", "images", "none"),
];

/// `wharf hook`.
#[derive(Debug, Args)]
pub(crate) struct Hook {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Make a place that commits are told to, or give it another secret; the secret is shown this one time.
    Add {
        project: String,
        name: String,
        /// Who sends: `github` is also Gitea, Forgejo and Gogs; `signed` is whatever signs as Standard Webhooks says.
        #[arg(long, value_parser = SENDERS)]
        sender: String,
    },
    /// List a project's hooks.
    #[command(alias = "list")]
    Ls { project: String },
    /// Delete a hook. The commits that it took stay.
    Rm { project: String, name: String },
    /// List the commits that a project was told of, newest first.
    Commits {
        project: String,
        /// Only this one: a commit's id, or how it begins.
        #[arg(long)]
        revision: Option<String>,
        /// How many; at most 1000.
        #[arg(long, value_name = "NUMBER", default_value = "50", value_parser = clap::value_parser!(u16).range(1..=1000))]
        limit: u16,
    },
}

impl Hook {
    pub(crate) fn run(self) -> Result<(), Error> {
        let client = self.connection.open()?;
        match self.verb {
            Verb::Add { project, name, sender } => {
                let made = client.put(&["projects", &project, "hooks", &name], &json!({ "sender": sender }))?;
                client.output.one(&made, &SECRET)?;
                client.output.remark("keep the secret: it is not shown again");
                Ok(())
            }
            Verb::Ls { project } => client.output.list(&client.list(&["projects", &project, "hooks"])?, &COLUMNS),
            Verb::Rm { project, name } => {
                client.delete(&["projects", &project, "hooks", &name])?;
                client.output.done(&format!("hook `{name}` is deleted"))
            }
            Verb::Commits { project, revision, limit } => commits(&client, &project, revision.as_deref(), limit),
        }
    }
}

fn commits(client: &Client, project: &str, revision: Option<&str>, limit: u16) -> Result<(), Error> {
    let limit = limit.to_string();
    let mut query = vec![("limit", limit.as_str())];
    query.extend(revision.map(|revision| ("revision", revision)));
    let page = client.page(&["projects", project, "commits"], &query, None)?;
    client.output.list(page["entries"].as_array().map_or(&[], Vec::as_slice), &COMMITS)
}
