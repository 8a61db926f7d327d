//! A package's `Cargo.toml`, as far as the rules ask.

use anyhow::Context as _;

use super::tree::{Source, Tree};

/// One line of a dependency table.
#[derive(Debug)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    pub(crate) line: usize,
    /// Whether it stands in `[dev-dependencies]`.
    pub(crate) is_dev: bool,
    /// Whether it says nothing but `workspace = true` (and perhaps `optional = true`).
    pub(crate) is_inherited: bool,
}

/// One package of the workspace.
#[derive(Debug)]
pub(crate) struct Package<'t> {
    pub(crate) name: String,
    pub(crate) manifest: &'t Source,
    pub(crate) dependencies: Vec<Dependency>,
    pub(crate) has_workspace_lints: bool,
}

/// Every package below `crates/`, and those beside.
pub(crate) fn all(tree: &Tree) -> anyhow::Result<Vec<Package<'_>>> {
    let manifests = tree.files.iter().filter(|file| file.path.ends_with("Cargo.toml") && file.package().is_some());
    manifests.map(|manifest| parse(manifest).with_context(|| manifest.path.display().to_string())).collect()
}

fn parse(manifest: &Source) -> anyhow::Result<Package<'_>> {
    let value: toml::Table = manifest.text.parse().context("parse as TOML")?;
    let name = value.get("package").and_then(|package| package.get("name")).and_then(toml::Value::as_str);
    let mut dependencies = Vec::new();
    for table in ["dependencies", "build-dependencies", "dev-dependencies"] {
        let entries = value.get(table).and_then(toml::Value::as_table).into_iter().flatten();
        dependencies.extend(entries.map(|(name, value)| dependency(manifest, table, name, value)));
    }
    let lints = value.get("lints").and_then(|lints| lints.get("workspace")).and_then(toml::Value::as_bool);
    Ok(Package {
        name: name.context("it has no package name")?.to_owned(),
        manifest,
        dependencies,
        has_workspace_lints: lints == Some(true),
    })
}

fn dependency(manifest: &Source, table: &str, name: &str, value: &toml::Value) -> Dependency {
    let is_inherited = value.as_table().is_some_and(|entry| {
        entry.get("workspace").and_then(toml::Value::as_bool) == Some(true)
            && entry.keys().all(|key| key == "workspace" || key == "optional")
    });
    Dependency {
        name: name.to_owned(),
        line: line_of(&manifest.text, table, name),
        is_dev: table == "dev-dependencies",
        is_inherited,
    }
}

fn line_of(text: &str, table: &str, name: &str) -> usize {
    let start = text.lines().position(|line| line.trim() == format!("[{table}]")).unwrap_or(0);
    let entry = |line: &str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['.', ' ', '=']));
    text.lines().skip(start).position(entry).map_or(1, |index| start + index + 1)
}
