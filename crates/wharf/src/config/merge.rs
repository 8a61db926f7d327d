//! Which value counts: flag before variable before file before default.

use std::collections::BTreeMap;
use std::path::Path;

use super::source::{self, Environment, Key, Origin, Problem, Setting};
use super::{Config, check};
use crate::error::Error;

/// The configuration that counts, and where each value that is not a default came from.
#[derive(Debug, Clone)]
pub(crate) struct Loaded {
    pub(crate) config: Config,
    origins: BTreeMap<Key, Origin>,
}

impl Loaded {
    /// Where `key`'s value came from.
    pub(crate) fn origin(&self, key: &Key) -> Origin {
        self.origins.get(key).cloned().unwrap_or(Origin::Default)
    }
}

/// Reads the file (if one is given), the environment and the flags, and tells everything that is wrong at once.
pub(crate) fn load(file: Option<&Path>, environment: &Environment, flags: Vec<Setting>) -> Result<Loaded, Error> {
    let (mut settings, mut problems) = file.map(source::from_file).transpose()?.unwrap_or_default();
    let (variables, unknown) = source::from_environment(environment);
    problems.extend(unknown);
    settings.extend(variables);
    settings.extend(flags);

    let mut table = toml::Table::new();
    let mut origins = BTreeMap::new();
    for setting in settings {
        match fit(&setting) {
            Ok(value) => {
                let section = table.entry(&setting.key.section).or_insert_with(|| toml::Table::new().into());
                let section = section.as_table_mut().expect("only tables were put here");
                section.insert(setting.key.name.clone(), value);
                origins.insert(setting.key, setting.origin);
            }
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() {
        let mut config: Config = table.try_into().map_err(|error| Error::Configuration(vec![format!("{error}")]))?;
        resolve(&mut config, environment);
        problems.extend(check::contradictions(&config));
        if problems.is_empty() {
            return Ok(Loaded { config, origins });
        }
    }
    Err(Error::Configuration(problems))
}

/// The setting's value in a form that its key takes. A text from the environment may also be a number, a truth value
/// or a list, written as in TOML.
fn fit(setting: &Setting) -> Result<toml::Value, Problem> {
    let first = match try_alone(&setting.key, &setting.value) {
        Ok(()) => return Ok(setting.value.clone()),
        Err(why) => why,
    };
    let reading = setting.value.as_str().and_then(|text| text.trim().parse::<toml::Value>().ok());
    let why = match reading.map(|value| (try_alone(&setting.key, &value), value)) {
        Some((Ok(()), value)) => return Ok(value),
        Some((Err(why), _)) => why,
        None => first,
    };
    Err(format!("`{}` ({}): {why}", setting.key, setting.origin))
}

/// Whether `key` takes `value`: a configuration that has nothing else must be readable.
fn try_alone(key: &Key, value: &toml::Value) -> Result<(), String> {
    let section = toml::Table::from_iter([(key.name.clone(), value.clone())]);
    let table = toml::Table::from_iter([(key.section.clone(), toml::Value::Table(section))]);
    Config::deserialize_from(table).map(drop)
}

impl Config {
    fn deserialize_from(table: toml::Table) -> Result<Self, String> {
        table.try_into().map_err(|error: toml::de::Error| error.message().to_owned())
    }
}

/// Fills in the values whose default depends on others.
fn resolve(config: &mut Config, environment: &Environment) {
    let data = config.server.data.take().unwrap_or_else(|| crate::data::default_folder(environment));
    let inside = |scheme: &str, name: &str| format!("{scheme}:{}", data.join(name).display());
    config.database.url.get_or_insert_with(|| inside("sqlite", "wharf.db"));
    config.storage.url.get_or_insert_with(|| inside("file", "blobs"));
    config.server.data = Some(data);
    let named = config.encryption.master_key_file.take();
    config.encryption.master_key_file = named.or_else(|| super::encryption::credential(environment));
}
