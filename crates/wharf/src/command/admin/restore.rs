//! `wharf admin restore`: a backup becomes a registry.

use std::path::PathBuf;

use clap::Args;

use super::place::{Copying, Place, Show, run, watched};
use crate::command::serve::environment;
use crate::data::Folder;
use crate::operator::restore;

/// `wharf admin restore`.
#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// The folder of the backup.
    folder: PathBuf,
    /// Go on when the backup has lost bytes.
    #[arg(long)]
    leave_out_damaged: bool,
    #[command(flatten)]
    copying: Copying,
    #[command(flatten)]
    place: Place,
}

impl Restore {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let config = self.place.load(Vec::new())?;
        let copy = self.copying.options()?;
        let order = restore::Restore { folder: &self.folder, copy, leave_out_damaged: self.leave_out_damaged };
        let outcome = run(&config, async {
            let _folder = Folder::take(config.server.data())?;
            let environment = environment();
            watched(Show::new(), async |teller| restore::restore(&config, &environment, order, &teller).await).await
        })?;
        let sentence = format!(
            "restored {} blobs ({} bytes) as they were at {}; start the server",
            outcome["blobs"],
            outcome["blob_bytes"],
            outcome["taken_at"].as_str().unwrap_or_default()
        );
        self.place.show(&outcome, &sentence);
        Ok(())
    }
}
