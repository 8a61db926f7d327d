//! Token scopes: what a client asks a token for, e.g. `repository:payments/app:pull,push`.
//!
//! Spec: distribution's token scope documentation, "Resource Scope Grammar". Strict and bounded. What the caller gets
//! of it is not decided here.

use std::fmt;
use std::str::FromStr;

use crate::name::RepositoryName;

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
    /// What stands for one repository in a challenge.
    pub fn repository(name: &RepositoryName, actions: &[&str]) -> Self {
        Self {
            kind: "repository".to_owned(),
            class: None,
            name: name.as_str().to_owned(),
            actions: actions.iter().map(|action| (*action).to_owned()).collect(),
        }
    }

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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn scopes_follow_the_grammar() {
        for good in [
            "repository:payments/app:pull,push",
            "repository:alpine:pull",
            "repository(plugin):a/b:pull",
            "repository:registry.example.com:5000/a/b:pull,push,delete",
            "registry:catalog:*",
            "repository:a:*",
            "repository:a:",
            "future2:thing:act",
        ] {
            assert_eq!(good.parse::<Scope>().map(|scope| scope.to_string()).as_deref(), Ok(good));
        }
        for bad in [
            "",
            "repository",
            "repository:a",
            ":a:pull",
            "repository::pull",
            "Repository:a:pull",
            "repository():a:pull",
            "repository(plugin:a:pull",
            "repository)plugin(:a:pull",
            "(plugin):a:pull",
            "repository:a b:pull",
            "repository:a\0:pull",
            "repository:ä:pull",
            "repository:a:PULL",
            "repository:a:pull;push",
            "repository:a:pull*",
            "repository:*:pull",
        ] {
            assert_eq!(bad.parse::<Scope>(), Err(ScopeError::Malformed), "{bad}");
        }
    }

    #[test]
    fn a_scope_has_its_parts() {
        let scope: Scope = "repository(plugin):example.com:5000/a:pull,push,pull,,*".parse().expect("valid");
        assert_eq!((scope.kind.as_str(), scope.class.as_deref()), ("repository", Some("plugin")));
        assert_eq!(scope.name, "example.com:5000/a");
        assert_eq!(scope.actions, ["pull", "push", "*"], "no action stands twice");
        let name = "a/b".parse().expect("valid");
        assert_eq!(Scope::repository(&name, &["pull", "push"]).to_string(), "repository:a/b:pull,push");
    }

    #[test]
    fn a_list_is_divided_by_spaces_and_bounded() {
        let list = Scope::parse_list(" repository:a:pull  registry:catalog:* ").expect("valid");
        assert_eq!(list.iter().map(Scope::to_string).collect::<Vec<_>>(), ["repository:a:pull", "registry:catalog:*"]);
        assert_eq!(Scope::parse_list(""), Ok(Vec::new()));
        assert_eq!(Scope::parse_list("repository:a:pull x"), Err(ScopeError::Malformed));
        assert_eq!(Scope::parse_list("repository:a:pull\nrepository:b:pull"), Err(ScopeError::Malformed));
        assert_eq!(Scope::parse_list(&"a:b:c ".repeat(MAX_SCOPES)).map(|list| list.len()), Ok(MAX_SCOPES));
        assert_eq!(Scope::parse_list(&"a:b:c ".repeat(MAX_SCOPES + 1)), Err(ScopeError::TooMany));
        assert_eq!(Scope::parse_list(&" ".repeat(MAX_SCOPE_BYTES + 1)), Err(ScopeError::TooLong));
    }

    #[test]
    fn every_part_is_bounded() {
        let long = "a".repeat(MAX_RESOURCE_NAME_BYTES);
        assert!(format!("repository:{long}:pull").parse::<Scope>().is_ok());
        let actions: Vec<String> = (0..=MAX_ACTIONS).map(|number| "a".repeat(number + 1)).collect();
        assert!(format!("repository:a:{}", actions[1..].join(",")).parse::<Scope>().is_ok());
        for text in [
            format!("repository:{long}a:pull"),
            format!("repository:a:{}", actions.join(",")),
            format!("repository:a:{}", "a".repeat(MAX_WORD_BYTES + 1)),
            format!("{}:a:pull", "a".repeat(MAX_WORD_BYTES + 1)),
            format!("a({}):a:pull", "a".repeat(MAX_WORD_BYTES + 1)),
        ] {
            assert_eq!(text.parse::<Scope>(), Err(ScopeError::TooLong), "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_scope_of_the_grammar_reads_back(
            text in "[a-z0-9]{1,8}(\\([a-z0-9]{1,8}\\))?:([a-z.]{1,9}(:[0-9]{1,4})?/)?[a-z0-9/_-]{1,20}:[a-z]{1,5}"
        ) {
            prop_assert_eq!(text.parse::<Scope>().map(|scope| scope.to_string()), Ok(text));
        }

        #[test]
        fn what_is_accepted_is_written_as_it_is_read(text in "[ -~]{0,8}:?[a-z:,()*]{0,24}") {
            if let Ok(scopes) = Scope::parse_list(&text) {
                let written = scopes.iter().map(Scope::to_string).collect::<Vec<_>>().join(" ");
                prop_assert_eq!(Scope::parse_list(&written), Ok(scopes));
            }
        }

        #[test]
        fn no_text_panics(text in ".{0,64}") {
            drop(Scope::parse_list(&text));
        }
    }
}
