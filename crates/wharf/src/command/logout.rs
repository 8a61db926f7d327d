//! `wharf logout`: forget a stored log-in.

use clap::Args;
use serde_json::json;

use super::login::host;
use super::logins;
use super::registries::{Error, Registries};

/// `wharf logout`.
#[derive(Debug, Args)]
pub(crate) struct Logout {
    /// The registry, as image names begin with it.
    #[arg(value_name = "HOST")]
    host: String,
    #[command(flatten)]
    registries: Registries,
}

impl Logout {
    pub(crate) fn run(self) -> Result<(), Error> {
        let session = self.registries.open();
        let (host, _) = host(&self.host)?;
        let had_one = logins::erase(session.environment(), host.as_str())?;
        let sentence = if had_one { "the log-in is forgotten" } else { "there was no log-in" };
        let document = json!({ "registry": host.as_str(), "had_login": had_one });
        Ok(session.output.told(&document, &format!("{sentence}: {host}"))?)
    }
}
