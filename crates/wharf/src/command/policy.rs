//! `wharf policy`: what a project demands of its images, as a file that can live in Git.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use http::HeaderValue;
use serde_json::{Value, json};

use super::client::output::Column;
use super::client::{Client, Connection, Error};

const APPLIED: [Column; 3] =
    [("revision", "revision", "-"), ("changed by", "changed_by", "-"), ("since", "since", "-")];

/// `wharf policy`.
#[derive(Debug, Args)]
pub(crate) struct Policy {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Print a project's policy, in a form that `apply` takes.
    Export { project: String },
    /// Put the policy of a file in force. What the file leaves out is as it is by default.
    Apply {
        project: String,
        /// YAML or JSON.
        file: PathBuf,
        /// Only if this revision is in force: nobody else has changed the policy since it was read.
        #[arg(long, value_name = "NUMBER")]
        over: Option<u64>,
    },
}

impl Policy {
    pub(crate) fn run(self) -> Result<(), Error> {
        let client = self.connection.open()?;
        match self.verb {
            Verb::Export { project } => export(&client, &project),
            Verb::Apply { project, file, over } => apply(&client, &project, &read(&file)?, over),
        }
    }
}

/// The document alone is what a file holds; scripts that want the revision too ask for JSON.
fn export(client: &Client, project: &str) -> Result<(), Error> {
    let revision = client.get(&["projects", project, "policy"])?;
    if client.output.is_json() {
        return client.output.one(&revision, &[]);
    }
    client.output.raw(format!("{:#}\n", revision["policy"]).as_bytes())
}

fn apply(client: &Client, project: &str, policy: &Value, over: Option<u64>) -> Result<(), Error> {
    let (path, body) = (["projects", project, "policy"], json!({ "policy": policy }));
    let applied = match over {
        Some(revision) => {
            let tag = HeaderValue::from_str(&format!("\"{revision}\"")).expect("digits and quotes are a header");
            client.put_over(&path, &tag, &body)?
        }
        None => client.put(&path, &body)?,
    };
    client.output.one(&applied, &APPLIED)
}

fn read(path: &Path) -> Result<Value, Error> {
    let text = std::fs::read_to_string(path).map_err(|source| Error::ReadFile { path: path.to_owned(), source })?;
    serde_saphyr::from_str(&text).map_err(|error| Error::Malformed {
        path: path.to_owned(),
        what: "a policy",
        reason: error.to_string(),
    })
}
