//! Every Rust file begins with what it is for.

use super::Finding;
use super::tree::Tree;

pub(crate) fn check(tree: &Tree) -> anyhow::Result<Vec<Finding>> {
    let headless = tree.rust().filter(|file| !file.text.trim_start().starts_with("//! "));
    Ok(headless
        .map(|file| file.finding(1, "heads", "begin with `//!`: what the file is for, and what it is not for"))
        .collect())
}
