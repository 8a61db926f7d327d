//! What going out needs to be told.

use std::path::PathBuf;
use std::time::Duration;

/// Settings of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// PEM files of certificate authorities that are believed besides those of the system.
    pub authorities: Vec<PathBuf>,
    /// Whose certificates are believed.
    pub trust: Trust,
    /// Proxies on the way out.
    pub proxies: Proxies,
    /// How long connecting may take, TLS included.
    pub connect_timeout: Duration,
    /// How long the other side may be silent in the middle of an answer.
    pub read_timeout: Duration,
    /// How long a whole request may take; none for transfers of any size.
    pub total_timeout: Option<Duration>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            authorities: Vec::new(),
            trust: Trust::Verified,
            proxies: Proxies::default(),
            connect_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_secs(60),
            total_timeout: None,
        }
    }
}

/// Whose certificates are believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Trust {
    /// Those that an authority vouches for.
    #[default]
    Verified,
    /// Everybody's: whoever stands on the way reads and changes what is said. For servers that were named as insecure.
    Anyone,
}

/// Proxies, as the variables `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` name them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Proxies {
    /// URL of the proxy for `http`.
    pub http: Option<String>,
    /// URL of the proxy for `https`.
    pub https: Option<String>,
    /// Who is reached without: names, `.domain`s, addresses and networks, divided by commas.
    pub except: Option<String>,
}
