//! Files of settings: hadolint's `.hadolint.yaml`, and a policy in the same form.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use wharf_dockerfile::Severity;
use wharf_dockerfile::lint::Settings;
use wharf_dockerfile::lint::settings::{Enforced, LabelType, Policy};

use crate::error::Error;

/// Names under which settings are found by themselves.
const NAMES: [&str; 2] = [".hadolint.yaml", ".hadolint.yml"];

/// Settings, and what the verb itself takes from them.
#[derive(Debug, Default)]
pub struct Set {
    /// For the rules.
    pub settings: Settings,
    /// Findings do not make it fail.
    pub has_no_fail: bool,
    threshold: Option<String>,
    /// The policy's: nothing makes it milder.
    demanded: Option<String>,
}

/// A file of settings. The keys are hadolint's; `enforced` is for policies.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct File {
    #[serde(rename = "failure-threshold", alias = "failureThreshold")]
    failure_threshold: Option<String>,
    #[serde(rename = "no-fail", alias = "noFail")]
    no_fail: bool,
    #[serde(rename = "no-color", alias = "noColor")]
    _no_color: Option<bool>,
    #[serde(rename = "verbose")]
    _verbose: Option<bool>,
    #[serde(rename = "format")]
    _format: Option<String>,
    ignored: Vec<String>,
    #[serde(rename = "override")]
    overrides: Overrides,
    #[serde(rename = "trustedRegistries", alias = "trusted-registries")]
    trusted_registries: Vec<String>,
    #[serde(rename = "label-schema", alias = "labelSchema")]
    label_schema: BTreeMap<String, String>,
    #[serde(rename = "strict-labels", alias = "strictLabels")]
    strict_labels: bool,
    #[serde(rename = "disable-ignore-pragma", alias = "disableIgnorePragma")]
    disable_ignore_pragma: bool,
    enforced: Option<Demand>,
    #[serde(rename = "approvedBases", alias = "approved-bases")]
    approved_bases: Option<Bases>,
}

/// Bases for all environments, or by environment.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Bases {
    All(Vec<String>),
    ByEnvironment(BTreeMap<String, Vec<String>>),
}

impl Bases {
    /// Those of an environment, and of `"*"`, which is all of them.
    fn of(&self, environment: Option<&str>) -> Vec<String> {
        match self {
            Self::All(bases) => bases.clone(),
            Self::ByEnvironment(lists) => {
                let names = [Some("*"), environment];
                names.into_iter().flatten().filter_map(|name| lists.get(name)).flatten().cloned().collect()
            }
        }
    }
}

/// Rules by the severity that they get.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Overrides {
    error: Vec<String>,
    warning: Vec<String>,
    info: Vec<String>,
    style: Vec<String>,
}

/// `enforced: all`, or a list of rules.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Demand {
    Word(String),
    Rules(Vec<String>),
}

impl Overrides {
    fn severities(&self) -> BTreeMap<String, Severity> {
        let levels = [
            (&self.error, Severity::Error),
            (&self.warning, Severity::Warning),
            (&self.info, Severity::Info),
            (&self.style, Severity::Style),
        ];
        levels.into_iter().flat_map(|(ids, severity)| ids.iter().map(move |id| (id.clone(), severity))).collect()
    }
}

impl Set {
    /// The mildest severity that counts; `None` where none does.
    pub fn threshold(&self, flag: Option<&str>) -> Result<Option<Severity>, Error> {
        let asked = level(flag.or(self.threshold.as_deref()).unwrap_or("info"))?;
        let demanded = self.demanded.as_deref().map(level).transpose()?.flatten();
        Ok(match (asked, demanded) {
            (Some(asked), Some(demanded)) => Some(asked.min(demanded)),
            (asked, demanded) => asked.or(demanded),
        })
    }
}

fn level(name: &str) -> Result<Option<Severity>, Error> {
    Ok(match name {
        "error" => Some(Severity::Error),
        "warning" => Some(Severity::Warning),
        "info" => Some(Severity::Info),
        "style" => Some(Severity::Style),
        "none" | "ignore" => None,
        other => return Err(Error::Level(other.to_owned())),
    })
}

/// Reads the settings that are named, or those that are found, and the policy.
pub fn read(config: Option<&Path>, policy: Option<&Path>, environment: Option<&str>) -> Result<Set, Error> {
    let found = match config {
        Some(path) => Some(path.to_owned()),
        None => find(),
    };
    let mut set = Set::default();
    if let Some(path) = found {
        let file = parse(&path)?;
        if file.enforced.is_some() {
            return Err(wrong(&path, "`enforced` belongs into a policy (`--policy`)"));
        }
        set.settings.ignored = file.ignored.iter().cloned().collect();
        set.settings.severities = file.overrides.severities();
        set.settings.trusted_registries = file.trusted_registries.clone();
        set.settings.approved_bases =
            file.approved_bases.as_ref().map(|bases| bases.of(environment)).unwrap_or_default();
        set.settings.label_schema = labels(&path, &file.label_schema)?;
        set.settings.has_strict_labels = file.strict_labels;
        set.settings.are_pragmas_off = file.disable_ignore_pragma;
        set.has_no_fail = file.no_fail;
        set.threshold = file.failure_threshold;
    }
    if let Some(path) = policy {
        demand(path, environment, &mut set)?;
    }
    Ok(set)
}

/// Puts a policy on top.
fn demand(path: &Path, environment: Option<&str>, set: &mut Set) -> Result<(), Error> {
    let file = parse(path)?;
    let severities = file.overrides.severities();
    // Who lists registries or bases in a policy wants the rules on them.
    let implied = [("DL3026", !file.trusted_registries.is_empty()), ("WF1012", file.approved_bases.is_some())];
    let implied = implied.into_iter().filter(|(_, is_meant)| *is_meant).map(|(id, _)| id.to_owned());
    let implied = implied.chain(severities.keys().cloned());
    let enforced = match file.enforced {
        None => Enforced::Rules(implied.collect()),
        Some(Demand::Rules(rules)) => Enforced::Rules(rules.into_iter().chain(implied).collect()),
        Some(Demand::Word(word)) if word == "all" => Enforced::All,
        Some(Demand::Word(word)) => {
            return Err(wrong(path, format!("`enforced` is `all` or a list of rules, not `{word}`")));
        }
    };
    let settings = &mut set.settings;
    settings.policy = Policy { enforced, severities };
    if !file.trusted_registries.is_empty() {
        settings.trusted_registries = file.trusted_registries;
    }
    if let Some(bases) = &file.approved_bases {
        settings.approved_bases = bases.of(environment);
    }
    settings.label_schema.extend(labels(path, &file.label_schema)?);
    settings.has_strict_labels |= file.strict_labels;
    settings.are_pragmas_off |= file.disable_ignore_pragma;
    set.demanded = file.failure_threshold;
    Ok(())
}

fn labels(path: &Path, schema: &BTreeMap<String, String>) -> Result<BTreeMap<String, LabelType>, Error> {
    let typed = schema.iter().map(|(key, name)| match LabelType::named(name) {
        Some(kind) => Ok((key.clone(), kind)),
        None => Err(wrong(
            path,
            format!("`{name}` is no type of a label; there are text, url, rfc3339, spdx, hash, semver, email"),
        )),
    });
    typed.collect()
}

fn wrong(path: &Path, problem: impl Into<String>) -> Error {
    Error::Settings { path: path.to_owned(), problem: problem.into() }
}

fn parse(path: &Path) -> Result<File, Error> {
    let text = fs::read_to_string(path).map_err(|source| Error::ReadSettings { path: path.to_owned(), source })?;
    if text.trim().is_empty() {
        return Ok(File::default());
    }
    serde_saphyr::from_str(&text).map_err(|error| wrong(path, error.to_string()))
}

/// The settings of this folder, or of the nearest one above that has some.
fn find() -> Option<PathBuf> {
    let folder = std::env::current_dir().ok()?;
    let found = folder.ancestors().flat_map(|folder| NAMES.iter().map(move |name| folder.join(name)));
    found.into_iter().find(|path| path.is_file())
}
