//! Who asks: the name and password that were given, else what `docker login` has stored for the server.

use std::path::{Path, PathBuf};

use url::Url;
use wharf_identity::Secret;

use super::error::Error;
use super::{address, password};
use crate::command::logins;
use crate::config::source::Environment;

/// What a client logs in with.
#[derive(Debug, Clone)]
pub(crate) enum Credentials {
    /// Nothing: the server may still answer.
    Nobody,
    /// A name and its password or secret.
    Basic { username: String, password: Secret },
    /// What gets a token for each use.
    RefreshToken(Secret),
}

/// What the caller said about themselves.
#[derive(Debug)]
pub(crate) struct Sought {
    pub(crate) username: Option<String>,
    pub(crate) is_on_stdin: bool,
    pub(crate) password_file: Option<PathBuf>,
}

impl Sought {
    /// Finds the credentials for `server`.
    pub(crate) fn find(self, server: &Url, environment: &Environment) -> Result<Credentials, Error> {
        let Some(username) = self.username else {
            if self.is_on_stdin {
                return Err(Error::NoUsername);
            }
            return Ok(logins::find(environment, &address::host(server), None)?.unwrap_or(Credentials::Nobody));
        };
        let password = if self.is_on_stdin {
            password::from_stdin()?
        } else if let Some(path) = self.password_file {
            from_file(&path)?
        } else if let Some(stored) = stored(&username, server, environment)? {
            return Ok(stored);
        } else {
            password::ask(&format!("Password of {username}: "))?
        };
        Ok(Credentials::Basic { username, password })
    }
}

/// A line end is the editor's, not the password's.
fn from_file(path: &Path) -> Result<Secret, Error> {
    let text = std::fs::read_to_string(path).map_err(|source| Error::ReadFile { path: path.to_owned(), source })?;
    Ok(Secret::new(text.trim_end_matches(['\r', '\n'])))
}

/// What is stored, where it is for this name.
fn stored(username: &str, server: &Url, environment: &Environment) -> Result<Option<Credentials>, Error> {
    let found = logins::find(environment, &address::host(server), None)?;
    Ok(found.filter(|found| matches!(found, Credentials::Basic { username: stored, .. } if stored == username)))
}
