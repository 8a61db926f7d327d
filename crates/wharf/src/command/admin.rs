//! `wharf admin`: what is done to a registry as a whole; most of it by whoever has its data folder.

mod backup;
mod jobs;
mod migrate;
pub(crate) mod place;
mod restore;
mod usage;

use clap::{Args, Subcommand};

/// `wharf admin`.
#[derive(Debug, Args)]
pub(crate) struct Admin {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Save everything into a folder while the server works.
    Backup(backup::Backup),
    /// Restore a backup into a registry that has nothing yet.
    Restore(restore::Restore),
    /// Move the catalog, the blobs or both to another place without a stop of reads.
    Migrate(migrate::Migrate),
    /// What was to be done later and failed too often. Asks the server.
    Jobs(jobs::Jobs),
    /// How many bytes projects, repositories and tags hold. Asks the server.
    Usage(usage::Usage),
}

impl Admin {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        match self.verb {
            Verb::Backup(backup) => backup.run(),
            Verb::Restore(restore) => restore.run(),
            Verb::Migrate(migrate) => migrate.run(),
            Verb::Jobs(jobs) => jobs.run().map_err(|error| crate::error::Error::Client(error).into()),
            Verb::Usage(usage) => usage.run().map_err(|error| crate::error::Error::Client(error).into()),
        }
    }
}
