//! The route table, the golden access table and the documents name the same routes.

use std::collections::BTreeSet;

use super::Finding;
use super::tree::{Source, Tree};

/// Who may do what on which route; reviewed text, written by a test.
const GOLDEN: &str = "access.txt";
const DOCUMENT: &str = "docs/admin/api.md";
const METHODS: &[&str] = &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

pub(crate) fn check(tree: &Tree) -> anyhow::Result<Vec<Finding>> {
    let golden = tree.files.iter().filter(|file| file.path.ends_with(GOLDEN));
    let Some(document) = tree.get(DOCUMENT) else { return Ok(Vec::new()) };
    let documented: BTreeSet<String> = routes(document).map(|(_, route)| route).collect();
    let mut findings = Vec::new();
    for file in golden {
        let undocumented = routes(file).filter(|(_, route)| !documented.contains(route));
        findings
            .extend(undocumented.map(|(line, route)| {
                file.finding(line, "routes", format!("`{route}` is not described in {DOCUMENT}"))
            }));
    }
    Ok(findings)
}

/// `METHOD /path` wherever it stands in a line, once.
fn routes(file: &Source) -> impl Iterator<Item = (usize, String)> {
    file.text.lines().enumerate().filter_map(|(index, line)| {
        let words: Vec<&str> = line.split([' ', '`', '|']).filter(|word| !word.is_empty()).collect();
        let mut pairs = words.iter().zip(words.iter().skip(1));
        let (method, path) = pairs.find(|(method, path)| METHODS.contains(method) && path.starts_with('/'))?;
        Some((index + 1, format!("{method} {path}")))
    })
}
