//! Sizes of files and crates. Sizes of functions, parameters and nesting are clippy's.

use std::collections::BTreeMap;

use anyhow::Context as _;
use serde::Deserialize;

use super::Finding;
use super::tree::{Source, Tree};

/// A file above this needs a reason in the table of exceptions.
const ASKED: usize = 400;
/// No hand-written file is above this.
const WALL: usize = 800;
/// A crate above this is split, or has a reason in the table of exceptions. Its tests, and the seeds that measurements are
/// made on, do not count.
const CRATE_WALL: usize = 20_000;
/// No crate is above this.
const LAST_CRATE_WALL: usize = 25_000;
const EXCEPTIONS: &str = "xtask/sizes.toml";

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Exceptions {
    /// Path to reason.
    #[serde(default)]
    files: BTreeMap<String, String>,
    /// Name to reason.
    #[serde(default)]
    crates: BTreeMap<String, String>,
}

pub(crate) fn check(tree: &Tree) -> anyhow::Result<Vec<Finding>> {
    let exceptions: Exceptions = match tree.get(EXCEPTIONS) {
        Some(source) => toml::from_str(&source.text).with_context(|| format!("parse `{EXCEPTIONS}`"))?,
        None => Exceptions::default(),
    };
    let mut findings: Vec<Finding> = tree.rust().filter_map(|file| too_long(file, &exceptions)).collect();
    findings.extend(idle_exceptions(tree, &exceptions));
    findings.extend(tree.crates().iter().filter_map(|name| too_large(tree, name, &exceptions)));
    Ok(findings)
}

fn too_long(file: &Source, exceptions: &Exceptions) -> Option<Finding> {
    let lines = file.code().count();
    let is_excused = file.is_test() || exceptions.files.contains_key(&file.path.display().to_string());
    if lines > WALL {
        return Some(file.finding(WALL, "sizes", format!("{lines} lines, the wall is {WALL}; split it by noun")));
    }
    (lines > ASKED && !is_excused).then(|| {
        file.finding(
            ASKED,
            "sizes",
            format!("{lines} lines without its tests; split it by noun, or give the reason in {EXCEPTIONS}"),
        )
    })
}

fn idle_exceptions(tree: &Tree, exceptions: &Exceptions) -> Vec<Finding> {
    let Some(source) = tree.get(EXCEPTIONS) else { return Vec::new() };
    let idle = exceptions.files.keys().filter(|path| tree.get(path).is_none_or(|file| file.code().count() <= ASKED));
    idle.map(|path| {
        source.finding(source.line_of(path), "sizes", format!("`{path}` needs no exception; remove the line"))
    })
    .collect()
}

fn too_large(tree: &Tree, name: &str, exceptions: &Exceptions) -> Option<Finding> {
    let folder = format!("crates/{name}/src");
    let is_program = |file: &&Source| !file.is_test() && file.path.file_name().is_none_or(|name| name != "seed.rs");
    let files = tree.rust().filter(|file| file.path.starts_with(&folder)).filter(is_program);
    let lines: usize = files.map(|file| file.code().count()).sum();
    let manifest = tree.get(format!("crates/{name}/Cargo.toml"))?;
    let wall = if exceptions.crates.contains_key(name) { LAST_CRATE_WALL } else { CRATE_WALL };
    (lines > wall)
        .then(|| manifest.finding(1, "sizes", format!("{lines} lines in `{name}`; split the crate, with an ADR")))
}
