//! Other registries that may have what is damaged here: `[fsck] sources`, as the registry asks for them.

use anyhow::Context as _;
use url::Url;
use wharf_client::{Credentials, Registry, Security, Settings};
use wharf_http::Retry;
use wharf_oci::ports::Source;
use wharf_oci::{RegistryHost, RepositoryName};
use wharf_registry::Replicas;

use crate::command::{logins, registries};
use crate::config::fsck::Fsck;

/// A source that is away holds up the check of each blob that is damaged: the next check asks it again.
const TRIES_AGAIN: usize = 1;

/// The registries, the nearest first.
#[derive(Debug)]
pub(super) struct Elsewhere(Vec<Place>);

/// Where one of them has our repositories.
#[derive(Debug)]
struct Place {
    registry: Registry,
    /// Empty, or with a slash at its end.
    prefix: String,
}

impl Elsewhere {
    /// The registries that the configuration names. Nobody is spoken to yet.
    pub(super) fn open(settings: &Fsck) -> anyhow::Result<Self> {
        let open = |url: &Url| Place::open(settings, url).with_context(|| format!("open the source `{url}`"));
        settings.sources.iter().map(open).collect::<anyhow::Result<_>>().map(Self)
    }
}

impl Place {
    fn open(settings: &Fsck, url: &Url) -> anyhow::Result<Self> {
        let (host, prefix) = parts(url)?;
        let stored = match &settings.credentials_file {
            Some(path) => logins::find_in(path, host.as_str()).context("read `fsck.credentials_file`")?,
            None => None,
        };
        let credentials = stored.map_or(Credentials::Anonymous, registries::taken);
        let security = if url.scheme() == "http" { Security::PlainHttp } else { Security::Verified };
        let settings =
            Settings { security, retry: Retry { times: TRIES_AGAIN, ..Retry::default() }, ..Settings::default() };
        let registry = Registry::new(host, settings, credentials)?;
        Ok(Self { registry, prefix })
    }
}

impl Replicas for Elsewhere {
    fn sources(&self, repository: &RepositoryName) -> Vec<Box<dyn Source>> {
        let source = |place: &Place| {
            let name = below(&place.prefix, repository)?;
            Some(Box::new(place.registry.repository(name)) as Box<dyn Source>)
        };
        self.0.iter().filter_map(source).collect()
    }
}

/// What one of our repositories is called there; a name may be too long for that.
pub(super) fn below(prefix: &str, repository: &RepositoryName) -> Option<RepositoryName> {
    format!("{prefix}{repository}").parse().ok()
}

/// The host, and what repositories begin with there.
pub(super) fn parts(url: &Url) -> anyhow::Result<(RegistryHost, String)> {
    let host = url.host_str().context("it names no host")?;
    let host = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    let prefix = match url.path().trim_matches('/') {
        "" => String::new(),
        path => format!("{}/", path.parse::<RepositoryName>().context("its path is no repository's")?),
    };
    Ok((host.parse()?, prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repositories_stand_below_the_prefix() {
        let repository = "shop/app".parse().expect("a name");
        for (url, host, name) in [
            ("https://registry.example.com", "registry.example.com", "shop/app"),
            ("https://registry.example.com:8443/", "registry.example.com:8443", "shop/app"),
            ("http://10.0.0.7:5000/copies/ours/", "10.0.0.7:5000", "copies/ours/shop/app"),
        ] {
            let (found, prefix) = parts(&url.parse().expect("a URL")).expect(url);
            let below = below(&prefix, &repository).expect(url);
            assert_eq!((found.as_str(), below.as_str()), (host, name));
        }
        assert_eq!(below(&format!("{}/", "a".repeat(250)), &repository), None, "no such name can be");
    }

    #[test]
    fn a_source_that_is_no_registry_s_place_is_refused() {
        for url in ["https://registry.example.com/UPPER", "https://registry.example.com/a//b"] {
            let settings = Fsck { sources: vec![url.parse().expect("a URL")], ..Fsck::default() };
            assert!(Elsewhere::open(&settings).is_err(), "{url}");
        }
        let settings = Fsck {
            sources: vec!["https://registry.example.com".parse().expect("a URL")],
            credentials_file: Some("/nowhere/config.json".into()),
            ..Fsck::default()
        };
        assert!(format!("{:#}", Elsewhere::open(&settings).expect_err("no file")).contains("/nowhere/config.json"));
    }
}
