//! `wharf tags`: the tags of a repository, printed as the registry tells them.

use clap::Args;
use futures_util::StreamExt as _;

use super::registries::endpoint::Reading;
use super::registries::place::Place;
use super::registries::{self, Error, Registries};

/// `wharf tags`.
#[derive(Debug, Args)]
pub(crate) struct Tags {
    /// The repository: `registry.example.com/app`. A layout or an archive has tags, too: `oci:FOLDER`.
    #[arg(value_name = "REPOSITORY")]
    place: String,
    #[command(flatten)]
    registries: Registries,
}

impl Tags {
    pub(crate) fn run(self) -> Result<(), Error> {
        let session = self.registries.open();
        let place = Place::parse(&self.place)?;
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
