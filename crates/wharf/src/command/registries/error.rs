//! What can go wrong between the command line and registries, layouts and archives, and what can be done about it.

use std::io;
use std::path::PathBuf;

use wharf_oci::{ContentError, ContentErrorKind, ImageNameError};

use crate::command::client;

/// Why a command did not do what it says.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum Error {
    /// A name that nothing can have.
    #[error("`{text}` is not an image's name")]
    Name { text: String, source: ImageNameError },
    /// A place that makes no sense here.
    #[error("`{text}` {reason}")]
    Place { text: String, reason: &'static str },
    /// A registry was asked and did not do it.
    #[error(transparent)]
    Client(#[from] wharf_client::Error),
    /// A tag was not deleted.
    #[error("the tag is not deleted")]
    DeleteTag(#[source] wharf_client::Error),
    /// A copy did not come to its end.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// The log-in cannot be read or stored, or standard output is gone.
    #[error(transparent)]
    LogIn(#[from] client::Error),
    /// A file is no Helm chart.
    #[error("`{path}` is not a Helm chart: {reason}")]
    Chart { path: String, reason: String },
    /// A folder cannot be made.
    #[error("cannot make the folder `{}`", path.display())]
    Folder { path: PathBuf, source: io::Error },
    /// No runtime.
    #[error("cannot start the runtime")]
    Runtime(#[source] io::Error),
    /// Somebody pressed Ctrl-C.
    #[error("interrupted")]
    Interrupted,
}

impl Error {
    /// What the reader can do about it.
    pub(crate) fn hint(&self) -> String {
        let hint = match self {
            Self::Name { .. } => "a name reads `registry.example.com/project/app:tag`, or `…@sha256:…`",
            Self::Place { .. } => {
                "places read `registry.example.com/app:tag`, `oci:FOLDER[:TAG]`, `oci-archive:FILE[:TAG]`, `docker-archive:FILE[:NAME]`"
            }
            Self::LogIn(error) => return error.hint(),
            Self::Chart { .. } => "`helm package` makes one; any file goes as it is with --artifact-type",
            Self::Folder { .. } => "name a folder that this user can write",
            Self::Runtime(_) => "this is the machine's trouble, not the registry's",
            Self::Interrupted => "run it again: what has arrived is not sent again",
            Self::DeleteTag(error) if error.kind() == ContentErrorKind::Invalid => {
                "this registry deletes manifests only: `wharf rm IMAGE@sha256:…` deletes one with all its tags"
            }
            Self::Client(wharf_client::Error::LogIn { .. }) => {
                "check the name and the password; `wharf login` stores them anew"
            }
            Self::DeleteTag(_) | Self::Client(_) | Self::Content(_) => self.outside_hint(),
        };
        hint.to_owned()
    }

    /// What can be done about what others did not do.
    fn outside_hint(&self) -> &'static str {
        if wharf_http::error::is_about_trust(self) {
            return "name its authority with --ca FILE, or the registry with --insecure HOST if everyone on the way is trusted";
        }
        match self.kind() {
            Some(ContentErrorKind::NotFound) => "check the name; what you may not see is not known, either",
            Some(ContentErrorKind::Denied) => "ask an owner of the project, or an administrator",
            Some(ContentErrorKind::Unauthenticated) => "log in with `wharf login HOST`",
            Some(ContentErrorKind::Conflict) => "look at what is there; nothing was changed",
            Some(ContentErrorKind::Exhausted) => "make room, or ask for a larger quota",
            Some(ContentErrorKind::Unavailable) => "try again later; what has arrived is not sent again",
            Some(ContentErrorKind::Invalid) => "the lines above say what is wrong; no tag was changed",
            Some(ContentErrorKind::Internal) | None => "look at the cause above",
        }
    }

    fn kind(&self) -> Option<ContentErrorKind> {
        match self {
            Self::Client(error) | Self::DeleteTag(error) => Some(error.kind()),
            Self::Content(error) => Some(error.kind),
            Self::Name { .. }
            | Self::Place { .. }
            | Self::LogIn(_)
            | Self::Chart { .. }
            | Self::Folder { .. }
            | Self::Runtime(_)
            | Self::Interrupted => None,
        }
    }

    /// The process's exit code; see `EXIT_CODES`.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Name { .. } | Self::Place { .. } => 2,
            Self::LogIn(error) => error.exit_code(),
            Self::Interrupted => 130,
            Self::DeleteTag(_) | Self::Client(_) | Self::Content(_) => match self.kind() {
                Some(ContentErrorKind::Denied | ContentErrorKind::Unauthenticated) => 6,
                Some(ContentErrorKind::NotFound) => 7,
                Some(ContentErrorKind::Conflict) => 8,
                Some(ContentErrorKind::Unavailable) => 9,
                Some(ContentErrorKind::Invalid | ContentErrorKind::Exhausted | ContentErrorKind::Internal) | None => 1,
            },
            Self::Chart { .. } | Self::Folder { .. } | Self::Runtime(_) => 1,
        }
    }
}
