//! What can go wrong before anything is sent. What goes wrong later is told by `reqwest`.

use std::io;
use std::path::PathBuf;

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file of certificate authorities cannot be read.
    #[error("cannot read the certificate authorities in `{}`", path.display())]
    ReadAuthorities {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file of certificate authorities is not PEM.
    #[error("`{}` holds no certificate authorities in PEM form", path.display())]
    ParseAuthorities {
        /// The file.
        path: PathBuf,
        /// Why, where there is anything in it.
        source: Option<reqwest::Error>,
    },
    /// The system's certificate authorities or the settings cannot be used.
    #[error("cannot make an HTTP client")]
    Build(#[source] reqwest::Error),
}
