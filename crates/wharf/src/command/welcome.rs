//! What the person who starts the server is told: where it is, where the data lies, how to log in.

use std::fmt::Write as _;

use wharf_identity::Secret;

use crate::config::Config;
use crate::data::Folder;
use crate::server::listener::{Listener, Purpose};

/// The lines. Others' tools may look for `http` at the start of a line, so the address stands alone.
pub(crate) fn render(
    config: &Config,
    listeners: &[Listener],
    folder: &Folder,
    first_password: Option<&Secret>,
) -> String {
    let host = host(config, listeners);
    let url = config.server.public_url.as_ref().map(|url| url.as_str().trim_end_matches('/').to_owned());
    let scheme = if config.tls.certificate.is_some() { "https" } else { "http" };
    let url = url.or_else(|| host.as_ref().map(|host| format!("{scheme}://{host}")));
    let mut text = format!("Wharf {} is ready.\n", env!("CARGO_PKG_VERSION"));
    let mut line = |name: &str, value: &str| writeln!(text, "  {name:<9} {value}").expect("a String takes everything");
    if let Some(url) = url {
        line("address", &url);
    }
    for listener in listeners {
        let purpose = if listener.purpose == Purpose::Metrics { " (metrics)" } else { "" };
        line("listens", &format!("{}{purpose}", listener.address()));
    }
    line("data", &folder.path().display().to_string());
    if let Some(password) = first_password {
        line("password", &format!("{} (of `admin`; shown this one time)", password.expose()));
    }
    match host {
        Some(_) if config.auth.open => line("log in", "not needed: --open lets everyone push, pull and delete"),
        Some(host) => line("log in", &format!("docker login {host} --username admin")),
        None => {}
    }
    text
}

/// The lines of a standby.
pub(crate) fn render_standby(folder: &Folder, of: &url::Url) -> String {
    format!(
        "Wharf {} is a standby.\n  follows   {of}\n  data      {}\n  take over wharf standby take-over\n",
        env!("CARGO_PKG_VERSION"),
        folder.path().display()
    )
}

/// How image names begin that lie here.
fn host(config: &Config, listeners: &[Listener]) -> Option<String> {
    if let Some(url) = &config.server.public_url {
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        return Some(format!("{}{port}", url.host_str()?));
    }
    let registry = listeners.iter().filter(|listener| listener.purpose == Purpose::Registry);
    let address = registry.filter_map(Listener::tcp_address).next()?;
    if address.ip().is_unspecified() {
        return Some(format!("localhost:{}", address.port()));
    }
    Some(address.to_string())
}
