//! `wharf ls`: the repositories of a registry, printed as the registry tells them.

use clap::Args;
use futures_util::StreamExt as _;

use super::client;
use super::login::host;
use super::registries::{self, Error, Registries};

/// The server that `wharf serve` is when nothing else is said.
const DEFAULT_HOST: &str = "127.0.0.1:5000";

/// `wharf ls`.
#[derive(Debug, Args)]
pub(crate) struct Ls {
    /// The registry, or a project of it: `registry.example.com`, `registry.example.com/project`. Without it the variable
    /// WHARF_SERVER counts [default: 127.0.0.1:5000].
    #[arg(value_name = "HOST[/PROJECT]")]
    place: Option<String>,
    #[command(flatten)]
    registries: Registries,
}

impl Ls {
    pub(crate) fn run(self) -> Result<(), Error> {
        let session = self.registries.open();
        let server = client::named(session.environment(), "WHARF_SERVER").map(str::to_owned);
        let place = self.place.or(server).unwrap_or_else(|| DEFAULT_HOST.to_owned());
        let (scheme, rest) = place.split_once("://").map_or(("", place.as_str()), |(scheme, rest)| (scheme, rest));
        let (host_text, project) = rest.split_once('/').unwrap_or((rest, ""));
        let (host, _) = host(host_text)?;
        let registry = session.registry(&host, None, scheme == "http")?;
        let project = project.trim_end_matches('/');
        registries::run(async {
            let mut printed = session.output.stream();
            let mut names = registry.repositories();
            while let Some(name) = names.next().await {
                let name = name?;
                if is_below(name.as_str(), project) && !printed.item(&format!("{host}/{name}"))? {
                    return Ok(());
                }
            }
            Ok(printed.end()?)
        })
    }
}

/// Whether a repository is a project's; every one is where no project was named.
fn is_below(name: &str, project: &str) -> bool {
    project.is_empty() || name.strip_prefix(project).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
