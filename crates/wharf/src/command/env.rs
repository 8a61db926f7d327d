//! `wharf env`: a project's environments, what stands in them, and how they differ.

use clap::{Args, Subcommand};
use serde_json::Value;

use super::client::output::Column;
use super::client::{Client, Connection, Error};

const ENVIRONMENTS: [Column; 4] = [
    ("NAME", "name", "-"),
    ("SEALED", "is_sealed", "-"),
    ("PROMOTION", "promotion", "by default"),
    ("EMERGENCY", "emergency", "by default"),
];
const PLACEMENTS: [Column; 6] = [
    ("REPOSITORY", "repository", "-"),
    ("TAGS", "tags", "-"),
    ("DIGEST", "digest", "-"),
    ("RELEASE", "release", "-"),
    ("SINCE", "since", "-"),
    ("PROMOTION", "promotion", "-"),
];
const DIFFERENCES: [Column; 3] =
    [("REPOSITORY", "repository", "-"), ("HERE", "one", "nothing"), ("THERE", "other", "nothing")];

/// `wharf env`.
#[derive(Debug, Args)]
pub(crate) struct Env {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List a project's environments, from development on.
    Ls { project: String },
    /// What stands in an environment, or stood there.
    Inventory {
        project: String,
        environment: String,
        /// At this moment, such as `2026-11-30T12:00:00Z`; now where nothing is said.
        #[arg(long, value_name = "MOMENT")]
        at: Option<String>,
    },
    /// Where two environments do not hold the same. Exit code 11: they differ somewhere.
    Diff {
        project: String,
        environment: String,
        /// The other one.
        with: String,
        /// At this moment; now where nothing is said.
        #[arg(long, value_name = "MOMENT")]
        at: Option<String>,
    },
}

impl Env {
    pub(crate) fn run(self) -> Result<(), Error> {
        let client = self.connection.open()?;
        match self.verb {
            Verb::Ls { project } => {
                let mut found = client.get(&["projects", &project, "environments"])?;
                let mut all = found["environments"].take().as_array().cloned().unwrap_or_default();
                if !client.output.is_json() {
                    all.iter_mut().for_each(word);
                }
                client.output.list(&all, &ENVIRONMENTS)
            }
            Verb::Inventory { project, environment, at } => {
                let query: Vec<(&str, &str)> = at.as_deref().map(|at| ("at", at)).into_iter().collect();
                let path = ["projects", &project, "environments", &environment, "inventory"];
                client.output.list(&client.list_with(&path, &query)?, &PLACEMENTS)
            }
            Verb::Diff { project, environment, with, at } => {
                let mut query = vec![("with", with.as_str())];
                query.extend(at.as_deref().map(|at| ("at", at)));
                difference(&client, &["projects", &project, "environments", &environment, "difference"], &query)
            }
        }
    }
}

/// What the ways into an environment take, as far as the policy says so itself.
fn word(environment: &mut Value) {
    for way in ["promotion", "emergency"] {
        let slots = environment["rules"][way]["approvals"].as_array().cloned();
        let slots = slots.map(|slots| {
            let slot = |slot: &Value| {
                let who = slot["role"].as_str().or(slot["group"].as_str()).unwrap_or_default().to_owned();
                format!("{} × {who}", slot["count"])
            };
            slots.iter().map(slot).collect::<Vec<_>>().join(" and ")
        });
        environment[way] = slots.into();
    }
}

fn difference(client: &Client, path: &[&str], query: &[(&str, &str)]) -> Result<(), Error> {
    let mut found = client.page(path, query, None)?;
    let mut differences = found["differences"].take().as_array().cloned().unwrap_or_default();
    if !client.output.is_json() {
        for difference in &mut differences {
            for (side, name) in [("here", "one"), ("there", "other")] {
                let placement = &difference[side];
                let tags = placement["tags"].as_array().into_iter().flatten().filter_map(Value::as_str);
                let tags: Vec<&str> = tags.collect();
                difference[name] =
                    placement["digest"].as_str().map(|digest| format!("{} {digest}", tags.join(","))).into();
            }
        }
    }
    client.output.list(&differences, &DIFFERENCES)?;
    if differences.is_empty() { Ok(()) } else { Err(Error::Differ { count: differences.len() }) }
}
