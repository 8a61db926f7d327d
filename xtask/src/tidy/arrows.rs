//! Arrows between crates, and fences around dependencies: `xtask/arrows.toml` is the law.

use std::collections::BTreeMap;

use anyhow::Context as _;
use serde::Deserialize;

use super::Finding;
use super::package::{self, Dependency, Package};
use super::tree::Tree;

/// Where the law stands.
const LAW: &str = "xtask/arrows.toml";
/// Any crate may use it in its tests.
const TESTKIT: &str = "wharf-testkit";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Law {
    arrows: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    fences: BTreeMap<String, Vec<String>>,
}

pub(crate) fn check(tree: &Tree) -> anyhow::Result<Vec<Finding>> {
    let source = tree.get(LAW).with_context(|| format!("`{LAW}` is missing"))?;
    let law: Law = toml::from_str(&source.text).with_context(|| format!("parse `{LAW}`"))?;
    let packages = package::all(tree)?;
    let mut findings = Vec::new();
    for package in &packages {
        match law.arrows.get(&package.name) {
            Some(allowed) => findings.extend(unlawful(package, allowed, &law)),
            None => findings.push(package.manifest.finding(
                1,
                "arrows",
                format!("`{}` has no line in {LAW}; add one, and an ADR that says why the crate exists", package.name),
            )),
        }
    }
    for name in law.arrows.keys().filter(|name| packages.iter().all(|package| package.name != **name)) {
        findings.push(source.finding(
            source.line_of(name),
            "arrows",
            format!("`{name}` does not exist; remove the line"),
        ));
    }
    Ok(findings)
}

fn unlawful(package: &Package<'_>, allowed: &[String], law: &Law) -> Vec<Finding> {
    let mut findings = Vec::new();
    for dependency in &package.dependencies {
        if !is_allowed(dependency, allowed, law) {
            findings.push(package.manifest.finding(
                dependency.line,
                "arrows",
                format!(
                    "{} may not know {}; use a port or an event, or decide the arrow in {LAW} with an ADR",
                    package.name, dependency.name
                ),
            ));
        }
        if law.fences.get(&dependency.name).is_some_and(|fence| !admits(fence, &package.name)) {
            findings.push(package.manifest.finding(
                dependency.line,
                "fences",
                format!("{} stays outside of {}; the fence stands in {LAW}", dependency.name, package.name),
            ));
        }
    }
    findings
}

fn is_allowed(dependency: &Dependency, allowed: &[String], law: &Law) -> bool {
    !law.arrows.contains_key(&dependency.name)
        || (dependency.is_dev && dependency.name == TESTKIT)
        || allowed.iter().any(|name| name == "*" || *name == dependency.name)
}

/// A fence is a list of who may pass, or, when its entries begin with `!`, of who may not.
fn admits(fence: &[String], package: &str) -> bool {
    if fence.iter().all(|entry| entry.starts_with('!')) {
        return fence.iter().all(|entry| entry.get(1..) != Some(package));
    }
    fence.iter().any(|entry| entry == package)
}
