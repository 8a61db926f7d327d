//! What can go wrong with a build.

use std::io;

use wharf_context::Kind;
use wharf_oci::{ContentError, Digest};

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The Dockerfile is wrong; the text shows where.
    #[error("{0}")]
    Dockerfile(String),
    /// The stage that is wanted is not there.
    #[error("there is no stage `{name}`{}", listed(names))]
    NoTarget {
        /// What was asked for.
        name: String,
        /// What there is.
        names: Vec<String>,
    },
    /// An instruction failed.
    #[error("{title} failed")]
    Step {
        /// Which.
        title: String,
        /// Its lines in the Dockerfile.
        excerpt: String,
        /// The last that it wrote.
        output: String,
        /// Why.
        source: Box<Error>,
    },
    /// The node's images cannot be used.
    #[error(transparent)]
    Images(#[from] wharf_images::Error),
    /// The node's database failed.
    #[error("the node's database failed")]
    Database(#[from] wharf_db::Error),
    /// Content cannot be read or written.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// A base cannot be had.
    #[error("cannot get the base image `{name}`")]
    Base {
        /// Which.
        name: String,
        /// Why not.
        source: ContentError,
    },
    /// A base is not for the platform.
    #[error("`{name}` is not there for {platform}")]
    Platform {
        /// Which.
        name: String,
        /// For what.
        platform: String,
    },
    /// A text is no image's name.
    #[error("`{text}` is not an image's name")]
    Name {
        /// The text.
        text: String,
        /// Why not.
        source: wharf_oci::ImageNameError,
    },
    /// Something to be copied is not there.
    #[error("`{path}` is not in {place}{hint}")]
    Missing {
        /// What.
        path: String,
        /// Where.
        place: String,
        /// Why perhaps.
        hint: &'static str,
    },
    /// A file cannot be read or written.
    #[error("cannot {action} `{path}`")]
    File {
        /// What was being done.
        action: &'static str,
        /// To what.
        path: String,
        /// Why not.
        source: io::Error,
    },
    /// Something makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// A command ended with an error.
    #[error("the command ended with {0}")]
    Exit(String),
    /// A container could not be made.
    #[error(transparent)]
    Runtime(#[from] wharf_runtime::Error),
    /// A container has no way out.
    #[error(transparent)]
    Network(#[from] wharf_network::Error),
    /// A secret that is required is not there.
    #[error("the secret `{id}` is required and was not given; give it with --secret id={id},src=FILE")]
    Secret {
        /// Which.
        id: String,
    },
    /// A download failed.
    #[error("cannot download `{url}`")]
    Download {
        /// What.
        url: String,
        /// Why not.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A download is not what it should be.
    #[error("`{url}` is {found} and not {expected}")]
    Checksum {
        /// What.
        url: String,
        /// What it is.
        found: Digest,
        /// What it should be.
        expected: String,
    },
    /// Another operation that this one needs has failed; that one says why.
    #[error("what it needs has failed")]
    Needed,
    /// The process is being ended.
    #[error("the process is being ended")]
    Stopped,
}

impl Error {
    pub(crate) fn file(action: &'static str, path: impl Into<String>, source: impl Into<io::Error>) -> Self {
        Self::File { action, path: path.into(), source: source.into() }
    }

    /// What sort of failure it is.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Images(error) => error.kind(),
            Self::Database(error) => error.kind(),
            Self::Content(error) | Self::Base { source: error, .. } => error.kind.into(),
            Self::Step { source, .. } => source.kind(),
            Self::File { source, .. } if source.kind() == io::ErrorKind::StorageFull => Kind::Exhausted,
            Self::File { .. } | Self::Runtime(_) | Self::Network(_) => Kind::Internal,
            Self::NoTarget { .. } | Self::Missing { .. } | Self::Platform { .. } => Kind::NotFound,
            Self::Dockerfile(_)
            | Self::Name { .. }
            | Self::Invalid(_)
            | Self::Exit(_)
            | Self::Secret { .. }
            | Self::Checksum { .. } => Kind::Invalid,
            Self::Download { .. } | Self::Needed | Self::Stopped => Kind::Unavailable,
        }
    }
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { String::new() } else { format!("; there are {}", names.join(", ")) }
}
