//! Registries as the command line reaches them: the flags that all verbs share, the log-in, certificates and proxies.
//!
//! How the distribution protocol is spoken is not known here: see `wharf-client`.
//!
//! Reading order: [`place`], [`endpoint`], [`transfer`], [`progress`], [`document`], [`chart`],
//! [`verb`], [`error`].

pub(crate) mod chart;
pub(crate) mod document;
pub(crate) mod endpoint;
pub(crate) mod error;
pub(crate) mod place;
pub(crate) mod progress;
pub(crate) mod transfer;
pub(crate) mod verb;

use std::future::Future;
use std::path::{Path, PathBuf};

use clap::Args;
use wharf_client::{Credentials, Mirrored, Registry, Repository, Security, Settings};
use wharf_http::Retry;
use wharf_oci::{RegistryHost, RepositoryName};
use zeroize::Zeroizing;

pub(crate) use self::error::Error;
use self::place::Remote;
use super::client::output::Output;
use super::client::{credentials, proxies};
use super::serve::environment;
use super::{login, logins};
use crate::config::size::Size;
use crate::config::source::Environment;

/// Folders in which docker and podman keep certificate authorities, one folder per host.
const CERTIFICATES: [&str; 2] = ["/etc/docker/certs.d", "/etc/containers/certs.d"];

/// How registries are reached, and how answers are shown.
#[derive(Debug, Clone, Args)]
pub(crate) struct Registries {
    /// Speak to this registry without TLS, or with a certificate that nobody vouches for. May be repeated.
    #[arg(long, value_name = "HOST", help_heading = "Registries")]
    insecure: Vec<String>,
    /// PEM file with certificate authorities to believe besides those of the system. May be repeated.
    #[arg(long, value_name = "FILE", help_heading = "Registries")]
    ca: Vec<PathBuf>,
    /// How often to try again what failed for the network's or the registry's trouble.
    #[arg(long, value_name = "NUMBER", default_value_t = Retry::default().times, help_heading = "Registries")]
    retry: usize,
    /// Ask this registry first for what is read from a registry. May be repeated.
    #[arg(long, value_name = "HOST", help_heading = "Registries")]
    mirror: Vec<String>,
    /// Send blobs in pieces of this size, such as `50MB`, where a proxy on the way refuses larger requests.
    #[arg(long, value_name = "SIZE", help_heading = "Registries")]
    chunk_size: Option<Size>,
    /// Print JSON.
    #[arg(long, help_heading = "Registries")]
    json: bool,
}

/// The flags, and what the environment adds to them.
#[derive(Debug)]
pub(crate) struct Session {
    environment: Environment,
    flags: Registries,
    /// Where answers are shown.
    pub(crate) output: Output,
}

impl Registries {
    pub(crate) fn open(self) -> Session {
        let output = Output::new(self.json);
        Session { environment: environment(), flags: self, output }
    }
}

impl Session {
    /// The variables of this process.
    pub(crate) fn environment(&self) -> &Environment {
        &self.environment
    }

    pub(crate) fn is_json(&self) -> bool {
        self.flags.json
    }

    /// A repository, with the log-in that is stored for it.
    pub(crate) fn repository(&self, remote: &Remote) -> Result<Repository, Error> {
        let image = &remote.image;
        let registry = self.registry(&image.registry, Some(&image.repository), remote.is_plain)?;
        Ok(registry.repository(image.repository.clone()))
    }

    /// A repository to read from, behind the mirrors that were named.
    pub(crate) fn mirrored(&self, remote: &Remote) -> Result<Mirrored, Error> {
        let mirror = |text: &String| {
            let (host, is_plain) = login::host(text)?;
            let name = &remote.image.repository;
            Ok(self.registry(&host, Some(name), is_plain)?.repository(name.clone()))
        };
        let mirrors = self.flags.mirror.iter().map(mirror).collect::<Result<_, Error>>()?;
        Ok(Mirrored::new(mirrors, self.repository(remote)?))
    }

    /// A registry, with the log-in that is stored for it, or for this repository of it.
    pub(crate) fn registry(
        &self,
        host: &RegistryHost,
        repository: Option<&RepositoryName>,
        is_plain: bool,
    ) -> Result<Registry, Error> {
        let stored = logins::find(&self.environment, host.as_str(), repository.map(RepositoryName::as_str));
        let credentials = stored.map_err(Error::LogIn)?.map_or(Credentials::Anonymous, taken);
        self.registry_as(host, credentials, is_plain)
    }

    /// A registry, with this log-in.
    pub(crate) fn registry_as(
        &self,
        host: &RegistryHost,
        credentials: Credentials,
        is_plain: bool,
    ) -> Result<Registry, Error> {
        let mut settings = Settings { security: self.security(host, is_plain), ..Settings::default() };
        settings.http.authorities = self.flags.ca.clone();
        settings.http.authorities.extend(CERTIFICATES.iter().flat_map(|folder| authorities(folder, host)));
        settings.http.proxies = proxies(&self.environment);
        settings.retry.times = self.flags.retry;
        settings.chunk_bytes = self.flags.chunk_size.map(|size| size.0);
        Registry::new(host.clone(), settings, credentials).map_err(Error::Client)
    }

    /// A client for servers that are no registries.
    pub(crate) fn http(&self) -> Result<wharf_http::Client, wharf_http::Error> {
        let (authorities, proxies) = (self.flags.ca.clone(), proxies(&self.environment));
        wharf_http::client(&wharf_http::Settings { authorities, proxies, ..wharf_http::Settings::default() })
    }

    fn security(&self, host: &RegistryHost, is_plain: bool) -> Security {
        let is_named = |named: &String| named.parse::<RegistryHost>().is_ok_and(|named| named == *host);
        match is_plain {
            true => Security::PlainHttp,
            false if self.flags.insecure.iter().any(is_named) => Security::Insecure,
            false => Security::Verified,
        }
    }
}

/// Runs to the end, or until somebody interrupts: what is dropped then cleans up after itself.
pub(crate) fn run<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Error::Runtime)?;
    runtime.block_on(async {
        tokio::select! {
            outcome = work => outcome,
            signal = tokio::signal::ctrl_c() => Err(signal.map_or_else(Error::Runtime, |()| Error::Interrupted)),
        }
    })
}

/// A log-in as the client of registries takes it.
pub(crate) fn taken(stored: credentials::Credentials) -> Credentials {
    match stored {
        credentials::Credentials::Nobody => Credentials::Anonymous,
        credentials::Credentials::Basic { username, password } => {
            Credentials::Password { username, password: Zeroizing::new(password.expose().to_owned()) }
        }
        credentials::Credentials::RefreshToken(token) => {
            Credentials::IdentityToken(Zeroizing::new(token.expose().to_owned()))
        }
    }
}

/// The authorities that are kept for a host: `*.crt` in the folder that has its name.
fn authorities(folder: &str, host: &RegistryHost) -> Vec<PathBuf> {
    let files = std::fs::read_dir(Path::new(folder).join(host.as_str())).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = files.map(|file| file.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "crt"));
    paths.sort();
    paths
}
