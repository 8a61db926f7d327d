//! `wharf key`: the keys that sign tokens.

use clap::{Args, Subcommand};
use serde_json::json;

use super::client::output::Column;
use super::client::{Connection, Error};

const COLUMNS: [Column; 3] = [("ID", "id", "-"), ("CREATED", "created_at", "-"), ("RETIRED", "retired_at", "signs")];

/// `wharf key`.
#[derive(Debug, Args)]
pub(crate) struct Key {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List the keys, the newest first.
    List,
    /// Make a new key that signs from now on. Tokens that were issued stay good until they end, within the hour.
    Rotate {
        /// A key has leaked: forget those before, so that all tokens that were issued are void within half a minute.
        #[arg(long)]
        at_once: bool,
    },
}

impl Key {
    pub(crate) fn run(self) -> Result<(), Error> {
        let client = self.connection.open()?;
        match self.verb {
            Verb::List => {
                let keys = client.get(&["keys"])?;
                client.output.list(keys["entries"].as_array().map_or(&[], Vec::as_slice), &COLUMNS)
            }
            Verb::Rotate { at_once } => {
                let retirement = if at_once { "at_once" } else { "when_tokens_end" };
                let key = client.post(&["keys"], &json!({ "retirement": retirement }))?;
                client.output.one(&key, &[("id", "id", "-")])
            }
        }
    }
}
