//! `wharf review`: uses of the emergency passage that somebody else looks at.

use clap::{Args, Subcommand};
use serde_json::json;

use super::client::output::Column;
use super::client::{Connection, Error};

const COLUMNS: [Column; 7] = [
    ("PROMOTION", "promotion", "-"),
    ("TO", "environment", "-"),
    ("ASKED BY", "requested_by", "-"),
    ("REASON", "reason", "-"),
    ("OPENED", "opened_at", "-"),
    ("CLOSED BY", "closed_by", "nobody yet"),
    ("CONCLUSION", "conclusion", "-"),
];

/// `wharf review`.
#[derive(Debug, Args)]
pub(crate) struct Review {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List a project's reviews, the newest first.
    Ls { project: String },
    /// Close one, with what there is to say. Not for who had a part in it.
    Close {
        /// `PROJECT/ID` of the promotion.
        #[arg(value_name = "PROJECT/ID")]
        promotion: String,
        /// What there is to say.
        #[arg(long, value_name = "TEXT")]
        conclusion: String,
    },
}

impl Review {
    pub(crate) fn run(self) -> Result<(), Error> {
        let client = self.connection.open()?;
        match self.verb {
            Verb::Ls { project } => client.output.list(&client.list(&["projects", &project, "reviews"])?, &COLUMNS),
            Verb::Close { promotion, conclusion } => {
                let (project, id) = promotion.split_once('/').ok_or(Error::PromotionName)?;
                let closed = client.put(&["projects", project, "reviews", id], &json!({ "conclusion": conclusion }))?;
                client.output.list(&[closed], &COLUMNS)
            }
        }
    }
}
