//! `wharf admin usage`: how many bytes projects, repositories and tags hold.

use clap::Args;

use crate::command::client::output::Column;
use crate::command::client::{Connection, Error};

const COLUMNS: [Column; 4] =
    [("NAME", "name", "-"), ("BLOBS", "blobs", "-"), ("BYTES", "size_bytes", "-"), ("ALONE", "alone_bytes", "-")];

/// `wharf admin usage`.
#[derive(Debug, Args)]
#[command(after_help = "ALONE are the bytes that nothing else holds: they come back when this one goes.")]
pub(crate) struct Usage {
    #[command(flatten)]
    connection: Connection,
    /// `PROJECT` for its repositories, `PROJECT/REPOSITORY` for its tags; all projects otherwise. With --json, one
    /// object per line.
    place: Option<String>,
}

impl Usage {
    pub(crate) fn run(self) -> Result<(), Error> {
        let client = self.connection.open()?;
        let Some(place) = self.place else { return client.stream(&["usage"], &[], &COLUMNS) };
        let project = place.split('/').next().unwrap_or(&place);
        let query: Vec<_> = place.contains('/').then_some(("repository", place.as_str())).into_iter().collect();
        client.stream(&["projects", project, "usage"], &query, &COLUMNS)
    }
}
