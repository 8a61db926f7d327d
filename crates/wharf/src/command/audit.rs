//! `wharf audit`: who did what, and that nobody has changed what is written about it.

mod export;
mod keys;
mod line;
mod list;
mod server;
mod table;
mod verify;

use clap::{Args, Subcommand};

pub(crate) use self::keys::Noted;
use super::client::{Connection, Error};

/// `wharf audit`.
#[derive(Debug, Args)]
pub(crate) struct Audit {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Show who did what, the newest first.
    List(list::List),
    /// Write the log to standard output or into a file: with its hashes and signatures, or as a table.
    Export(export::Export),
    /// Check that an export, or the server's log, is as it was written: no row changed, missing, added or moved.
    Verify(verify::Verify),
    /// List the keys that sign the log's checkpoints. Note them down: `verify --key` believes no others.
    Keys,
}

impl Audit {
    pub(crate) fn run(self) -> Result<(), Error> {
        match self.verb {
            Verb::List(list) => list.run(&self.connection.open()?),
            Verb::Export(export) => export.run(&self.connection.open()?),
            Verb::Verify(verify) => verify.run(self.connection),
            Verb::Keys => keys::list(&self.connection.open()?),
        }
    }
}
