//! `wharf tags`: the tags of a repository, printed as the registry tells them; and one tag's history.

mod history;

use clap::{Args, Subcommand};
use futures_util::StreamExt as _;

use super::registries::endpoint::Reading;
use super::registries::place::Place;
use super::registries::{self, Error, Registries};

/// `wharf tags`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Tags {
    #[command(subcommand)]
    verb: Option<Verb>,
    /// The repository: `registry.example.com/app`. A layout or an archive has tags, too: `oci:FOLDER`.
    #[arg(value_name = "REPOSITORY", required = true)]
    place: Option<String>,
    #[command(flatten)]
    registries: Registries,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Show where a tag of a Wharf server pointed, since when, and who moved it there. With --json, one object per line.
    History(history::History),
}

impl Tags {
    pub(crate) fn run(self) -> Result<(), Error> {
        if let Some(Verb::History(history)) = self.verb {
            return Ok(history.run()?);
        }
        let session = self.registries.open();
        let place = Place::parse(&self.place.unwrap_or_default())?;
        registries::run(async {
            let from = Reading::open(&session, &place).await?;
            let mut printed = session.output.stream();
            let mut tags = from.source.tags();
            while let Some(tag) = tags.next().await {
                if !printed.item(tag?.as_str())? {
                    return Ok(());
                }
            }
            Ok(printed.end()?)
        })
    }
}
