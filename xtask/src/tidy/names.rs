//! Names that say nothing, and notes that nobody will read.

use std::ffi::OsStr;

use super::Finding;
use super::tree::{Source, Tree};

/// Files, folders and crates are nouns of the trade.
const EMPTY_NAMES: &[&str] = &["common", "core", "util", "utils", "manager", "helper", "helpers", "misc"];
/// A type is the noun itself: `Promotion`, not a promotion's manager.
const EMPTY_SUFFIXES: &[&str] = &["Manager", "Helper", "Helpers", "Util", "Utils", "Service", "Impl", "Info", "Data"];
/// Spelt apart, so that this list is not its own finding.
const NOTES: &[&str] = &[concat!("TO", "DO"), concat!("FIX", "ME"), concat!("X", "XX"), concat!("HA", "CK")];

pub(crate) fn check(tree: &Tree) -> anyhow::Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for file in &tree.files {
        findings.extend(empty_path(file));
        findings.extend(notes(file));
        if file.has_extension("rs") {
            findings.extend(empty_types(file));
        }
    }
    Ok(findings)
}

fn empty_path(file: &Source) -> Option<Finding> {
    file.package()?;
    if file.path.file_name() == Some(OsStr::new("mod.rs")) {
        return Some(file.finding(1, "names", "a module is `noun.rs` beside its folder, not `mod.rs`"));
    }
    let parts = file.path.iter().filter_map(OsStr::to_str);
    let words = parts.flat_map(|part| part.split(['-', '_', '.']).map(str::to_lowercase).collect::<Vec<_>>());
    let empty = words.into_iter().find(|word| EMPTY_NAMES.contains(&word.as_str()))?;
    Some(file.finding(1, "names", format!("`{empty}` says nothing; name the noun that it is about")))
}

fn empty_types(file: &Source) -> Vec<Finding> {
    let declared = file.code().filter_map(|(line, text)| Some((line, declared_type(text)?)));
    let empty = declared.filter_map(|(line, name)| {
        let suffix = EMPTY_SUFFIXES.iter().find(|suffix| name.ends_with(**suffix) && name.len() > suffix.len())?;
        Some(file.finding(line, "names", format!("`{name}`: a type is the noun itself, without `{suffix}`")))
    });
    empty.collect()
}

/// The name that `pub struct Name` and its like declare.
fn declared_type(line: &str) -> Option<&str> {
    let mut words = line.split_whitespace().skip_while(|word| word.starts_with("pub"));
    if !["struct", "enum", "trait", "type", "union"].contains(&words.next()?) {
        return None;
    }
    let name = words.next()?;
    let end = name.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(name.len());
    name.get(..end)
}

fn notes(file: &Source) -> Vec<Finding> {
    let lines = file.text.lines().enumerate();
    let found = lines.filter_map(|(index, line)| {
        let note = NOTES.iter().find(|note| has_word(line, note))?;
        Some(file.finding(index + 1, "notes", format!("`{note}`: do it, or open an issue and take the note out")))
    });
    found.collect()
}

fn has_word(line: &str, word: &str) -> bool {
    let is_letter = |letter: char| letter.is_alphanumeric() || letter == '_';
    line.match_indices(word).any(|(start, _)| {
        let before = line[..start].chars().next_back();
        let after = line[start + word.len()..].chars().next();
        !before.is_some_and(is_letter) && !after.is_some_and(is_letter)
    })
}
