//! `wharf key`: the keys that sign tokens, and those that secrets and blobs are sealed under.

use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

use super::client::output::Column;
use super::client::{Connection, Error};

const COLUMNS: [Column; 3] = [("ID", "id", "-"), ("CREATED", "created_at", "-"), ("RETIRED", "retired_at", "signs")];

const DATA_COLUMNS: [Column; 5] = [
    ("ID", "id", "-"),
    ("PURPOSE", "purpose", "-"),
    ("MASTER KEY", "master_key", "-"),
    ("CREATED", "created_at", "-"),
    ("RETIRED", "retired_at", "seals"),
];

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
    /// List the keys that secrets and blobs are sealed under, the newest first.
    ListData,
    /// Make a new key for what is sealed from now on, noticed by all nodes within a minute. What was sealed stays as it is.
    RotateData {
        /// What the key seals.
        #[arg(long, value_name = "PURPOSE", default_value = "blobs")]
        purpose: Purpose,
    },
    /// Wrap these keys by the master key in `encryption.master_key_file`, once all nodes have it beside the old one.
    RotateMaster,
    /// Make a new key that signs from now on. Tokens that were issued stay good until they end, within the hour.
    Rotate {
        /// A key has leaked: forget those before, so that all tokens that were issued are void within half a minute.
        #[arg(long)]
        at_once: bool,
    },
}

/// What a data key seals.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Purpose {
    /// Secrets in the catalog.
    Catalog,
    /// Blobs.
    Blobs,
}

impl Purpose {
    fn word(self) -> &'static str {
        match self {
            Self::Catalog => "catalog",
            Self::Blobs => "blobs",
        }
    }
}

impl Key {
    pub(crate) fn run(self) -> Result<(), Error> {
        let client = self.connection.open()?;
        match self.verb {
            Verb::List => {
                let keys = client.get(&["keys"])?;
                client.output.list(keys["entries"].as_array().map_or(&[], Vec::as_slice), &COLUMNS)
            }
            Verb::ListData => {
                let keys = client.get(&["data-keys"])?;
                client.output.list(keys["entries"].as_array().map_or(&[], Vec::as_slice), &DATA_COLUMNS)
            }
            Verb::RotateData { purpose } => {
                let key = client.post(&["data-keys"], &json!({ "purpose": purpose.word() }))?;
                client.output.one(&key, &[("id", "id", "-")])
            }
            Verb::RotateMaster => {
                let rewrapped = client.post(&["data-keys", "rewrap"], &json!({}))?;
                client.output.one(&rewrapped, &[("master key", "master_key", "-"), ("rewrapped", "rewrapped", "-")])
            }
            Verb::Rotate { at_once } => {
                let retirement = if at_once { "at_once" } else { "when_tokens_end" };
                let key = client.post(&["keys"], &json!({ "retirement": retirement }))?;
                client.output.one(&key, &[("id", "id", "-")])
            }
        }
    }
}
