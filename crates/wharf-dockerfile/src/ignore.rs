//! `.dockerignore`: which files of a build context are left out, exactly as docker matches them.
//!
//! The last pattern that matches wins, `!` takes back; what matches a folder holds for all below it. Every pattern is
//! matched in time that grows with the length of the path times that of the pattern, whatever stands in it.
//!
//! ```
//! use wharf_dockerfile::ignore::Ignore;
//!
//! let ignore = Ignore::parse("node_modules\n*.md\n!README.md\n");
//! assert!(ignore.is_ignored("node_modules/left-pad/index.js"));
//! assert!(!ignore.is_ignored("README.md"));
//! ```

mod glob;

use crate::diagnostic::Diagnostic;
use crate::span::Span;
use glob::Matcher;

/// The patterns of an ignore file, or of `COPY --exclude`.
#[derive(Debug, Clone, Default)]
pub struct Ignore {
    patterns: Vec<Pattern>,
    /// Patterns that can't be understood. They match nothing; docker refuses the build.
    pub diagnostics: Vec<Diagnostic>,
}

#[derive(Debug, Clone)]
struct Pattern {
    matcher: Matcher,
    /// Whether it takes back what others left out.
    is_exception: bool,
}

/// What the patterns say of one entry; what stands in a folder is asked about with the folder's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visit {
    /// Which patterns match the entry or a folder above it.
    matched: Vec<bool>,
    ignored: bool,
}

impl Visit {
    /// Whether the entry is left out.
    pub fn is_ignored(&self) -> bool {
        self.ignored
    }
}

/// The names of the ignore files for a Dockerfile, best first: the first that exists counts, alone. The first stands beside
/// the Dockerfile, the second at the context's root.
pub fn file_names(dockerfile: &str) -> [String; 2] {
    [format!("{dockerfile}.dockerignore"), ".dockerignore".to_owned()]
}

impl Ignore {
    /// Reads an ignore file.
    pub fn parse(text: &str) -> Self {
        let mut ignore = Self::default();
        let mut at = 0;
        for line in text.split_inclusive('\n') {
            let content = line.strip_prefix('\u{feff}').filter(|_| at == 0).unwrap_or(line);
            let trimmed = content.trim();
            let start = at + (line.len() - content.trim_start().len());
            at += line.len();
            // Only a `#` in the first column makes a comment.
            if !content.starts_with('#') && !trimmed.is_empty() {
                ignore.push(&normal(trimmed), Span::new(start, start + trimmed.len()));
            }
        }
        ignore
    }

    /// Patterns that stand elsewhere than in a file, such as those of `COPY --exclude`.
    pub fn of<'a>(patterns: impl IntoIterator<Item = &'a str>) -> Self {
        let mut ignore = Self::default();
        patterns.into_iter().for_each(|pattern| ignore.push(pattern, Span::default()));
        ignore
    }

    fn push(&mut self, pattern: &str, span: Span) {
        let cleaned = clean(pattern.trim());
        let (is_exception, cleaned) = match cleaned.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, cleaned.as_str()),
        };
        if pattern.trim().is_empty() {
            return;
        }
        if cleaned.is_empty() {
            self.diagnostics.push(Diagnostic::error(span, "`!` needs a pattern behind it"));
            return;
        }
        match Matcher::parse(cleaned) {
            Ok(matcher) => self.patterns.push(Pattern { matcher, is_exception }),
            Err(message) => self.diagnostics.push(Diagnostic::error(span, format!("`{}`: {message}", shown(pattern)))),
        }
    }

    /// Whether there is no pattern at all.
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// Whether the entry at `path`, relative to the context and with slashes, is left out.
    pub fn is_ignored(&self, path: &str) -> bool {
        let path = clean(path);
        if path == "." {
            return false;
        }
        let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        ends.filter(|end| *end > 0).fold(self.root(), |visit, end| self.visit(&visit, &path[..end])).ignored
    }

    /// What is said of the context's root: nothing.
    pub fn root(&self) -> Visit {
        Visit { matched: vec![false; self.patterns.len()], ignored: false }
    }

    /// What is said of the entry at `path`, of which the folder has `parent`. The path is relative to the context.
    pub fn visit(&self, parent: &Visit, path: &str) -> Visit {
        let mut visit = self.root();
        for (at, pattern) in self.patterns.iter().enumerate() {
            let above = parent.matched.get(at).copied().unwrap_or(false);
            // A pattern that can change nothing is not asked, as docker does it: what it says of a folder is then no help
            // for what stands in it.
            let matches = above || pattern.is_exception == visit.ignored && pattern.matcher.matches(path);
            visit.matched[at] = matches;
            if matches {
                visit.ignored = !pattern.is_exception;
            }
        }
        visit
    }

    /// Whether a walk may pass over the folder at `path`: it is left out, and no exception reaches into it.
    pub fn can_skip(&self, visit: &Visit, path: &str) -> bool {
        let mut exceptions = self.patterns.iter().filter(|pattern| pattern.is_exception);
        visit.ignored && !exceptions.any(|pattern| pattern.matcher.may_match_below(path))
    }
}

/// A line of a file as docker normalises it before the pattern is read.
fn normal(line: &str) -> String {
    let (sign, pattern) = match line.strip_prefix('!') {
        Some(pattern) => ("!", pattern.trim()),
        None => ("", line),
    };
    if pattern.is_empty() {
        return sign.to_owned();
    }
    let cleaned = clean(pattern);
    let relative = cleaned.strip_prefix('/').filter(|rest| !rest.is_empty()).unwrap_or(&cleaned);
    format!("{sign}{relative}")
}

/// The shortest path with the same meaning: no `.`, no empty parts, `..` only at the beginning.
fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if rooted => {}
            part => parts.push(part),
        }
    }
    let joined = parts.join("/");
    match (rooted, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".to_owned(),
        (false, false) => joined,
    }
}

fn shown(pattern: &str) -> String {
    pattern.chars().take(80).collect()
}

#[cfg(test)]
mod tests;
