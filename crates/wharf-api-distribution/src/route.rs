//! The endpoints of the distribution-spec, and which of them a request is for.
//!
//! Repository names contain `/`, so a path is matched from its right end.

use axum::http::{Method, StatusCode};
use wharf_context::{Permission, Permissions};
use wharf_oci::RepositoryName;
use wharf_oci::code::ErrorCode;

use crate::error::OciError;
use crate::names::Names;

/// What a request does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// end-1: is this a registry, and am I logged in?
    Ping,
    /// end-2: reads a blob.
    PullBlob,
    /// end-3: reads a manifest.
    PullManifest,
    /// end-4a, end-4b and end-11: opens an upload, pushes a blob at once or mounts one.
    OpenUpload,
    /// end-5: adds a chunk.
    AppendUpload,
    /// end-6: ends an upload.
    CommitUpload,
    /// end-13: where an upload stands.
    GetUpload,
    /// Gives an upload up.
    DeleteUpload,
    /// end-7: pushes a manifest.
    PutManifest,
    /// end-8a, end-8b: lists tags.
    ListTags,
    /// end-9: deletes a tag or a manifest.
    DeleteManifest,
    /// end-10: deletes a blob.
    DeleteBlob,
    /// end-12a, end-12b: lists referrers.
    ListReferrers,
    /// Lists repositories (of the older Docker registry API).
    ListRepositories,
}

/// One line of the route table.
#[derive(Debug, Clone, Copy)]
pub struct Endpoint {
    /// What it does.
    pub operation: Operation,
    /// The endpoint's id in the specification.
    pub spec: &'static str,
    /// The methods.
    pub methods: &'static [Method],
    /// The path; `<name>` is a repository name.
    pub path: &'static str,
    /// The permissions that a caller asks for on the repository; empty where there is none.
    pub wanted: &'static [Permission],
}

const READ: &[Method] = &[Method::GET, Method::HEAD];
const PUSH: &[Permission] = &[Permission::Pull, Permission::Push];

const fn endpoint(
    operation: Operation,
    spec: &'static str,
    methods: &'static [Method],
    path: &'static str,
    wanted: &'static [Permission],
) -> Endpoint {
    Endpoint { operation, spec, methods, path, wanted }
}

/// Every endpoint.
pub const ENDPOINTS: &[Endpoint] = &[
    endpoint(Operation::Ping, "end-1", READ, "/v2/", &[]),
    endpoint(Operation::PullBlob, "end-2", READ, "/v2/<name>/blobs/<digest>", &[Permission::Pull]),
    endpoint(Operation::PullManifest, "end-3", READ, "/v2/<name>/manifests/<reference>", &[Permission::Pull]),
    endpoint(Operation::OpenUpload, "end-4", &[Method::POST], "/v2/<name>/blobs/uploads/", PUSH),
    endpoint(Operation::AppendUpload, "end-5", &[Method::PATCH], "/v2/<name>/blobs/uploads/<id>", PUSH),
    endpoint(Operation::CommitUpload, "end-6", &[Method::PUT], "/v2/<name>/blobs/uploads/<id>", PUSH),
    endpoint(Operation::GetUpload, "end-13", READ, "/v2/<name>/blobs/uploads/<id>", PUSH),
    endpoint(Operation::DeleteUpload, "end-14", &[Method::DELETE], "/v2/<name>/blobs/uploads/<id>", PUSH),
    endpoint(Operation::PutManifest, "end-7", &[Method::PUT], "/v2/<name>/manifests/<reference>", PUSH),
    endpoint(Operation::ListTags, "end-8", READ, "/v2/<name>/tags/list", &[Permission::Pull]),
    endpoint(
        Operation::DeleteManifest,
        "end-9",
        &[Method::DELETE],
        "/v2/<name>/manifests/<reference>",
        &[Permission::Delete],
    ),
    endpoint(Operation::DeleteBlob, "end-10", &[Method::DELETE], "/v2/<name>/blobs/<digest>", &[Permission::Delete]),
    endpoint(Operation::ListReferrers, "end-12", READ, "/v2/<name>/referrers/<digest>", &[Permission::Pull]),
    endpoint(Operation::ListRepositories, "_catalog", READ, "/v2/_catalog", &[]),
];

impl Endpoint {
    /// The permissions as a set. Who asks to push is given the right to overwrite along, if the role has it.
    pub fn permissions(&self) -> Permissions {
        let wanted = Permissions::of(self.wanted);
        if wanted.contains(Permission::Push) {
            return wanted.union(Permissions::of(&[Permission::Overwrite]));
        }
        // What may be deleted may be known.
        if wanted.contains(Permission::Delete) { wanted.union(Permissions::of(&[Permission::Pull])) } else { wanted }
    }
}

/// Where a path leads: the shapes of [`Endpoint::path`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    Root,
    Catalog,
    Blob(RepositoryName, String),
    Uploads(RepositoryName),
    Upload(RepositoryName, String),
    Manifest(RepositoryName, String),
    Tags(RepositoryName),
    Referrers(RepositoryName, String),
}

impl Target {
    pub(crate) fn repository(&self) -> Option<&RepositoryName> {
        match self {
            Self::Root | Self::Catalog => None,
            Self::Blob(name, _)
            | Self::Uploads(name)
            | Self::Upload(name, _)
            | Self::Manifest(name, _)
            | Self::Tags(name)
            | Self::Referrers(name, _) => Some(name),
        }
    }

    /// The same with the repository's one name.
    pub(crate) fn named(self, names: Names<'_>) -> Result<Self, OciError> {
        Ok(match self {
            Self::Root | Self::Catalog => self,
            Self::Blob(name, digest) => Self::Blob(names.inward(&name)?, digest),
            Self::Uploads(name) => Self::Uploads(names.inward(&name)?),
            Self::Upload(name, id) => Self::Upload(names.inward(&name)?, id),
            Self::Manifest(name, reference) => Self::Manifest(names.inward(&name)?, reference),
            Self::Tags(name) => Self::Tags(names.inward(&name)?),
            Self::Referrers(name, digest) => Self::Referrers(names.inward(&name)?, digest),
        })
    }

    fn path(&self) -> &'static str {
        match self {
            Self::Root => "/v2/",
            Self::Catalog => "/v2/_catalog",
            Self::Blob(..) => "/v2/<name>/blobs/<digest>",
            Self::Uploads(_) => "/v2/<name>/blobs/uploads/",
            Self::Upload(..) => "/v2/<name>/blobs/uploads/<id>",
            Self::Manifest(..) => "/v2/<name>/manifests/<reference>",
            Self::Tags(_) => "/v2/<name>/tags/list",
            Self::Referrers(..) => "/v2/<name>/referrers/<digest>",
        }
    }

    /// Reads a path from its right end.
    pub(crate) fn parse(path: &str) -> Result<Self, OciError> {
        if path == "/v2" || path == "/v2/" {
            return Ok(Self::Root);
        }
        let rest = path.strip_prefix("/v2/").ok_or_else(no_such_path)?;
        if rest == "_catalog" {
            return Ok(Self::Catalog);
        }
        let parts: Vec<&str> = rest.split('/').collect();
        match parts.as_slice() {
            [name @ .., "blobs", "uploads"] | [name @ .., "blobs", "uploads", ""] => {
                Ok(Self::Uploads(repository(name)?))
            }
            [name @ .., "blobs", "uploads", id] => Ok(Self::Upload(repository(name)?, (*id).to_owned())),
            [name @ .., "blobs", digest] => Ok(Self::Blob(repository(name)?, unescape(digest))),
            [name @ .., "manifests", reference] => Ok(Self::Manifest(repository(name)?, unescape(reference))),
            [name @ .., "tags", "list"] => Ok(Self::Tags(repository(name)?)),
            [name @ .., "referrers", digest] => Ok(Self::Referrers(repository(name)?, unescape(digest))),
            _ => Err(no_such_path()),
        }
    }

    /// The endpoint for a method; what the path does not allow is said.
    pub(crate) fn endpoint(&self, method: &Method) -> Result<&'static Endpoint, OciError> {
        let mut same_path = ENDPOINTS.iter().filter(|endpoint| endpoint.path == self.path());
        same_path.find(|endpoint| endpoint.methods.contains(method)).ok_or_else(|| {
            OciError::new(ErrorCode::Unsupported, format!("{method} is not supported on {}", self.path()))
                .with_status(StatusCode::METHOD_NOT_ALLOWED)
        })
    }
}

fn repository(parts: &[&str]) -> Result<RepositoryName, OciError> {
    let name = parts.join("/");
    name.parse().map_err(|error| OciError::new(ErrorCode::NameInvalid, format!("{error}")))
}

/// Some clients escape the `:` of a digest. Nothing else that is escaped can be part of a name, tag or digest.
fn unescape(part: &str) -> String {
    part.replace("%3A", ":").replace("%3a", ":")
}

fn no_such_path() -> OciError {
    OciError::new(ErrorCode::NameInvalid, "there is no such path in the distribution API")
        .with_status(StatusCode::NOT_FOUND)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(path: &str) -> Option<Target> {
        Target::parse(path).ok()
    }

    fn name(text: &str) -> RepositoryName {
        text.parse().expect("valid")
    }

    #[test]
    fn paths_are_read_from_the_right() {
        assert_eq!(parse("/v2/"), Some(Target::Root));
        assert_eq!(parse("/v2"), Some(Target::Root));
        assert_eq!(parse("/v2/_catalog"), Some(Target::Catalog));
        assert_eq!(parse("/v2/a/b/tags/list"), Some(Target::Tags(name("a/b"))));
        assert_eq!(parse("/v2/tags/list/tags/list"), Some(Target::Tags(name("tags/list"))));
        assert_eq!(parse("/v2/blobs/uploads/blobs/uploads/"), Some(Target::Uploads(name("blobs/uploads"))));
        assert_eq!(parse("/v2/a/blobs/uploads"), Some(Target::Uploads(name("a"))));
        assert_eq!(parse("/v2/a/blobs/uploads/x"), Some(Target::Upload(name("a"), "x".to_owned())));
        assert_eq!(parse("/v2/a/manifests/v1"), Some(Target::Manifest(name("a"), "v1".to_owned())));
        assert_eq!(parse("/v2/a/blobs/sha256%3Aab"), Some(Target::Blob(name("a"), "sha256:ab".to_owned())));
        assert_eq!(parse("/v2/a/referrers/d"), Some(Target::Referrers(name("a"), "d".to_owned())));
        for bad in [
            "/",
            "/v2/a",
            "/v2/tags/list",
            "/v2/A/tags/list",
            "/v2//a/tags/list",
            "/v2/a%2fb/tags/list",
            "/v3/a/tags/list",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn every_endpoint_is_found_by_its_path_and_method() {
        for endpoint in ENDPOINTS {
            let path = endpoint
                .path
                .replace("<name>", "a/b")
                .replace("<digest>", "x")
                .replace("<reference>", "x")
                .replace("<id>", "x");
            let target = Target::parse(&path).unwrap_or_else(|_| panic!("{path}"));
            for method in endpoint.methods {
                assert_eq!(target.endpoint(method).expect("in the table").operation, endpoint.operation);
            }
        }
        let target = parse("/v2/a/tags/list").expect("valid");
        assert!(target.endpoint(&Method::DELETE).is_err());
    }
}
