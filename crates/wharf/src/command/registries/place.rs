//! Places of images as people write them: a registry's, a layout's, an archive's, or a plain path.

use std::path::{Path, PathBuf};

use wharf_oci::{ImageName, Reference};

use super::error::Error;

/// Where something is copied from or to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// In a registry.
    Registry(Remote),
    /// In an OCI layout: `oci:FOLDER[:TAG]`.
    Layout { path: PathBuf, reference: Option<Reference> },
    /// In an OCI layout in a tar archive: `oci-archive:FILE[:TAG]`.
    Archive { path: PathBuf, reference: Option<Reference> },
    /// In an archive of `docker save`: `docker-archive:FILE[:NAME]`.
    DockerArchive { path: PathBuf, name: Option<ImageName> },
}

/// An image in a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Remote {
    pub(crate) image: ImageName,
    /// Whether plain HTTP was asked for by writing `http://`.
    pub(crate) is_plain: bool,
}

impl Place {
    /// Reads a place; what has no prefix is in a registry.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        match Self::prefixed(text) {
            Some(place) => place,
            None => Remote::parse(text).map(Self::Registry),
        }
    }

    /// Reads a place that says by its prefix what it is.
    pub(crate) fn prefixed(text: &str) -> Option<Result<Self, Error>> {
        if text.starts_with("http://") || text.starts_with("https://") || text.starts_with("docker://") {
            return Some(Remote::parse(text).map(Self::Registry));
        }
        let (prefix, rest) = text.split_once(':')?;
        match prefix {
            "oci" => Some(path_and_reference(text, rest).map(|(path, reference)| Self::Layout { path, reference })),
            "oci-archive" => {
                Some(path_and_reference(text, rest).map(|(path, reference)| Self::Archive { path, reference }))
            }
            "docker-archive" => Some(path_and_name(text, rest)),
            _ => None,
        }
    }

    /// The tag or digest that was written.
    pub(crate) fn reference(&self) -> Option<Reference> {
        match self {
            Self::Registry(remote) => remote.image.reference(),
            Self::Layout { reference, .. } | Self::Archive { reference, .. } => reference.clone(),
            Self::DockerArchive { name, .. } => name.as_ref().and_then(ImageName::reference),
        }
    }
}

impl Remote {
    /// Reads `[docker://|https://|http://]HOST/REPOSITORY[:TAG][@DIGEST]`.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let (rest, is_plain) = match text.strip_prefix("http://") {
            Some(rest) => (rest, true),
            None => (text.strip_prefix("https://").or_else(|| text.strip_prefix("docker://")).unwrap_or(text), false),
        };
        let image = rest.parse().map_err(|source| Error::Name { text: text.to_owned(), source })?;
        Ok(Self { image, is_plain })
    }

    /// The same, where the tag or digest must be written: nothing is changed that was not named.
    pub(crate) fn parse_named(text: &str) -> Result<(Self, Reference), Error> {
        let remote = Self::parse(text)?;
        let missing = || Error::Place { text: text.to_owned(), reason: "names neither a tag nor a digest" };
        let reference = remote.image.reference().ok_or_else(missing)?;
        Ok((remote, reference))
    }
}

/// `PATH`, `PATH:TAG` or `PATH@DIGEST`. A path that ends like a tag is written with `./` in front of a `/` behind.
fn path_and_reference(text: &str, rest: &str) -> Result<(PathBuf, Option<Reference>), Error> {
    let parse = |reference: &str| reference.parse::<Reference>().ok();
    let with_digest = rest.split_once('@').and_then(|(path, digest)| Some((path, parse(digest)?)));
    let with_tag = || rest.rsplit_once(':').and_then(|(path, tag)| Some((path, parse(tag)?)));
    let (path, reference) = match with_digest.or_else(with_tag) {
        Some((path, reference)) => (path, Some(reference)),
        None => (rest, None),
    };
    if path.is_empty() {
        return Err(Error::Place { text: text.to_owned(), reason: "names no path" });
    }
    Ok((Path::new(path).to_owned(), reference))
}

/// `FILE` or `FILE:NAME[:TAG]`.
fn path_and_name(text: &str, rest: &str) -> Result<Place, Error> {
    let (path, name) = rest.split_once(':').map_or((rest, None), |(path, name)| (path, Some(name)));
    if path.is_empty() {
        return Err(Error::Place { text: text.to_owned(), reason: "names no file" });
    }
    let read = |name: &str| name.parse::<ImageName>();
    let name = name.map(read).transpose().map_err(|source| Error::Name { text: text.to_owned(), source })?;
    Ok(Place::DockerArchive { path: path.into(), name })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_says_where_it_is() {
        let tag = |tag: &str| Some(Reference::Tag(tag.parse().expect("a tag")));
        let digest = format!("sha256:{}", "0".repeat(64));
        let pinned = Some(digest.parse().expect("a digest"));
        for (text, path, reference) in [
            ("oci:dir", "dir", None),
            ("oci:/a/b:v1", "/a/b", tag("v1")),
            ("oci:a:b/c", "a:b/c", None),
            ("oci:a:b:c", "a:b", tag("c")),
            (&format!("oci:dir@{digest}"), "dir", pinned),
        ] {
            let expected = Place::Layout { path: path.into(), reference };
            assert_eq!(Place::parse(text).expect("a place"), expected, "{text}");
        }
        assert!(matches!(Place::parse("oci-archive:x.tar:v1"), Ok(Place::Archive { .. })));
        let archive = Place::parse("docker-archive:x.tar:alpine:3").expect("a place");
        let Place::DockerArchive { path, name: Some(name) } = &archive else { panic!("{archive:?}") };
        assert_eq!((path.to_str(), name.to_string().as_str()), (Some("x.tar"), "docker.io/library/alpine:3"));
        for bad in ["oci:", "oci::v1", "docker-archive:", "docker-archive:x:UPPER", "http://", "Nope"] {
            assert!(Place::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn plain_http_is_used_where_it_is_written() {
        for (text, is_plain) in [
            ("http://10.0.0.1:5000/app:v1", true),
            ("https://10.0.0.1:5000/app:v1", false),
            ("docker://10.0.0.1:5000/app:v1", false),
            ("10.0.0.1:5000/app:v1", false),
        ] {
            let remote = Remote::parse(text).expect("an image");
            assert_eq!((remote.image.to_string().as_str(), remote.is_plain), ("10.0.0.1:5000/app:v1", is_plain));
        }
    }
}
