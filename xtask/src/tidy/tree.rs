//! The checkout as the rules see it: every text file, read once.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::Finding;

/// What the rules read. Build results, version control and binary files are left out.
const TEXT: &[&str] = &["rs", "toml", "sql", "md", "sh", "yml", "yaml", "service", "socket", "txt", "json"];
const SKIPPED: &[&str] = &["target", ".git", "node_modules"];

/// One text file.
#[derive(Debug)]
pub(crate) struct Source {
    /// From the root of the checkout.
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

impl Source {
    /// The lines that are not inside an inline `mod tests { … }`, which is the file's last item by convention.
    pub(crate) fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines: Vec<&str> = self.text.lines().collect();
        let end = lines
            .iter()
            .zip(lines.iter().skip(1))
            .position(|(above, line)| above.trim() == "#[cfg(test)]" && is_inline_module(line))
            .unwrap_or(lines.len());
        lines.into_iter().take(end).enumerate().map(|(index, line)| (index + 1, line))
    }

    /// The first line that holds `needle`, or 1.
    pub(crate) fn line_of(&self, needle: &str) -> usize {
        self.text.lines().position(|line| line.contains(needle)).map_or(1, |index| index + 1)
    }

    /// A finding in this file.
    pub(crate) fn finding(&self, line: usize, rule: &'static str, advice: impl Into<String>) -> Finding {
        Finding { file: self.path.clone(), line, rule, advice: advice.into() }
    }

    /// The package folder that the file lies in: `crates/NAME`, `bench` or `xtask`.
    pub(crate) fn package(&self) -> Option<PathBuf> {
        let mut parts = self.path.iter();
        match parts.next()?.to_str()? {
            "crates" => Some(Path::new("crates").join(parts.next()?)),
            folder @ ("bench" | "xtask") => Some(PathBuf::from(folder)),
            _ => None,
        }
    }

    /// Whether the file is test code as a whole: below `tests/` or `benches/`, or a `tests.rs` beside the code.
    pub(crate) fn is_test(&self) -> bool {
        self.path.iter().any(|part| part == "tests" || part == "benches" || part == "tests.rs")
    }

    pub(crate) fn has_extension(&self, extension: &str) -> bool {
        self.path.extension().is_some_and(|found| found == extension)
    }
}

fn is_inline_module(line: &str) -> bool {
    let line = line.trim();
    line.starts_with("mod ") && line.ends_with('{')
}

/// The whole checkout.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) files: Vec<Source>,
}

impl Tree {
    pub(crate) fn read(root: &Path) -> anyhow::Result<Self> {
        let mut files = Vec::new();
        let mut folders = vec![root.to_path_buf()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).with_context(|| format!("list `{}`", folder.display()))? {
                let entry = entry.with_context(|| format!("list `{}`", folder.display()))?;
                let kind = entry.file_type().with_context(|| format!("look at `{}`", entry.path().display()))?;
                if kind.is_dir() && !is_skipped(&entry.path()) {
                    folders.push(entry.path());
                } else if kind.is_file() && is_text(&entry.path()) {
                    files.push(read(root, &entry.path())?);
                }
            }
        }
        files.sort_by(|left, right| left.path.cmp(&right.path));
        Ok(Self { files })
    }

    /// The file at `path` from the root.
    pub(crate) fn get(&self, path: impl AsRef<Path>) -> Option<&Source> {
        self.files.iter().find(|file| file.path == path.as_ref())
    }

    /// Every Rust file.
    pub(crate) fn rust(&self) -> impl Iterator<Item = &Source> {
        self.files.iter().filter(|file| file.has_extension("rs"))
    }

    /// Every crate's name, as its folder has it.
    pub(crate) fn crates(&self) -> Vec<String> {
        let manifests = self.files.iter().filter(|file| file.path.ends_with("Cargo.toml"));
        let folders = manifests.filter_map(|file| file.path.strip_prefix("crates").ok()?.parent());
        folders.map(|folder| folder.display().to_string()).collect()
    }
}

fn read(root: &Path, path: &Path) -> anyhow::Result<Source> {
    let text = std::fs::read_to_string(path).with_context(|| format!("read `{}`", path.display()))?;
    let path = path.strip_prefix(root).context("a listed file lies below the root")?.to_path_buf();
    Ok(Source { path, text })
}

fn is_skipped(folder: &Path) -> bool {
    folder.file_name().is_some_and(|name| SKIPPED.iter().any(|skipped| name == *skipped))
}

fn is_text(file: &Path) -> bool {
    file.extension().and_then(|extension| extension.to_str()).is_some_and(|extension| TEXT.contains(&extension))
}
