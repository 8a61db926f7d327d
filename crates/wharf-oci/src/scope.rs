//! Token scopes: what a client asks a token for, e.g. `repository:payments/app:pull,push`.
//!
//! Spec: distribution's token scope documentation, "Resource Scope Grammar". Strict and bounded. What the caller gets
//! of it is not decided here.

use std::fmt;
use std::str::FromStr;

/// The longest text that may hold scopes, in bytes.
pub const MAX_SCOPE_BYTES: usize = 16 * 1024;
/// The most scopes of one request.
pub const MAX_SCOPES: usize = 64;
/// The longest name in a scope, in bytes: a host name and a repository name.
pub const MAX_RESOURCE_NAME_BYTES: usize = 511;
/// The most actions of one scope.
pub const MAX_ACTIONS: usize = 16;

const MAX_WORD_BYTES: usize = 32;

/// Why a text is no scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScopeError {
    /// The grammar is broken.
    #[error("a scope reads `type:name:action,action`, for example `repository:payments/app:pull,push`")]
    Malformed,
    /// Longer than [`MAX_SCOPE_BYTES`], or a part of it beyond its limit.
    #[error("a scope is too long")]
    TooLong,
    /// More than [`MAX_SCOPES`].
    #[error("a token is asked for at most {MAX_SCOPES} scopes")]
    TooMany,
}

/// One thing that a token is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Scope {
    /// What sort of thing: `repository`, `registry`, or what this registry does not know.
    pub kind: String,
    /// The sort's class in brackets, such as `plugin`.
    pub class: Option<String>,
    /// The thing's name: a repository, or `catalog`.
    pub name: String,
    /// What is to be done with it: `pull`, `push`, `delete`, `*`. No action twice; may be empty.
    pub actions: Vec<String>,
}

impl Scope {
    /// Reads scopes that are divided by spaces. An empty text has none.
    pub fn parse_list(text: &str) -> Result<Vec<Self>, ScopeError> {
        if text.len() > MAX_SCOPE_BYTES {
            return Err(ScopeError::TooLong);
        }
        let scopes: Vec<Self> = text
            .split(' ')
            .filter(|part| !part.is_empty())
            .take(MAX_SCOPES + 1)
            .map(str::parse)
            .collect::<Result<_, _>>()?;
        if scopes.len() > MAX_SCOPES { Err(ScopeError::TooMany) } else { Ok(scopes) }
    }
}

impl FromStr for Scope {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, ScopeError> {
        // A name may begin with `host:port/`, so the name reaches to the last colon.
        let (resource, rest) = text.split_once(':').ok_or(ScopeError::Malformed)?;
        let (name, actions) = rest.rsplit_once(':').ok_or(ScopeError::Malformed)?;
        let (kind, class) = resource_type(resource)?;
        if name.len() > MAX_RESOURCE_NAME_BYTES {
            return Err(ScopeError::TooLong);
        }
        if !is_resource_name(name) {
            return Err(ScopeError::Malformed);
        }
        Ok(Self { kind, class, name: name.to_owned(), actions: parse_actions(actions)? })
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.kind)?;
        if let Some(class) = &self.class {
            write!(f, "({class})")?;
        }
        write!(f, ":{}:{}", self.name, self.actions.join(","))
    }
}

/// `type` or `type(class)`.
fn resource_type(text: &str) -> Result<(String, Option<String>), ScopeError> {
    let (kind, class) = match text.strip_suffix(')') {
        Some(open) => {
            let (kind, class) = open.split_once('(').ok_or(ScopeError::Malformed)?;
            (kind, Some(class))
        }
        None => (text, None),
    };
    let is_word =
        |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    if kind.len().max(class.map_or(0, str::len)) > MAX_WORD_BYTES {
        return Err(ScopeError::TooLong);
    }
    if !is_word(kind) || !class.is_none_or(is_word) {
        return Err(ScopeError::Malformed);
    }
    Ok((kind.to_owned(), class.map(str::to_owned)))
}

/// Looser than a repository name: what is no repository is simply not granted.
fn is_resource_name(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'/' | b':');
    !name.is_empty() && name.bytes().all(is_allowed)
}

fn parse_actions(text: &str) -> Result<Vec<String>, ScopeError> {
    let mut actions: Vec<String> = Vec::new();
    for action in text.split(',').filter(|action| !action.is_empty()) {
        if action.len() > MAX_WORD_BYTES || actions.len() == MAX_ACTIONS {
            return Err(ScopeError::TooLong);
        }
        if action != "*" && !action.bytes().all(|byte| byte.is_ascii_lowercase()) {
            return Err(ScopeError::Malformed);
        }
        if !actions.iter().any(|known| known == action) {
            actions.push(action.to_owned());
        }
    }
    Ok(actions)
}
