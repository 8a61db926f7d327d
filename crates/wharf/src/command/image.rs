//! `wharf image`: looking into images.

mod diff;

use clap::Subcommand;

use super::registries::Error;

/// `wharf image`.
#[derive(Debug, Subcommand)]
pub(crate) enum Image {
    /// Show what differs between two images: config, layers and files.
    Diff(diff::Diff),
}

impl Image {
    pub(crate) fn run(self) -> Result<(), Error> {
        match self {
            Self::Diff(diff) => diff.run(),
        }
    }
}
