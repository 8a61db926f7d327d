//! Where a setting can come from: the file, the environment, a flag.
//!
//! Here texts become [`Setting`]s and names are checked; whether a value fits its key is decided in [`super::merge`].

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use toml::de::DeTable;

use super::Config;
use crate::error::Error;

/// What every variable of ours begins with.
const PREFIX: &str = "WHARF_";

/// Variables with our prefix that are no settings.
const OTHER_VARIABLES: [&str; 4] = ["WHARF_CONFIG", "WHARF_SERVER", "WHARF_USERNAME", "WHARF_PASSWORD_FILE"];

/// The variables of this process.
pub(crate) type Environment = BTreeMap<String, String>;

/// A key's place: `[section] name`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) section: String,
    pub(crate) name: String,
}

impl Key {
    pub(crate) fn new(section: &str, name: &str) -> Self {
        Self { section: section.to_owned(), name: name.to_owned() }
    }

    /// All keys there are, in the order in which they are shown.
    pub(crate) fn all() -> Vec<Self> {
        let config = serde_json::to_value(Config::default()).expect("the default configuration can be shown");
        let sections = config.as_object().into_iter().flatten();
        sections
            .flat_map(|(section, keys)| {
                keys.as_object().into_iter().flatten().map(move |(name, _)| Self::new(section, name))
            })
            .collect()
    }

    /// The variable that sets this key.
    pub(crate) fn variable(&self) -> String {
        format!("{PREFIX}{}_{}", self.section, self.name).to_ascii_uppercase()
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.section, self.name)
    }
}

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    Default,
    File { path: PathBuf, line: usize },
    Variable(String),
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Variable(name) => write!(f, "variable {name}"),
            Self::Flag(name) => write!(f, "flag {name}"),
        }
    }
}

/// One value for one key.
#[derive(Debug, Clone)]
pub(crate) struct Setting {
    pub(crate) key: Key,
    pub(crate) value: toml::Value,
    pub(crate) origin: Origin,
}

/// A sentence about something that is wrong with the configuration.
pub(crate) type Problem = String;

/// The settings of a file, and the keys in it that do not exist.
pub(crate) fn from_file(path: &Path) -> Result<(Vec<Setting>, Vec<Problem>), Error> {
    let text =
        std::fs::read_to_string(path).map_err(|source| Error::ReadConfiguration { path: path.to_owned(), source })?;
    let parse_error = |source: toml::de::Error| Error::ParseConfiguration { path: path.to_owned(), source };
    let values: toml::Table = text.parse().map_err(parse_error)?;
    let places = DeTable::parse(&text).map_err(parse_error)?;
    let mut found = Vec::new();
    for (section, keys) in places.get_ref() {
        let value = values.get(section.get_ref().as_ref());
        let Some((keys, value)) = keys.get_ref().as_table().zip(value.and_then(toml::Value::as_table)) else {
            found.push((section.get_ref().to_string(), section.span().start, None));
            continue;
        };
        for name in keys.keys() {
            let key = Key::new(section.get_ref(), name.get_ref());
            let value = value.get(name.get_ref().as_ref()).cloned();
            found.push((key.to_string(), name.span().start, value.map(|value| (key, value))));
        }
    }
    found.sort_by_key(|(_, start, _)| *start);
    Ok(accept(path, &text, found))
}

/// What stands in a file: the key's text, its place, and the value where it stands in a section.
type Found = (String, usize, Option<(Key, toml::Value)>);

/// Sorts known keys from unknown ones.
fn accept(path: &Path, text: &str, found: Vec<Found>) -> (Vec<Setting>, Vec<Problem>) {
    let known = Key::all();
    let (mut settings, mut problems) = (Vec::new(), Vec::new());
    for (written, start, value) in found {
        let line = 1 + text.get(..start).unwrap_or_default().matches('\n').count();
        let origin = Origin::File { path: path.to_owned(), line };
        match value {
            Some((key, value)) if known.contains(&key) => settings.push(Setting { key, value, origin }),
            Some(_) | None => {
                let nearest = nearest(&written, known.iter().map(Key::to_string));
                problems.push(format!("`{written}` ({origin}) is not a setting; the nearest is `{nearest}`"));
            }
        }
    }
    (settings, problems)
}

/// The settings among the variables, and the variables with our prefix that set nothing. An empty one counts as absent.
pub(crate) fn from_environment(environment: &Environment) -> (Vec<Setting>, Vec<Problem>) {
    let known: BTreeMap<String, Key> = Key::all().into_iter().map(|key| (key.variable(), key)).collect();
    let (mut settings, mut problems) = (Vec::new(), Vec::new());
    for (name, value) in environment.range(PREFIX.to_owned()..).take_while(|(name, _)| name.starts_with(PREFIX)) {
        match known.get(name) {
            Some(_) if value.is_empty() => {}
            Some(key) => settings.push(Setting {
                key: key.clone(),
                value: toml::Value::String(value.clone()),
                origin: Origin::Variable(name.clone()),
            }),
            None if is_somebody_elses(name) => {}
            None => {
                let nearest = nearest(name, known.keys().cloned());
                problems.push(format!("the variable `{name}` is not a setting; the nearest is `{nearest}`"));
            }
        }
    }
    (settings, problems)
}

/// Whether a variable with our prefix is not meant as a setting: ours for something else, our tests', or one of those
/// that Kubernetes gives every container when a Service is called `wharf` or `wharf-…`.
fn is_somebody_elses(name: &str) -> bool {
    let kubernetes = name.ends_with("_SERVICE_HOST")
        || name.contains("_SERVICE_PORT")
        || name.ends_with("_PORT")
        || ["_TCP", "_UDP", "_SCTP"].iter().any(|protocol| name.contains("_PORT_") && name.contains(protocol));
    OTHER_VARIABLES.contains(&name) || name.starts_with("WHARF_TEST_") || kubernetes
}

/// Of `candidates`, the one that `text` was most likely meant to be.
fn nearest(text: &str, candidates: impl Iterator<Item = String>) -> String {
    let distance = |candidate: &str| {
        let whole = strsim::damerau_levenshtein(text, candidate);
        let last = candidate.rsplit_once('.').map_or(usize::MAX, |(_, name)| strsim::damerau_levenshtein(text, name));
        whole.min(last)
    };
    candidates.min_by_key(|candidate| distance(candidate)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_a_variable_of_its_own() {
        let keys = Key::all();
        let variables: std::collections::BTreeSet<_> = keys.iter().map(Key::variable).collect();
        assert_eq!(keys.len(), variables.len());
        assert!(variables.contains("WHARF_SERVER_PUBLIC_URL") && variables.contains("WHARF_ADMIN_PASSWORD_FILE"));
        assert!(!variables.iter().any(|name| is_somebody_elses(name)), "no setting may look like another's variable");
    }

    #[test]
    fn the_nearest_key_is_found_across_sections() {
        let nearest = |text| nearest(text, Key::all().iter().map(Key::to_string));
        assert_eq!(nearest("server.lisen"), "server.listen");
        assert_eq!(nearest("sever.listen"), "server.listen");
        assert_eq!(nearest("public_ur"), "server.public_url");
    }

    #[test]
    fn variables_of_kubernetes_services_are_nobodys_mistake() {
        let names = ["WHARF_SERVICE_HOST", "WHARF_SERVICE_PORT_HTTP", "WHARF_PORT", "WHARF_PORT_5000_TCP_ADDR"];
        let environment = names.iter().map(|name| ((*name).to_owned(), "x".to_owned())).collect();
        let (settings, problems) = from_environment(&environment);
        assert!(settings.is_empty() && problems.is_empty(), "{problems:?}");
    }
}
