//! Image names as people write them: `[host/]repository[:tag][@digest]`.
//!
//! What has no host is Docker Hub's, as every client takes it: `alpine` is `docker.io/library/alpine`. How a host is
//! reached is not known here.
//! Spec: the grammar of Docker's references, which image names follow everywhere.

use std::fmt;
use std::str::FromStr;

use crate::digest::{Digest, DigestError};
use crate::name::{NameError, RepositoryName};
use crate::reference::{Reference, ReferenceError, Tag};

/// The host that names without one mean.
pub const DOCKER_HUB: &str = "docker.io";
const MAX_HOST_BYTES: usize = 255;

/// Why a text is no image name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ImageNameError {
    /// What stands before the first `/` looks like a host and is none.
    #[error("`{0}` is no host; it reads `registry.example.com` or `localhost:5000`")]
    Host(String),
    /// The repository's name breaks the grammar.
    #[error(transparent)]
    Repository(#[from] NameError),
    /// The tag breaks the grammar.
    #[error(transparent)]
    Tag(#[from] ReferenceError),
    /// What stands behind `@` is no digest.
    #[error(transparent)]
    Digest(#[from] DigestError),
}

/// A registry's host and port as image names begin with them, e.g. `registry.example.com:8443`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RegistryHost(String);

impl RegistryHost {
    /// The host and port.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The host without its port.
    pub fn name(&self) -> &str {
        match self.0.rsplit_once(':') {
            Some((name, port)) if !port.ends_with(']') => name,
            _ => &self.0,
        }
    }

    /// Whether it is this machine, by its name or address.
    pub fn is_loopback(&self) -> bool {
        let name = self.name();
        let address = name.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
        name == "localhost"
            || name.ends_with(".localhost")
            || address.is_ok_and(|address| address.to_canonical().is_loopback())
    }
}

impl fmt::Display for RegistryHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for RegistryHost {
    type Err = ImageNameError;

    fn from_str(text: &str) -> Result<Self, ImageNameError> {
        let lower = text.to_ascii_lowercase();
        // Docker's own names of one registry.
        if matches!(lower.as_str(), DOCKER_HUB | "index.docker.io" | "registry-1.docker.io") {
            return Ok(Self(DOCKER_HUB.to_owned()));
        }
        if is_host(&lower) { Ok(Self(lower)) } else { Err(ImageNameError::Host(text.chars().take(64).collect())) }
    }
}

/// Where an image is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ImageName {
    /// The registry.
    pub registry: RegistryHost,
    /// The repository there.
    pub repository: RepositoryName,
    /// The tag, where one was written.
    pub tag: Option<Tag>,
    /// The digest, where one was written. It decides, whatever the tag says.
    pub digest: Option<Digest>,
}

impl ImageName {
    /// What the image is asked for by: the digest, else the tag.
    pub fn reference(&self) -> Option<Reference> {
        self.digest.map(Reference::Digest).or_else(|| self.tag.clone().map(Reference::Tag))
    }
}

impl fmt::Display for ImageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        match &self.digest {
            Some(digest) => write!(f, "@{digest}"),
            None => Ok(()),
        }
    }
}

impl FromStr for ImageName {
    type Err = ImageNameError;

    fn from_str(text: &str) -> Result<Self, ImageNameError> {
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) => (name, Some(digest.parse()?)),
            None => (text, None),
        };
        let (host, path) = match name.split_once('/') {
            Some((first, rest)) if looks_like_host(first) => (Some(first), rest),
            _ => (None, name),
        };
        let (path, tag) = match path.rsplit_once(':') {
            Some((path, tag)) => (path, Some(tag.parse()?)),
            None => (path, None),
        };
        let registry: RegistryHost = host.unwrap_or(DOCKER_HUB).parse()?;
        let is_official = registry.as_str() == DOCKER_HUB && !path.contains('/');
        let repository = if is_official { format!("library/{path}").parse()? } else { path.parse()? };
        Ok(Self { registry, repository, tag, digest })
    }
}

/// Whether the first part of a name is a host: Docker's rule. A repository's first part may hold a dot, too; then it is
/// written with its host in front.
fn looks_like_host(text: &str) -> bool {
    text == "localhost" || text.contains(['.', ':'])
}

fn is_host(text: &str) -> bool {
    let (name, port) = match text.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, Some(port)),
        _ => (text, None),
    };
    let is_port =
        |port: &str| port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0);
    let is_label = |label: &str| {
        let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        !label.is_empty() && label.bytes().all(is_inner) && !label.starts_with('-') && !label.ends_with('-')
    };
    let is_name = match name.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']').is_some_and(|address| address.parse::<std::net::Ipv6Addr>().is_ok()),
        None => name.split('.').all(is_label),
    };
    text.len() <= MAX_HOST_BYTES && is_name && port.is_none_or(is_port)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::digest::Algorithm;

    #[test]
    fn names_are_read_as_every_client_reads_them() {
        let digest = Digest::of(Algorithm::Sha256, b"x");
        for (text, full) in [
            ("alpine", "docker.io/library/alpine"),
            ("alpine:3", "docker.io/library/alpine:3"),
            ("grafana/loki", "docker.io/grafana/loki"),
            ("docker.io/alpine", "docker.io/library/alpine"),
            ("index.docker.io/library/alpine", "docker.io/library/alpine"),
            ("registry-1.docker.io/a/b", "docker.io/a/b"),
            ("localhost/app", "localhost/app"),
            ("localhost:5000/app:v1", "localhost:5000/app:v1"),
            ("127.0.0.1:5000/a/b/c", "127.0.0.1:5000/a/b/c"),
            ("[::1]:5000/app:v1", "[::1]:5000/app:v1"),
            ("ghcr.io/a/b:v1", "ghcr.io/a/b:v1"),
            ("Registry.Example.com/app", "registry.example.com/app"),
            ("host:5000/app", "host:5000/app"),
        ] {
            let name: ImageName = text.parse().expect(text);
            assert_eq!(name.to_string(), full);
            assert_eq!(full.parse(), Ok(name));
            let pinned = format!("{text}@{digest}").parse::<ImageName>().expect(text);
            assert_eq!(pinned.reference(), Some(Reference::Digest(digest)), "the digest decides");
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for bad in [
            "",
            "/",
            "A",
            "REGISTRY/app",
            "a:",
            "a@",
            "a@sha256:0",
            ":v1",
            "a/",
            "localhost/",
            "localhost:5000/",
            "host:0/a",
            "host:99999/a",
            "host:x/a",
            "-a.b/c",
            "a..b/c",
            "[::1/a",
            "[x]:5/a",
            "a b.c/d",
            "a:b:c",
            "http://x/y",
        ] {
            assert!(bad.parse::<ImageName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn this_machine_is_known_by_name_and_address() {
        for (host, name, is_loopback) in [
            ("localhost", "localhost", true),
            ("localhost:5000", "localhost", true),
            ("a.localhost", "a.localhost", true),
            ("127.8.9.1:1", "127.8.9.1", true),
            ("[::1]:5000", "[::1]", true),
            ("[::1]", "[::1]", true),
            ("localhost.example.com", "localhost.example.com", false),
            ("10.0.0.1:5000", "10.0.0.1", false),
            ("[fe80::1]", "[fe80::1]", false),
        ] {
            let host: RegistryHost = host.parse().expect(host);
            assert_eq!((host.name(), host.is_loopback()), (name, is_loopback));
        }
    }

    proptest! {
        #[test]
        fn what_was_read_reads_back(text in "([a-zA-Z0-9.:\\[\\]-]{0,12}/)?[a-z0-9/._:@-]{0,20}") {
            if let Ok(name) = text.parse::<ImageName>() {
                prop_assert_eq!(name.to_string().parse(), Ok(name));
            }
        }

        #[test]
        fn no_text_panics(text in ".{0,64}") {
            drop(text.parse::<ImageName>());
        }
    }
}
