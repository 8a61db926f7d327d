//! What can go wrong, on what.

use std::io;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::outside::Forbidden;

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
    /// A proxy's address cannot be used.
    #[error("cannot use the proxy `{host}`")]
    Proxy {
        /// The proxy, without its password.
        host: String,
        /// Why.
        source: reqwest::Error,
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
    /// The other side said nothing for too long.
    #[error("`{host}` does not answer within {} s", patience.as_secs())]
    Silent {
        /// The other side.
        host: String,
        /// How long it was waited for.
        patience: Duration,
    },
    /// The answer is larger than anything that was asked for.
    #[error("the answer of `{host}` has more than {max_bytes} bytes")]
    AnswerTooLarge {
        /// The other side.
        host: String,
        /// The limit.
        max_bytes: usize,
    },
    /// A stranger chose an address that nobody may be sent to.
    #[error("`{host}` is not gone to: {address} is {why}")]
    Forbidden {
        /// The other side.
        host: String,
        /// Its address.
        address: IpAddr,
        /// Why.
        why: Forbidden,
    },
}

impl Error {
    /// Whether another try may succeed: the network was in the way, not the request.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Reach { source, .. } => !source.is_builder() && !source.is_redirect() && !self.is_about_trust(),
            Self::Silent { .. } => true,
            Self::ReadAuthorities { .. }
            | Self::ParseAuthorities { .. }
            | Self::Proxy { .. }
            | Self::Build(_)
            | Self::AnswerTooLarge { .. }
            | Self::Forbidden { .. } => false,
        }
    }

    /// Whether TLS was in the way.
    pub fn is_about_trust(&self) -> bool {
        is_about_trust(self)
    }
}

/// Whether TLS is at the bottom of an error: a certificate that nobody vouches for, or a server that does not speak TLS
/// at all.
pub fn is_about_trust(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if error.is::<rustls::Error>() || inner.is_some_and(|inner| inner.is::<rustls::Error>()) {
            return true;
        }
        cause = error.source();
    }
    false
}
