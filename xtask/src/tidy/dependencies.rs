//! Versions and features stand in the workspace's `Cargo.toml`, and every one of them has a reason in the documents.

use anyhow::Context as _;

use super::Finding;
use super::package::{self, Package};
use super::tree::{Source, Tree};

const ROOT: &str = "Cargo.toml";
const REASONS: &str = "docs/dev/dependencies.md";

pub(crate) fn check(tree: &Tree) -> anyhow::Result<Vec<Finding>> {
    let packages = package::all(tree)?;
    let mut findings: Vec<Finding> = packages.iter().flat_map(local_versions).collect();
    findings.extend(without_a_reason(tree, &packages)?);
    Ok(findings)
}

fn local_versions(package: &Package<'_>) -> Vec<Finding> {
    let manifest = package.manifest;
    let local = package.dependencies.iter().filter(|dependency| !dependency.is_inherited);
    let mut findings: Vec<Finding> = local
        .map(|dependency| {
            let advice = format!(
                "write `{0}.workspace = true`; version and features stand in [workspace.dependencies]",
                dependency.name
            );
            manifest.finding(dependency.line, "dependencies", advice)
        })
        .collect();
    if !package.has_workspace_lints {
        findings.push(manifest.finding(1, "dependencies", "add `[lints]` with `workspace = true`"));
    }
    findings
}

/// The names in `[workspace.dependencies]` that are used must be named in the document that gives the reasons.
fn without_a_reason(tree: &Tree, packages: &[Package<'_>]) -> anyhow::Result<Vec<Finding>> {
    let root = tree.get(ROOT).with_context(|| format!("`{ROOT}` is missing"))?;
    let table: toml::Table = root.text.parse().with_context(|| format!("parse `{ROOT}`"))?;
    let entries = table.get("workspace").and_then(|workspace| workspace.get("dependencies"));
    let names = entries.and_then(toml::Value::as_table).into_iter().flat_map(toml::Table::keys);
    let reasons = tree.get(REASONS).map_or("", |reasons| reasons.text.as_str());
    let mut findings = Vec::new();
    for name in names.filter(|name| !name.starts_with("wharf-")) {
        if !packages.iter().any(|package| package.dependencies.iter().any(|dependency| dependency.name == *name)) {
            findings.push(entry(root, name, format!("no package uses `{name}`; remove it")));
        } else if !reasons.contains(&format!("`{name}`")) {
            findings.push(entry(root, name, format!("give `{name}` its reason in {REASONS}")));
        }
    }
    Ok(findings)
}

fn entry(root: &Source, name: &str, advice: String) -> Finding {
    let is_entry = |line: &str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with([' ', '=']));
    let line = root.text.lines().position(is_entry).map_or(1, |index| index + 1);
    root.finding(line, "dependencies", advice)
}
