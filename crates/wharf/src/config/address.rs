//! Where to listen, as people write it: `127.0.0.1:5000`, `[::1]:5000`, `:5000` (every address), `unix:/run/wharf.sock`.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};

/// One address to listen on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) enum ListenAddress {
    /// A host name or address with a port. An empty host is every address, IPv6 and IPv4.
    Tcp {
        /// Name or address, without brackets.
        host: String,
        /// Port; 0 lets the kernel choose.
        port: u16,
    },
    /// A socket in the file system.
    Unix(PathBuf),
}

/// Why a text is not an address to listen on.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an address such as `127.0.0.1:5000`, `[::1]:5000`, `:5000` or `unix:/run/wharf.sock`")]
pub(crate) struct NotAnAddress(String);

impl FromStr for ListenAddress {
    type Err = NotAnAddress;

    fn from_str(text: &str) -> Result<Self, NotAnAddress> {
        let refused = || NotAnAddress(text.to_owned());
        if let Some(path) = text.strip_prefix("unix:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return if path.is_empty() { Err(refused()) } else { Ok(Self::Unix(PathBuf::from(path))) };
        }
        let (host, port) = text.rsplit_once(':').ok_or_else(refused)?;
        let port = port.parse().map_err(|_| refused())?;
        let bracketed = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        match bracketed {
            Some(host) if host.contains(':') => Ok(Self::Tcp { host: host.to_owned(), port }),
            None if !host.contains([':', '/', '[', ']', ' ']) => Ok(Self::Tcp { host: host.to_owned(), port }),
            Some(_) | None => Err(refused()),
        }
    }
}

impl TryFrom<String> for ListenAddress {
    type Error = NotAnAddress;

    fn try_from(text: String) -> Result<Self, NotAnAddress> {
        text.parse()
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "{host}:{port}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl From<ListenAddress> for String {
    fn from(address: ListenAddress) -> Self {
        address.to_string()
    }
}

/// Reads a list that may also be one text with commas, as a variable or a flag gives it.
pub(crate) fn list<'de, T, D>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    T: FromStr<Err: fmt::Display>,
    D: Deserializer<'de>,
{
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "expected a text, or a list of texts")]
    enum Written {
        One(String),
        Several(Vec<String>),
    }
    let texts = match Written::deserialize(deserializer)? {
        Written::One(text) => text.split(',').map(|part| part.trim().to_owned()).collect(),
        Written::Several(texts) => texts,
    };
    texts.iter().map(|text| text.parse().map_err(serde::de::Error::custom)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_and_shown_as_it_was_written() {
        for text in ["127.0.0.1:5000", "[::1]:5000", ":5000", "localhost:0", "unix:/run/wharf.sock"] {
            assert_eq!(text.parse::<ListenAddress>().expect(text).to_string(), text);
        }
        assert_eq!("unix:///run/w".parse::<ListenAddress>().expect("valid").to_string(), "unix:/run/w");
    }

    #[test]
    fn what_is_not_an_address_is_refused() {
        for text in ["", "5000", "::1:5000", "[::1]", "a:b", "a:70000", "http://a:1", "unix:", "[a]:1"] {
            assert!(text.parse::<ListenAddress>().is_err(), "{text}");
        }
    }
}
