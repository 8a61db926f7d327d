//! `wharf admin migrate`: catalog and blobs go to other places.

use std::path::PathBuf;

use clap::Args;
use serde_json::Value;

use super::place::{Copying, Place, setting};
use crate::config::Config;
use crate::config::merge;
use crate::operator::order;

/// `wharf admin migrate`.
#[derive(Debug, Args)]
pub(crate) struct Migrate {
    /// The configuration file that the server will be started with: what `[database]` and `[storage]` say there.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["to_database", "to_storage"])]
    to: Option<PathBuf>,
    /// The new catalog: `postgres://…` or `sqlite:PATH`.
    #[arg(long, value_name = "URL")]
    to_database: Option<String>,
    /// The new place of the blobs: `s3://BUCKET/PREFIX` or `file:PATH`. What else `[storage]` says counts for it, too.
    #[arg(long, value_name = "URL")]
    to_storage: Option<String>,
    /// Go on although bytes of some blobs are damaged or missing.
    #[arg(long)]
    leave_out_damaged: bool,
    /// After a move: go on at the old places after all.
    #[arg(long, conflicts_with_all = ["to", "to_database", "to_storage"])]
    abandon: bool,
    #[command(flatten)]
    copying: Copying,
    #[command(flatten)]
    place: Place,
}

impl Migrate {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        if self.abandon {
            let outcome = self.place.order(order::Order::Abandon)?;
            self.place.show(&outcome, "the registry goes on where it was; empty the new places before you move again");
            return Ok(());
        }
        let order = order::Migrate {
            to: Box::new(self.target()?),
            copy: self.copying.options()?,
            leave_out_damaged: self.leave_out_damaged,
        };
        let outcome = self.place.order(order::Order::Migrate(order))?;
        self.place.show(&outcome, &next(&outcome));
        Ok(())
    }

    /// The configuration that counts afterwards.
    fn target(&self) -> anyhow::Result<Config> {
        if let Some(file) = &self.to {
            // The variables of this process are about the server as it is.
            return Ok(merge::load(Some(file.as_path()), &Default::default(), Vec::new())?.config);
        }
        let database = self.to_database.clone().map(|url| setting("database", "url", url, "--to-database"));
        let storage = self.to_storage.clone().map(|url| setting("storage", "url", url, "--to-storage"));
        Ok(self.place.load(database.into_iter().chain(storage).collect())?)
    }
}

/// What is left to do for people.
fn next(outcome: &Value) -> String {
    let set = |key: &str, place: &Value| place.as_str().map(|place| format!("  {key} = \"{place}\"\n"));
    let lines = [set("database.url", &outcome["catalog"]), set("storage.url", &outcome["bytes"])];
    let lines: String = lines.into_iter().flatten().collect();
    format!(
        "moved; writes are refused until the server is restarted with\n{lines}\
         To stay where it was instead: wharf admin migrate --abandon"
    )
}
