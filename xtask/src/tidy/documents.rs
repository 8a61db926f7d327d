//! The documents that must exist, say what is true of the tree, and link to what is there.

use std::path::{Component, Path, PathBuf};

use super::Finding;
use super::tree::{Source, Tree};

const MAP: &str = "ARCHITECTURE.md";
/// What a checkout must have.
const REQUIRED: &[&str] = &["README.md", "README.zh-CN.md", MAP, "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"];
/// The two commands of both READMEs.
const COMMANDS: &[&str] = &["cargo run --release -- serve", "cargo test --workspace"];

pub(crate) fn check(tree: &Tree) -> anyhow::Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for path in REQUIRED.iter().filter(|path| tree.get(path).is_none()) {
        let advice = format!("`{path}` is missing; write it");
        findings.push(Finding { file: PathBuf::from(path), line: 1, rule: "documents", advice });
    }
    findings.extend(tree.get(MAP).into_iter().flat_map(|map| sections(tree, map)));
    for readme in ["README.md", "README.zh-CN.md"].iter().filter_map(|path| tree.get(path)) {
        let missing = COMMANDS.iter().filter(|command| !readme.text.contains(**command));
        findings.extend(
            missing.map(|command| readme.finding(1, "documents", format!("it must give the command `{command}`"))),
        );
    }
    let documents = tree.files.iter().filter(|file| file.has_extension("md"));
    findings.extend(documents.flat_map(|document| broken_links(tree, document)));
    Ok(findings)
}

/// One section `### crate` for each crate, and none for a crate that is not there.
fn sections(tree: &Tree, map: &Source) -> Vec<Finding> {
    let crates = tree.crates();
    let heads = map.text.lines().enumerate().filter_map(|(index, line)| Some((index + 1, section(line)?)));
    let heads: Vec<(usize, &str)> = heads.collect();
    let mut findings = Vec::new();
    for name in &crates {
        let count = heads.iter().filter(|(_, head)| head == name).count();
        if count != 1 {
            findings.push(map.finding(
                1,
                "documents",
                format!("`{name}` has {count} sections; it needs one: ### {name}"),
            ));
        }
    }
    let strangers =
        heads.iter().filter(|(_, head)| head.starts_with("wharf") && !crates.iter().any(|name| name == head));
    findings.extend(
        strangers
            .map(|(line, head)| map.finding(*line, "documents", format!("`{head}` is no crate; remove the section"))),
    );
    findings
}

fn section(line: &str) -> Option<&str> {
    line.strip_prefix("### ").map(|head| head.trim_matches('`'))
}

fn broken_links(tree: &Tree, document: &Source) -> Vec<Finding> {
    let folder = document.path.parent().unwrap_or(Path::new(""));
    let mut findings = Vec::new();
    for (index, line) in document.text.lines().enumerate() {
        for target in line.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let target = target.split('#').next().unwrap_or_default();
            let is_foreign = target.is_empty() || target.contains("://") || target.starts_with("mailto:");
            if !is_foreign && !exists(tree, &normal(&folder.join(target))) {
                findings.push(document.finding(
                    index + 1,
                    "links",
                    format!("`{target}` does not exist; correct the link"),
                ));
            }
        }
    }
    findings
}

/// Whether a text file lies at `path` or below it. The licence and `.ci` have no extension, so they are not read.
fn exists(tree: &Tree, path: &Path) -> bool {
    path.ends_with("LICENSE") || path.starts_with(".ci") || tree.files.iter().any(|file| file.path.starts_with(path))
}

fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                normal.pop();
            }
            Component::Normal(part) => normal.push(part),
            Component::Prefix(_) | Component::RootDir | Component::CurDir => {}
        }
    }
    normal
}
