//! `wharf login`: try a log-in at a registry, and store it as `docker login` does.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use clap::Args;
use serde_json::json;
use wharf_client::{Credentials, LoggedIn};
use wharf_identity::Secret;
use wharf_oci::RegistryHost;
use zeroize::Zeroizing;

use super::client::{self, password};
use super::logins;
use super::registries::{self, Error, Registries};

/// `wharf login`.
#[derive(Debug, Args)]
pub(crate) struct Login {
    /// The registry, as image names begin with it.
    #[arg(value_name = "HOST")]
    host: String,
    /// Who logs in; asked for by default.
    #[arg(long, short, value_name = "NAME")]
    username: Option<String>,
    /// Read the password from a line of standard input.
    #[arg(long, requires = "username")]
    password_stdin: bool,
    #[command(flatten)]
    registries: Registries,
}

impl Login {
    pub(crate) fn run(self) -> Result<(), Error> {
        let session = self.registries.open();
        let (host, is_plain) = host(&self.host)?;
        let username = match self.username {
            Some(username) => username,
            None => ask_name()?,
        };
        let secret = if self.password_stdin {
            password::from_stdin()
        } else {
            password::ask(&format!("Password of {username}: "))
        };
        let secret = secret?;
        let credentials =
            Credentials::Password { username: username.clone(), password: Zeroizing::new(secret.expose().to_owned()) };
        let registry = session.registry_as(&host, credentials, is_plain)?;
        let logged_in = registries::run(async { Ok(registry.log_in().await?) })?;
        let is_verified = matches!(logged_in, LoggedIn::Accepted { .. });
        let login = match logged_in {
            LoggedIn::Accepted { identity_token: Some(token) } => {
                logins::Login { username: username.clone(), secret: Secret::new(token.as_str()), is_token: true }
            }
            LoggedIn::Accepted { .. } | LoggedIn::NotAsked => {
                logins::Login { username: username.clone(), secret, is_token: false }
            }
        };
        let place = logins::store(session.environment(), host.as_str(), &login)?;
        if !is_verified {
            session.output.remark("the registry asked for no log-in, so this one was not verified");
        }
        let document = json!({ "registry": host.as_str(), "username": username, "is_verified": is_verified });
        Ok(session.output.told(&document, &format!("logged in to {host} as {username}; stored in {place}"))?)
    }
}

/// Reads `HOST`, `https://HOST` or `http://HOST`; whether it is the last is the second.
pub(crate) fn host(text: &str) -> Result<(RegistryHost, bool), Error> {
    let (rest, is_plain) = match text.strip_prefix("http://") {
        Some(rest) => (rest, true),
        None => (text.strip_prefix("https://").unwrap_or(text), false),
    };
    let host = rest.trim_end_matches('/').parse();
    Ok((host.map_err(|source| Error::Name { text: text.to_owned(), source })?, is_plain))
}

fn ask_name() -> Result<String, client::Error> {
    if !io::stdin().is_terminal() {
        return Err(client::Error::NoUsername);
    }
    eprint!("Username: ");
    io::stderr().flush().map_err(client::Error::ReadPassword)?;
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).map_err(client::Error::ReadPassword)?;
    match line.trim() {
        "" => Err(client::Error::NoUsername),
        name => Ok(name.to_owned()),
    }
}
