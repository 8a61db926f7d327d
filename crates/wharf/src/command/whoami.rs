//! `wharf whoami`: as whom the server knows the caller.

use clap::Args;

use super::client::output::Column;
use super::client::{Connection, Error};

const LINES: [Column; 3] = [("name", "name", "-"), ("kind", "kind", "-"), ("system role", "system_role", "none")];

/// `wharf whoami`.
#[derive(Debug, Args)]
pub(crate) struct Whoami {
    #[command(flatten)]
    connection: Connection,
}

impl Whoami {
    pub(crate) fn run(self) -> Result<(), Error> {
        let client = self.connection.open()?;
        client.output.one(&client.get(&["me"])?, &LINES)
    }
}
