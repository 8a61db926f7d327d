//! `wharf audit`: who did what.

use clap::Args;

use super::client::output::Column;
use super::client::{Connection, Error};

const COLUMNS: [Column; 6] = [
    ("AT", "at", "-"),
    ("CALLER", "caller", "-"),
    ("FROM", "remote", "-"),
    ("ACTION", "action", "-"),
    ("RESOURCE", "resource", "-"),
    ("OUTCOME", "outcome", "-"),
];

/// `wharf audit`.
#[derive(Debug, Args)]
pub(crate) struct Audit {
    #[command(flatten)]
    connection: Connection,
    /// Only what was done to this: a project, a user, a robot, a repository.
    #[arg(long, value_name = "NAME")]
    resource: Option<String>,
    /// How many entries, the newest first; at most 1000.
    #[arg(long, value_name = "NUMBER", default_value = "50", value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
}

impl Audit {
    pub(crate) fn run(self) -> Result<(), Error> {
        let client = self.connection.open()?;
        let limit = self.limit.to_string();
        let mut query = vec![("limit", limit.as_str())];
        query.extend(self.resource.as_deref().map(|resource| ("resource", resource)));
        let page = client.page(&["audit"], &query, None)?;
        client.output.list(page["entries"].as_array().map_or(&[], Vec::as_slice), &COLUMNS)
    }
}
