//! What can go wrong, on what. What goes wrong while something streams is told by `reqwest`.

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
    /// The other side cannot be reached, or does not answer whole.
    #[error("cannot reach `{host}`")]
    Reach {
        /// The other side.
        host: String,
        /// Why.
        source: reqwest::Error,
    },
    /// The answer is larger than anything that was asked for.
    #[error("the answer of `{host}` has more than {max_bytes} bytes")]
    AnswerTooLarge {
        /// The other side.
        host: String,
        /// The limit.
        max_bytes: usize,
    },
}
