//! The house rules, checked: each finding names the file, the line, the rule and what to do.
//!
//! A rule reads the [`tree::Tree`] and returns findings; it neither opens files nor prints. What clippy and rustc can
//! check (unwrap, function length, parameters, documentation) is not here: see `[workspace.lints]`.
//!
//! Reading order: [`tree`], [`package`], then one file per rule in the order of [`RULES`].

mod arrows;
mod dependencies;
mod documents;
mod heads;
mod names;
mod package;
mod routes;
mod sizes;
mod tables;
#[cfg(test)]
mod tests;
mod tree;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use tree::Tree;

/// One broken rule at one place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    /// The file, from the root of the checkout.
    pub(crate) file: PathBuf,
    /// The line, from 1.
    pub(crate) line: usize,
    /// The rule's name.
    pub(crate) rule: &'static str,
    /// What is wrong, and what to do.
    pub(crate) advice: String,
}

type Rule = fn(&Tree) -> anyhow::Result<Vec<Finding>>;

/// Every rule, in the order of the report.
const RULES: &[Rule] = &[
    arrows::check,
    dependencies::check,
    sizes::check,
    heads::check,
    names::check,
    tables::check,
    routes::check,
    documents::check,
];

/// Checks the checkout at `root` and prints what it finds.
pub(crate) fn run(root: &Path) -> ExitCode {
    match check(root) {
        Ok(findings) if findings.is_empty() => ExitCode::SUCCESS,
        Ok(findings) => {
            for finding in &findings {
                eprintln!("{}:{}: {}: {}", finding.file.display(), finding.line, finding.rule, finding.advice);
            }
            eprintln!("tidy: {} to put right", findings.len());
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("tidy: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn check(root: &Path) -> anyhow::Result<Vec<Finding>> {
    let tree = Tree::read(root)?;
    let mut findings = Vec::new();
    for rule in RULES {
        findings.extend(rule(&tree)?);
    }
    findings.sort();
    Ok(findings)
}
