//! `wharf image ls`: what this node's images are called.

use clap::Args;
use serde_json::json;

use super::import::failed;
use crate::command::client::output::{Column, Output};
use crate::command::registries::{self, Error};
use crate::command::serve::environment;
use crate::node::Node;

const COLUMNS: [Column; 2] = [("NAME", "name", ""), ("DIGEST", "digest", "")];

/// `wharf image ls`.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    node: Node,
}

impl List {
    pub(crate) fn run(self) -> Result<(), Error> {
        registries::run(async {
            let images = self.node.open(&environment()).await.map_err(failed)?;
            let names = images.names().await.map_err(failed)?;
            let entries: Vec<_> = names
                .iter()
                .map(|named| json!({ "name": named.name, "digest": named.descriptor.digest.to_string() }))
                .collect();
            Ok(Output::new(self.json).list(&entries, &COLUMNS)?)
        })
    }
}
