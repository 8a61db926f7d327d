//! From a URL to a pool of connections.

use std::str::FromStr;
use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use tokio_postgres::Config;
use tokio_postgres::config::SslMode;
use url::Url;

use super::tls::{Connector, Verification};
use crate::error::{Error, Source};
use crate::settings::Settings;

/// How long a server may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(10);

/// The pool, in which there is no connection yet, and what connections are made with.
pub(super) fn pool(settings: &Settings) -> Result<(Pool, Connector), Error> {
    let Target { mut config, verification } = Target::parse(&settings.url)?;
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT);
    }
    if config.get_tcp_user_timeout().is_none() {
        // Without it, a server that fell silent would hold everybody for a quarter of an hour.
        config.tcp_user_timeout(settings.transaction_timeout);
    }
    if config.get_application_name().is_none() {
        config.application_name("wharf");
    }
    if !settings.pgbouncer {
        config.options(options(&config, settings));
    }
    let open = |source: Source| Error::Open { url: masked(&settings.url), source };
    let connector = Connector::new(&verification).map_err(open)?;
    let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let pool = Pool::builder(Manager::from_config(config, connector.0.clone(), recycling))
        .max_size(settings.pool_size.max(1))
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(settings.wait_timeout))
        .create_timeout(Some(settings.wait_timeout))
        .recycle_timeout(Some(settings.wait_timeout))
        .build()
        .map_err(|source| open(source.into()))?;
    Ok((pool, connector))
}

/// Limits that the server keeps by itself, after what the URL says. A pgbouncer does not let them through.
fn options(config: &Config, settings: &Settings) -> String {
    let given = config.get_options().unwrap_or_default();
    let limit = settings.transaction_timeout.as_millis();
    format!("{given} -c statement_timeout={limit} -c idle_in_transaction_session_timeout={limit}")
}

/// A URL's meaning.
#[derive(Debug)]
struct Target {
    config: Config,
    verification: Verification,
}

impl Target {
    /// Reads `sslmode` and `sslrootcert` as libpq does; the rest is the driver's.
    fn parse(text: &str) -> Result<Self, Error> {
        let invalid = |reason: String| Error::Url { url: masked(text), reason };
        let mut url = Url::parse(text).map_err(|error| invalid(error.to_string()))?;
        let mut mode = "prefer".to_owned();
        let mut root = None;
        let mut rest = Vec::new();
        for (key, value) in url.query_pairs() {
            match &*key {
                "sslmode" => mode = value.into_owned(),
                "sslrootcert" => root = Some(value.into_owned()),
                _ => rest.push((key.into_owned(), value.into_owned())),
            }
        }
        url.set_query(None);
        if !rest.is_empty() {
            url.query_pairs_mut().extend_pairs(rest);
        }
        let (ssl_mode, verification) = match (mode.as_str(), root) {
            ("disable", _) => (SslMode::Disable, Verification::None),
            ("prefer", None) => (SslMode::Prefer, Verification::None),
            ("require", None) => (SslMode::Require, Verification::None),
            ("prefer" | "require" | "verify-ca" | "verify-full", Some(root)) => {
                (SslMode::Require, Verification::File(root.into()))
            }
            ("verify-ca" | "verify-full", None) => (SslMode::Require, Verification::System),
            (other, _) => return Err(invalid(format!("sslmode `{other}` is not known"))),
        };
        let mut config = Config::from_str(url.as_str()).map_err(|error| invalid(error.to_string()))?;
        config.ssl_mode(ssl_mode);
        Ok(Self { config, verification })
    }
}

/// The URL without its password, for errors and logs.
pub(crate) fn masked(text: &str) -> String {
    let Ok(mut url) = Url::parse(text) else { return "(a URL that cannot be read)".to_owned() };
    if url.password().is_some() && url.set_password(Some("***")).is_err() {
        return "(a URL with a password)".to_owned();
    }
    let pairs: Vec<_> = url.query_pairs().into_owned().filter(|(key, _)| key != "password").collect();
    url.set_query(None);
    if !pairs.is_empty() {
        url.query_pairs_mut().extend_pairs(pairs);
    }
    url.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_do_not_appear_in_errors() {
        let table = [
            ("postgres://u:secret@h:1/d", "postgres://u:***@h:1/d"),
            ("postgres://u@h/d", "postgres://u@h/d"),
            ("postgres://u@h/d?password=secret&x=1", "postgres://u@h/d?x=1"),
            ("no url: secret", "(a URL that cannot be read)"),
        ];
        for (url, wanted) in table {
            assert_eq!(masked(url), wanted);
        }
    }

    #[test]
    fn sslmode_and_root_are_read_as_libpq_does() {
        let parse = |url: &str| Target::parse(url).map(|target| (target.config.get_ssl_mode(), target.verification));
        assert!(matches!(parse("postgres://h/d").unwrap(), (SslMode::Prefer, Verification::None)));
        assert!(matches!(parse("postgres://h/d?sslmode=disable").unwrap(), (SslMode::Disable, Verification::None)));
        assert!(matches!(parse("postgres://h/d?sslmode=require").unwrap(), (SslMode::Require, Verification::None)));
        assert!(matches!(
            parse("postgres://h/d?sslmode=verify-full").unwrap(),
            (SslMode::Require, Verification::System)
        ));
        let with_root = parse("postgres://h/d?sslmode=require&sslrootcert=/etc/ca.pem").unwrap();
        assert!(matches!(with_root, (SslMode::Require, Verification::File(_))));
        assert!(matches!(parse("postgres://h/d?sslmode=maybe"), Err(Error::Url { .. })));
    }

    #[test]
    fn a_socket_folder_may_be_the_host() {
        let target = Target::parse("postgres:///wharf?host=/run/postgresql&user=w").unwrap();
        assert_eq!(target.config.get_dbname(), Some("wharf"));
        assert_eq!(target.config.get_hosts().len(), 1);
    }
}
