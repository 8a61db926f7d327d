//! A table has one owner: only its `store.rs`, and its migration, may name it.

use std::collections::{BTreeMap, BTreeSet};

use super::Finding;
use super::tree::{Source, Tree};

/// Words of SQL after which a table's name comes.
const BEFORE_A_TABLE: &[&str] = &["FROM", "INTO", "UPDATE", "JOIN", "TABLE"];
const DIALECTS: &[&str] = &["sqlite", "postgres"];

/// Which crate owns which table.
type Owners = BTreeMap<String, String>;

pub(crate) fn check(tree: &Tree) -> anyhow::Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let mut owners = Owners::new();
    let migrations: Vec<&Source> = tree.files.iter().filter(|file| file.path.starts_with("migrations")).collect();
    for migration in &migrations {
        match owner_of(migration, &tree.crates()) {
            Some(owner) => owners.extend(created(migration).map(|table| (table, owner.clone()))),
            None => findings.push(migration.finding(
                1,
                "tables",
                "begin with a comment that names the one crate that owns these tables",
            )),
        }
    }
    for migration in &migrations {
        findings.extend(foreign_references(migration, &owners));
        // A node's database is SQLite only.
        if !migration.path.starts_with("migrations/node") {
            findings.extend(missing_twin(tree, migration));
        }
    }
    let code = tree.rust().filter(|file| !file.is_test() && file.path.starts_with("crates"));
    findings.extend(code.flat_map(|file| foreign_names(file, &owners)));
    Ok(findings)
}

/// The crate that the comment at the head of a migration names.
fn owner_of(migration: &Source, crates: &[String]) -> Option<String> {
    let head: Vec<&str> = migration.text.lines().take_while(|line| line.starts_with("--")).collect();
    let head = head.join(" ");
    let mut words = head.split(|letter: char| !letter.is_alphanumeric() && letter != '-');
    words.find(|word| crates.iter().any(|name| name == word)).map(str::to_owned)
}

fn created(migration: &Source) -> impl Iterator<Item = String> {
    let statements = migration.text.lines().filter_map(|line| line.strip_prefix("CREATE TABLE"));
    statements.filter_map(|line| line.split('(').next()?.split_whitespace().next_back().map(bare))
}

/// A word without the signs around it; SQL's own words stay.
fn bare(word: &str) -> String {
    word.trim_matches(|letter: char| !letter.is_alphanumeric() && letter != '_').to_owned()
}

fn foreign_references(migration: &Source, owners: &Owners) -> Vec<Finding> {
    let own: BTreeSet<String> = created(migration).collect();
    let Some(owner) = own.iter().find_map(|table| owners.get(table)) else { return Vec::new() };
    let mut findings = Vec::new();
    for (index, line) in migration.text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("--")) {
        let target = line.split("REFERENCES ").nth(1).and_then(|rest| rest.split_whitespace().next()).map(bare);
        let foreign = target.filter(|table| owners.get(table).is_some_and(|found| found != owner));
        findings.extend(foreign.map(|table| {
            migration.finding(
                index + 1,
                "tables",
                format!("{owner} may not refer to `{table}` of {}; keep its id only", owners[&table]),
            )
        }));
    }
    findings
}

/// Both dialects have the same migrations, and these the same tables.
fn missing_twin(tree: &Tree, migration: &Source) -> Option<Finding> {
    let name = migration.path.file_name()?;
    let own: BTreeSet<String> = created(migration).collect();
    DIALECTS.iter().find_map(|dialect| {
        let path = std::path::Path::new("migrations").join(dialect).join(name);
        let Some(twin) = tree.get(&path) else {
            return Some(migration.finding(
                1,
                "tables",
                format!("`{}` is missing: both databases migrate together", path.display()),
            ));
        };
        let theirs: BTreeSet<String> = created(twin).collect();
        let table = own.difference(&theirs).next()?;
        Some(migration.finding(
            migration.line_of(table),
            "tables",
            format!("`{}` does not create `{table}`", path.display()),
        ))
    })
}

fn foreign_names(file: &Source, owners: &Owners) -> Vec<Finding> {
    let package = file.package().and_then(|folder| Some(folder.file_name()?.to_str()?.to_owned())).unwrap_or_default();
    let mut findings = Vec::new();
    for (line, text) in file.code().filter(|(_, text)| !text.trim_start().starts_with("//")) {
        for table in named_tables(text) {
            match owners.get(&table) {
                Some(owner) if *owner != package => findings.push(file.finding(
                    line,
                    "tables",
                    format!("`{table}` belongs to {owner}: call its function, in the same transaction"),
                )),
                Some(_) if !is_store(file) && package != "wharf-db" => findings.push(file.finding(
                    line,
                    "tables",
                    format!("`{table}` is named outside of a store: move the statement to `store.rs`"),
                )),
                _ => {}
            }
        }
    }
    findings
}

/// `store.rs`, or a file in a folder `store/`.
fn is_store(file: &Source) -> bool {
    file.path.iter().any(|part| part == "store.rs" || part == "store")
}

fn named_tables(line: &str) -> Vec<String> {
    let words: Vec<&str> =
        line.split(|letter: char| letter.is_whitespace() || letter == '"' || letter == '(').collect();
    let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
    let pairs = words.iter().zip(words.iter().skip(1));
    pairs.filter(|(before, _)| BEFORE_A_TABLE.contains(before)).map(|(_, table)| bare(table)).collect()
}
