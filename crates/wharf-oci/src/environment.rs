//! Environments: names before a repository's, as in `t/payments/app`, and what such a repository is the view of.
//!
//! The first environment is development: its repositories have no prefix, and `d/payments/app` is another spelling of
//! `payments/app`. A promoted environment's repository belongs to the project that stands behind the prefix. What may
//! be done there, and what stands there, is not decided here.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::name::{MAX_NAME_BYTES, ProjectName, RepositoryName};

/// The longest name of an environment, in bytes.
pub const MAX_ENVIRONMENT_BYTES: usize = 32;
/// The most environments of one server.
pub const MAX_ENVIRONMENTS: usize = 32;

/// The names where nobody chooses others, from development to production.
const DEFAULT: [&str; 5] = ["d", "t", "s1", "s2", "p"];

/// Why names are no environments.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EnvironmentError {
    /// Not one part of a repository's name, or too long.
    #[error(
        "an environment's name is one part of a repository's name: 1 to {MAX_ENVIRONMENT_BYTES} lower-case letters, digits and single `.`, `_`, `__` or `-` between them"
    )]
    Malformed,
    /// None, or too many.
    #[error("there are 1 to {MAX_ENVIRONMENTS} environments; the first is development")]
    Number,
    /// One of them twice.
    #[error("the environment `{0}` stands twice")]
    Twice(EnvironmentName),
}

/// The name of an environment: one path component.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EnvironmentName(String);

impl EnvironmentName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EnvironmentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for EnvironmentName {
    type Err = EnvironmentError;

    fn from_str(text: &str) -> Result<Self, EnvironmentError> {
        let is_name = text.len() <= MAX_ENVIRONMENT_BYTES && text.parse::<ProjectName>().is_ok();
        if is_name { Ok(Self(text.to_owned())) } else { Err(EnvironmentError::Malformed) }
    }
}

impl TryFrom<String> for EnvironmentName {
    type Error = EnvironmentError;

    fn try_from(text: String) -> Result<Self, EnvironmentError> {
        text.parse()
    }
}

impl From<EnvironmentName> for String {
    fn from(name: EnvironmentName) -> Self {
        name.0
    }
}

/// The environments of a server, in order; the first is development. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environments(Arc<[EnvironmentName]>);

impl Default for Environments {
    fn default() -> Self {
        Self(DEFAULT.map(|name| EnvironmentName(name.to_owned())).into())
    }
}

impl Environments {
    /// The environments `names`, each once.
    pub fn new(names: Vec<EnvironmentName>) -> Result<Self, EnvironmentError> {
        if names.is_empty() || names.len() > MAX_ENVIRONMENTS {
            return Err(EnvironmentError::Number);
        }
        match names.iter().enumerate().find(|(at, name)| names[..*at].contains(name)) {
            Some((_, name)) => Err(EnvironmentError::Twice(name.clone())),
            None => Ok(Self(names.into())),
        }
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = &EnvironmentName> {
        self.0.iter()
    }

    /// The one that everybody pushes to.
    pub fn development(&self) -> &EnvironmentName {
        self.0.first().expect("there is at least one, see `new`")
    }

    /// The environment of that name.
    pub fn get(&self, name: &str) -> Option<&EnvironmentName> {
        self.iter().find(|environment| environment.as_str() == name)
    }

    /// Whether a project would have an environment's name, which none may.
    pub fn is_reserved(&self, project: &ProjectName) -> bool {
        self.get(project.as_str()).is_some()
    }

    /// The promoted environment that a repository stands in, and the repository's name in development.
    ///
    /// An environment's name alone, or before another environment's, is not taken off: such a name belongs to a project
    /// that cannot exist.
    pub fn split(&self, repository: &RepositoryName) -> (Option<EnvironmentName>, RepositoryName) {
        match self.prefix(repository) {
            Some((environment, rest)) if environment == self.development() => (None, rest),
            Some((environment, rest)) => (Some(environment.clone()), rest),
            None => (None, repository.clone()),
        }
    }

    /// The promoted environment that a repository stands in.
    pub fn environment(&self, repository: &RepositoryName) -> Option<&EnvironmentName> {
        self.prefix(repository).map(|(environment, _)| environment).filter(|name| *name != self.development())
    }

    /// The one spelling of a repository's name: development has no prefix.
    pub fn canonical(&self, repository: &RepositoryName) -> RepositoryName {
        match self.prefix(repository) {
            Some((environment, rest)) if environment == self.development() => rest,
            Some(_) | None => repository.clone(),
        }
    }

    /// The project that owns a repository, whatever environment it stands in.
    pub fn project(&self, repository: &RepositoryName) -> ProjectName {
        self.prefix(repository).map_or_else(|| repository.owner(), |(_, rest)| rest.owner())
    }

    /// The view that `environment` has of a repository of development. `None` where the name would be too long, or is an
    /// environment's view already.
    pub fn repository(&self, environment: &EnvironmentName, repository: &RepositoryName) -> Option<RepositoryName> {
        let is_plain = self.get(repository.first()).is_none();
        let fits = environment.as_str().len() + 1 + repository.as_str().len() <= MAX_NAME_BYTES;
        match environment == self.development() {
            _ if !is_plain => None,
            true => Some(repository.clone()),
            false => fits.then(|| repository.behind(environment.as_str())),
        }
    }

    /// The environment before a repository's name, and what stands behind it.
    fn prefix(&self, repository: &RepositoryName) -> Option<(&EnvironmentName, RepositoryName)> {
        let environment = self.get(repository.first())?;
        let rest = repository.rest()?;
        self.get(rest.first()).is_none().then_some((environment, rest))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn name(text: &str) -> RepositoryName {
        text.parse().expect("valid")
    }

    #[test]
    fn an_environment_stands_before_the_name() {
        let environments = Environments::default();
        let table = [
            // name       , environment, in development, canonical    , project
            ("pay/app", None, "pay/app", "pay/app", "pay"),
            ("pay", None, "pay", "pay", "pay"),
            ("d/pay/app", None, "pay/app", "pay/app", "pay"),
            ("d/pay", None, "pay", "pay", "pay"),
            ("t/pay/app", Some("t"), "pay/app", "t/pay/app", "pay"),
            ("s1/pay/a/b", Some("s1"), "pay/a/b", "s1/pay/a/b", "pay"),
            ("p/pay", Some("p"), "pay", "p/pay", "pay"),
            ("pay/t/app", None, "pay/t/app", "pay/t/app", "pay"),
            ("test/app", None, "test/app", "test/app", "test"),
            // Nobody can have these: no project has an environment's name.
            ("t", None, "t", "t", "t"),
            ("d", None, "d", "d", "d"),
            ("t/p", None, "t/p", "t/p", "t"),
            ("d/t/pay/app", None, "d/t/pay/app", "d/t/pay/app", "d"),
            ("t/d/pay/app", None, "t/d/pay/app", "t/d/pay/app", "t"),
            ("d/d/pay/app", None, "d/d/pay/app", "d/d/pay/app", "d"),
        ];
        for (text, environment, development, canonical, project) in table {
            let repository = name(text);
            let (found, rest) = environments.split(&repository);
            assert_eq!((found.as_ref().map(EnvironmentName::as_str), rest.as_str()), (environment, development));
            assert_eq!(environments.environment(&repository).map(EnvironmentName::as_str), environment, "{text}");
            assert_eq!(environments.canonical(&repository).as_str(), canonical);
            assert_eq!(environments.project(&repository).as_str(), project, "{text}");
        }
    }

    #[test]
    fn a_view_is_named_by_its_environment() {
        let environments = Environments::default();
        let view = |environment: &str, repository: &str| {
            let environment = environment.parse().expect("valid");
            environments.repository(&environment, &name(repository)).map(|view| view.to_string())
        };
        assert_eq!(view("t", "pay/app").as_deref(), Some("t/pay/app"));
        assert_eq!(view("d", "pay/app").as_deref(), Some("pay/app"));
        assert_eq!(view("t", "t/pay/app"), None);
        assert_eq!(view("p", "d/pay/app"), None);
        let longest = format!("pay/{}", "a".repeat(MAX_NAME_BYTES - 4 - 2));
        assert!(view("t", &longest).is_some());
        assert_eq!(view("t", &format!("{longest}a")), None);
    }

    #[test]
    fn names_are_few_and_each_stands_once() {
        let parse = |names: &[&str]| Environments::new(names.iter().map(|name| name.parse().expect("valid")).collect());
        assert_eq!(parse(&["dev", "prod"]).map(|two| two.development().to_string()), Ok("dev".to_owned()));
        assert_eq!(parse(&[]), Err(EnvironmentError::Number));
        assert_eq!(parse(&["d", "p", "d"]), Err(EnvironmentError::Twice("d".parse().expect("valid"))));
        let too_many: Vec<String> = (0..=MAX_ENVIRONMENTS).map(|number| format!("e{number}")).collect();
        assert_eq!(parse(&too_many.iter().map(String::as_str).collect::<Vec<_>>()), Err(EnvironmentError::Number));
        let long = "a".repeat(MAX_ENVIRONMENT_BYTES + 1);
        for bad in ["", "T", "a/b", "-a", "a..b", "ä", long.as_str()] {
            assert_eq!(bad.parse::<EnvironmentName>(), Err(EnvironmentError::Malformed), "{bad}");
        }
        assert!(Environments::default().is_reserved(&"s1".parse().expect("valid")));
        assert!(!Environments::default().is_reserved(&"pay".parse().expect("valid")));
    }

    proptest! {
        #[test]
        fn a_name_has_one_spelling_and_one_owner(text in "([dtp]/|s1/){0,3}[a-z]{1,3}(/[dtp]|/[a-z]{1,3}){0,3}") {
            let environments = Environments::default();
            let repository = name(&text);
            let canonical = environments.canonical(&repository);
            prop_assert_eq!(&environments.canonical(&canonical), &canonical);
            prop_assert_eq!(environments.split(&canonical), environments.split(&repository));
            prop_assert_eq!(environments.project(&canonical), environments.project(&repository));
            let (environment, development) = environments.split(&repository);
            match environment {
                Some(environment) => {
                    prop_assert_eq!(environments.repository(&environment, &development), Some(canonical));
                    prop_assert!(!environments.is_reserved(&environments.project(&repository)));
                }
                None => prop_assert_eq!(development, canonical),
            }
        }
    }
}
