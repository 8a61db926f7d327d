//! `wharf image`: looking into images, and making them of folders.

mod diff;
mod import;
mod list;

use clap::Subcommand;

use super::registries::Error;

/// `wharf image`.
#[derive(Debug, Subcommand)]
pub(crate) enum Image {
    /// Show what differs between two images: config, layers and files.
    Diff(diff::Diff),
    /// Make a base image of a folder or an archive, such as mmdebstrap makes.
    Import(import::Import),
    /// List the images of this node.
    Ls(list::List),
}

impl Image {
    pub(crate) fn run(self) -> Result<(), Error> {
        match self {
            Self::Diff(diff) => diff.run(),
            Self::Import(import) => import.run(),
            Self::Ls(list) => list.run(),
        }
    }
}
