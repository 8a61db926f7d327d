//! The server's API as the command line uses it: which server, as whom, and how answers are shown.
//!
//! What can be asked is not known here: see the verbs beside it, and the API's own documents.
//!
//! Reading order: [`address`], [`credentials`], [`password`], [`api`], [`output`], [`image`], [`error`].

pub(crate) mod address;
pub(crate) mod api;
pub(crate) mod credentials;
pub(crate) mod error;
pub(crate) mod image;
pub(crate) mod output;
pub(crate) mod password;

use std::path::PathBuf;

use clap::Args;

pub(crate) use self::api::Client;
use self::credentials::Credentials;
pub(crate) use self::error::Error;
use self::output::Output;
use super::serve::environment;
use crate::config::source::Environment;

/// The server that `wharf serve` is when nothing else is said.
const DEFAULT_SERVER: &str = "http://127.0.0.1:5000";

/// Which server, as whom.
#[derive(Debug, Args)]
pub(crate) struct Connection {
    /// The server; also the variable WHARF_SERVER [default: http://127.0.0.1:5000].
    #[arg(long, global = true, value_name = "URL", help_heading = "Connection")]
    server: Option<String>,
    /// Who asks; also the variable WHARF_USERNAME. Without it, what `docker login` has stored is used.
    #[arg(long, global = true, value_name = "NAME", help_heading = "Connection")]
    username: Option<String>,
    /// Read your password from a line of standard input; also the variable WHARF_PASSWORD_FILE names a file that holds it.
    #[arg(long, global = true, help_heading = "Connection")]
    password_stdin: bool,
    /// PEM file with certificate authorities to believe besides those of the system. May be repeated.
    #[arg(long, global = true, value_name = "FILE", help_heading = "Connection")]
    ca: Vec<PathBuf>,
    /// Send your password to another machine without TLS.
    #[arg(long, global = true, help_heading = "Connection")]
    plain_http: bool,
    /// Print the server's answer as JSON.
    #[arg(long, global = true, help_heading = "Connection")]
    json: bool,
}

impl Connection {
    /// Where answers go, for what needs no server.
    pub(crate) fn output(&self) -> Output {
        Output::new(self.json)
    }

    /// A client that has what it needs to log in.
    pub(crate) fn open(self) -> Result<Client, Error> {
        let environment = environment();
        let named = named(&environment, "WHARF_SERVER");
        let server = address::parse(self.server.as_deref().or(named).unwrap_or(DEFAULT_SERVER))?;
        let sought = credentials::Sought {
            username: self.username.or_else(|| named_owned(&environment, "WHARF_USERNAME")),
            is_on_stdin: self.password_stdin,
            password_file: named_owned(&environment, "WHARF_PASSWORD_FILE").map(PathBuf::from),
        };
        let credentials = sought.find(&server, &environment)?;
        if !matches!(credentials, Credentials::Nobody) && address::is_exposed(&server) && !self.plain_http {
            return Err(Error::Exposed { server: address::host(&server) });
        }
        Client::open(server, credentials, self.ca, Output::new(self.json))
    }
}

/// A variable that is not empty.
pub(crate) fn named<'e>(environment: &'e Environment, name: &str) -> Option<&'e str> {
    environment.get(name).map(String::as_str).filter(|value| !value.is_empty())
}

fn named_owned(environment: &Environment, name: &str) -> Option<String> {
    named(environment, name).map(str::to_owned)
}

/// The proxies that the environment names, as every client understands it.
pub(crate) fn proxies(environment: &Environment) -> wharf_http::Proxies {
    let first = |names: [&str; 3]| names.into_iter().find_map(|name| named_owned(environment, name));
    wharf_http::Proxies {
        http: first(["http_proxy", "HTTP_PROXY", "ALL_PROXY"]),
        https: first(["https_proxy", "HTTPS_PROXY", "ALL_PROXY"]),
        except: first(["no_proxy", "NO_PROXY", ""]),
    }
}
