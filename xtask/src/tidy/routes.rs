//! The route table, the golden access table and the document name the same routes.

use std::collections::BTreeSet;
use std::path::Path;

use super::Finding;
use super::tree::{Source, Tree};

/// The management API's route table, who may do what on each route (reviewed text, written by a test), and the
/// document for operators.
const TABLE: &str = "crates/wharf-api-management/src/route.rs";
/// Parts of the table that have files of their own.
const PARTS: &str = "crates/wharf-api-management/src/route";
const GOLDEN: &str = "crates/wharf-api-management/tests/golden/access.txt";
const DOCUMENT: &str = "docs/admin/api.md";
/// What the paths of the table are below.
const PREFIX: &str = "/api/v1";
/// The distribution API's route table; its paths are the specification's.
const ENDPOINTS: &str = "crates/wharf-api-distribution/src/route.rs";
const METHODS: &[&str] = &["GET", "POST", "PUT", "PATCH", "DELETE"];

pub(crate) fn check(tree: &Tree) -> anyhow::Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let tables = || tree.files.iter().filter(|file| file.path == Path::new(TABLE) || file.path.starts_with(PARTS));
    if let (Some(_), Some(document)) = (tree.get(TABLE), tree.get(DOCUMENT)) {
        let mut known = BTreeSet::new();
        for table in tables() {
            let declared = declared(table);
            findings.extend(tree.get(GOLDEN).into_iter().flat_map(|golden| absent(table, &declared, golden)));
            findings.extend(absent(table, &declared, document));
            known.extend(declared.into_iter().map(|(_, route)| route));
        }
        let own = written(document).into_iter().filter(|(_, route)| route.contains(PREFIX)).collect::<Vec<_>>();
        let unknown = own.iter().filter(|(_, route)| !known.contains(route));
        findings.extend(
            unknown.map(|(line, route)| document.finding(*line, "routes", format!("`{route}` does not exist"))),
        );
    }
    if let (Some(endpoints), Some(document)) = (tree.get(ENDPOINTS), tree.get(DOCUMENT)) {
        findings.extend(undocumented_paths(endpoints, document));
    }
    Ok(findings)
}

/// The routes that `table` declares and `other` does not name.
fn absent(table: &Source, declared: &[(usize, String)], other: &Source) -> Vec<Finding> {
    let named: BTreeSet<String> = written(other).into_iter().map(|(_, route)| route).collect();
    let absent = declared.iter().filter(|(_, route)| !named.contains(route));
    absent
        .map(|(line, route)| table.finding(*line, "routes", format!("`{route}` is not in {}", other.path.display())))
        .collect()
}

/// ``route!(Get "/path" handler)`` as `GET /api/v1/path`.
fn declared(table: &Source) -> Vec<(usize, String)> {
    let lines = table.code().filter_map(|(line, text)| {
        let (_, rest) = text.split_once("route!(")?;
        let (verb, rest) = rest.split_once(" \"")?;
        let (path, _) = rest.split_once('"')?;
        Some((line, format!("{} {PREFIX}{path}", verb.to_uppercase())))
    });
    lines.collect()
}

/// `METHOD /path` wherever it stands in a line, once.
fn written(file: &Source) -> Vec<(usize, String)> {
    let lines = file.text.lines().enumerate().filter_map(|(index, line)| {
        let words: Vec<&str> = line.split([' ', '`', '|']).filter(|word| !word.is_empty()).collect();
        let mut pairs = words.iter().zip(words.iter().skip(1));
        let (method, path) = pairs.find(|(method, path)| METHODS.contains(method) && path.starts_with('/'))?;
        Some((index + 1, format!("{method} {path}")))
    });
    lines.collect()
}

fn undocumented_paths(endpoints: &Source, document: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut seen = BTreeSet::new();
    for (line, text) in endpoints.code() {
        let path = text.split('"').find(|part| part.starts_with("/v2/<name>/"));
        let missing = path.filter(|path| seen.insert(*path) && !document.text.contains(&format!("`{path}`")));
        findings.extend(
            missing.map(|path| endpoints.finding(line, "routes", format!("`{path}` is not described in {DOCUMENT}"))),
        );
    }
    findings
}
