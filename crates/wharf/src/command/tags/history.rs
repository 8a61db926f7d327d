//! `wharf tags history`: where a tag pointed, and who moved it.

use clap::Args;

use crate::command::bin::project;
use crate::command::client::output::Column;
use crate::command::client::{Connection, Error};

const ENTRIES: [Column; 5] = [
    ("SINCE", "since", "-"),
    ("UNTIL", "until", "now"),
    ("DIGEST", "digest", "-"),
    ("BY", "changed_by", "-"),
    ("MOVED FROM", "from", "-"),
];

/// `wharf tags history`.
#[derive(Debug, Args)]
pub(crate) struct History {
    /// `PROJECT/NAME:TAG`, of the server that the connection names.
    #[arg(value_name = "REPOSITORY:TAG")]
    tag: String,
    #[command(flatten)]
    connection: Connection,
}

impl History {
    pub(super) fn run(self) -> Result<(), Error> {
        let client = self.connection.open()?;
        let (repository, tag) = self.tag.split_once(':').unwrap_or((&self.tag, "latest"));
        let path = ["projects", project(repository), "tags", "history"];
        client.stream(&path, &[("repository", repository), ("tag", tag)], &ENTRIES)
    }
}
