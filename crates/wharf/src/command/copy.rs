//! `wharf copy`: images and artifacts from any place to any other.

use clap::Args;

use super::registries::endpoint::Reading;
use super::registries::place::Place;
use super::registries::transfer::Transfer;
use super::registries::{self, Error, Registries};

/// `wharf copy`.
#[derive(Debug, Args)]
pub(crate) struct Copy {
    /// Where it is: `registry.example.com/app:tag`, `oci:FOLDER[:TAG]`, `oci-archive:FILE[:TAG]`, `docker-archive:FILE[:NAME]`.
    #[arg(value_name = "SOURCE")]
    source: String,
    /// Where it goes, written in the same way. Without a tag, it keeps the one that it has.
    #[arg(value_name = "DESTINATION")]
    destination: String,
    #[command(flatten)]
    transfer: Transfer,
    #[command(flatten)]
    registries: Registries,
}

impl Copy {
    pub(crate) fn run(self) -> Result<(), Error> {
        let session = self.registries.open();
        let (source, destination) = (Place::parse(&self.source)?, Place::parse(&self.destination)?);
        registries::run(async {
            let from = Reading::open(&session, &source).await?;
            self.transfer.run(&session, from, &destination).await
        })
    }
}
