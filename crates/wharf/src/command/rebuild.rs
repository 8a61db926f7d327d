//! `wharf rebuild`: what newer bases ask to be rebuilt, and the answers.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::client::image::Image;
use super::client::output::Column;
use super::client::{Connection, Error};

const REBUILDS: [Column; 6] = [
    ("ID", "id", "-"),
    ("BASE", "repository", "-"),
    ("TAG", "tag", "-"),
    ("STATE", "state", "-"),
    ("OPENED", "opened_at", "-"),
    ("CLOSED", "closed_at", "-"),
];

const ITEMS: [Column; 7] = [
    ("WAVE", "wave", "-"),
    ("REPOSITORY", "repository", "-"),
    ("TAG", "tag", "-"),
    ("STATE", "state", "-"),
    ("LATE", "is_late", "-"),
    ("ANSWER", "answer", "-"),
    ("BY", "answered_by", "-"),
];

/// `wharf rebuild`.
#[derive(Debug, Args)]
pub(crate) struct Rebuild {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List what a project's bases have asked for, and what asks for its images, the latest first. With --json, one object per line.
    Ls { project: String },
    /// Show what a rebuild asks for, wave by wave, and what was answered.
    Show { project: String, id: u64 },
    /// Say by which image a repository was rebuilt, where its layers do not show it.
    Answer {
        id: u64,
        /// `PROJECT/REPOSITORY[:TAG]` or `…@DIGEST`.
        image: String,
    },
}

impl Rebuild {
    pub(crate) fn run(self) -> Result<(), Error> {
        let client = self.connection.open()?;
        match self.verb {
            Verb::Ls { project } => client.stream(&["projects", &project, "rebuilds"], &[], &REBUILDS),
            Verb::Show { project, id } => {
                let rebuild = client.get(&["projects", &project, "rebuilds", &id.to_string()])?;
                if client.output.is_json() {
                    return client.output.one(&rebuild, &[]);
                }
                client.output.list(rebuild["items"].as_array().map_or(&[], Vec::as_slice), &ITEMS)?;
                match rebuild["hidden_items"].as_u64() {
                    Some(hidden @ 1..) => client.output.done(&format!("and {hidden} that you may not see")),
                    _ => Ok(()),
                }
            }
            Verb::Answer { id, image } => {
                let image = Image::parse(&client, &image)?;
                let body: Value = json!({ "repository": image.repository, "reference": image.reference });
                client.post(&["projects", &image.project, "rebuilds", &id.to_string(), "answers"], &body)?;
                client.output.done(&format!("rebuild {id} has its answer for {}", image.repository))
            }
        }
    }
}
