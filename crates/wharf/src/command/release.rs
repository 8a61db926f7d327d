//! `wharf release`, `wharf seal`: sets that move together.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::client::output::Column;
use super::client::{Client, Connection, Error};
use super::subject::Subject;

const COLUMNS: [Column; 6] = [
    ("VERSION", "version", "-"),
    ("HOLDS", "holds", "-"),
    ("SEALED", "sealed_at", "no"),
    ("MADE BY", "created_by", "-"),
    ("MADE", "created_at", "-"),
    ("NOTE", "note", "-"),
];
const ITEMS: [Column; 3] = [("REPOSITORY", "repository", "-"), ("TAGS", "tags", "-"), ("DIGEST", "digest", "-")];

/// `wharf release`.
#[derive(Debug, Args)]
pub(crate) struct Release {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    verb: Verb,
}

/// `wharf seal`.
#[derive(Debug, Args)]
pub(crate) struct Seal {
    #[command(flatten)]
    connection: Connection,
    project: String,
    version: String,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Make a release of what stands in development.
    New {
        project: String,
        version: String,
        /// What moves together: `PROJECT/APP:TAG` or `PROJECT/APP@DIGEST`, each repository once.
        #[arg(required = true, value_name = "REPO:TAG")]
        items: Vec<Subject>,
        /// What there is to say about it.
        #[arg(long, value_name = "TEXT", default_value = "")]
        note: String,
    },
    /// Put other things into a release that is not sealed.
    Set {
        project: String,
        version: String,
        /// What moves together.
        #[arg(required = true, value_name = "REPO:TAG")]
        items: Vec<Subject>,
        /// What there is to say about it.
        #[arg(long, value_name = "TEXT", default_value = "")]
        note: String,
    },
    /// List a project's releases, the newest first.
    Ls { project: String },
    /// Show one.
    Show { project: String, version: String },
    /// Seal one: its digests stand from now on.
    Seal { project: String, version: String },
}

impl Release {
    pub(crate) fn run(self) -> Result<(), Error> {
        let client = self.connection.open()?;
        match self.verb {
            Verb::New { project, version, items, note } => {
                let body = json!({ "version": version, "note": note, "items": bodies(&items) });
                show(&client, client.post(&["projects", &project, "releases"], &body)?)
            }
            Verb::Set { project, version, items, note } => {
                let body = json!({ "note": note, "items": bodies(&items) });
                show(&client, client.put(&["projects", &project, "releases", &version], &body)?)
            }
            Verb::Ls { project } => {
                let releases = client.list(&["projects", &project, "releases"])?;
                let releases: Vec<Value> =
                    if client.output.is_json() { releases } else { releases.into_iter().map(holds).collect() };
                client.output.list(&releases, &COLUMNS)
            }
            Verb::Show { project, version } => {
                show(&client, client.get(&["projects", &project, "releases", &version])?)
            }
            Verb::Seal { project, version } => seal(&client, &project, &version),
        }
    }
}

impl Seal {
    pub(crate) fn run(self) -> Result<(), Error> {
        let client = self.connection.open()?;
        seal(&client, &self.project, &self.version)
    }
}

fn seal(client: &Client, project: &str, version: &str) -> Result<(), Error> {
    show(client, client.post(&["projects", project, "releases", version, "seal"], &Value::Null)?)
}

fn bodies(items: &[Subject]) -> Vec<Value> {
    let body =
        |item: &Subject| json!({ "repository": item.repository.as_str(), "reference": item.reference.to_string() });
    items.iter().map(body).collect()
}

fn holds(mut release: Value) -> Value {
    let names = release["items"].as_array().into_iter().flatten().filter_map(|item| item["repository"].as_str());
    release["holds"] = names.collect::<Vec<_>>().join(",").into();
    release
}

fn show(client: &Client, release: Value) -> Result<(), Error> {
    if client.output.is_json() {
        return client.output.one(&release, &[]);
    }
    let items = release["items"].as_array().cloned().unwrap_or_default();
    client.output.list(&[holds(release)], &COLUMNS)?;
    client.output.list(&items, &ITEMS)
}
