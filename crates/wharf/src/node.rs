//! This node's images: where they lie, and opening them.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use wharf_context::SystemClock;
use wharf_images::Images;

use crate::config::source::Environment;
use crate::data;

/// The folder below the data folder.
const FOLDER: &str = "node";

/// Where the node's images are.
#[derive(Debug, Clone, Args)]
pub(crate) struct Node {
    /// The folder of this node's images and caches. By default `node` in the data folder: `/var/lib/wharf/node` for root.
    #[arg(long, value_name = "FOLDER")]
    store: Option<PathBuf>,
}

impl Node {
    pub(crate) async fn open(&self, environment: &Environment) -> Result<Images, wharf_images::Error> {
        let named = self.store.clone().or_else(|| environment.get("WHARF_NODE").map(PathBuf::from));
        let folder = named.unwrap_or_else(|| data::default_folder(environment).join(FOLDER));
        Images::open(&folder, Arc::new(SystemClock)).await
    }
}
