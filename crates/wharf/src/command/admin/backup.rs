//! `wharf admin backup`: save everything.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;

use super::place::{Copying, Place, setting};
use crate::operator::order;

/// `wharf admin backup`.
#[derive(Debug, Args)]
pub(crate) struct Backup {
    /// The folder of the backup. One that holds an earlier backup is brought up to date: only new blobs are copied.
    folder: PathBuf,
    /// Put the blobs into this storage instead of the folder: `s3://BUCKET/PREFIX` or `file:PATH`. What else
    /// `[storage]` says counts for it, too.
    #[arg(long, value_name = "URL")]
    to_storage: Option<String>,
    #[command(flatten)]
    copying: Copying,
    #[command(flatten)]
    place: Place,
}

impl Backup {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let folder = std::path::absolute(&self.folder).context("find the folder of the backup")?;
        let elsewhere = self.to_storage.clone().map(|url| setting("storage", "url", url, "--to-storage"));
        let bytes = elsewhere.map(|url| self.place.load(vec![url])).transpose()?.map(|config| Box::new(config.storage));
        let order = order::Backup { folder, bytes, copy: self.copying.options()? };
        let outcome = self.place.order(order::Order::Backup(order))?;
        let sentence = format!(
            "saved {} blobs ({} bytes), of which {} were new, in `{}`",
            outcome["blobs"],
            outcome["blob_bytes"],
            outcome["copied_blobs"],
            self.folder.display()
        );
        self.place.show(&outcome, &sentence);
        if let Some(damage) = outcome["damage"].as_str().filter(|damage| !damage.is_empty()) {
            eprintln!("warning: some blobs are damaged and not in the backup; run `wharf fsck`: {damage}");
        }
        Ok(())
    }
}
