//! `wharf search`: which images are what a query says.

use clap::Args;
use serde_json::Value;

use super::client::output::Column;
use super::client::{Connection, Error};

const COLUMNS: [Column; 7] = [
    ("REPOSITORY", "repository", "-"),
    ("TAGS", "tags", "-"),
    ("DIGEST", "digest", "-"),
    ("PLATFORM", "platform", "-"),
    ("BYTES", "size_bytes", "-"),
    ("PUSHED", "pushed_at", "-"),
    ("ARCHIVED", "is_archived", "-"),
];

/// `wharf search`.
#[derive(Debug, Args)]
pub(crate) struct Search {
    #[command(flatten)]
    connection: Connection,
    /// What an image must be: `label:team=pay tag:1.* pushed:>2026-01-01 -arch:arm64`. Put it into quotes; without a
    /// query, everything is listed.
    query: Vec<String>,
    /// How many images, the newest first.
    #[arg(long, value_name = "NUMBER", default_value = "50")]
    limit: usize,
}

impl Search {
    pub(crate) fn run(self) -> Result<(), Error> {
        let client = self.connection.open()?;
        let query = self.query.join(" ");
        let (mut found, mut after): (Vec<Value>, Option<String>) = (Vec::new(), None);
        while found.len() < self.limit {
            let limit = (self.limit - found.len()).min(1000).to_string();
            let page = client.page(&["search"], &[("q", &query), ("limit", &limit)], after.as_deref())?;
            found.extend(page["entries"].as_array().cloned().unwrap_or_default());
            after = page["next"].as_str().map(str::to_owned);
            if after.is_none() {
                break;
            }
        }
        client.output.list(&found, &COLUMNS)?;
        if after.is_some() {
            client.output.remark("there is more: raise --limit, or say more precisely what you look for");
        }
        Ok(())
    }
}
