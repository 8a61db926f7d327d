//! Compares an image with a standard. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use wharf_oci::Pattern;

use super::policy::{PathPattern, Rules, Standard};

/// How many offenders one sentence names.
const MAX_NAMED: usize = 5;

/// What an image is like.
#[derive(Debug, Clone, Default)]
pub(crate) struct Likeness {
    /// Everything in it: paths below the root.
    pub(crate) paths: BTreeSet<String>,
    /// Names of programs in the folders of `PATH`.
    pub(crate) programs: BTreeSet<String>,
    /// Names of packages; `None` where its package manager is none that can be read.
    pub(crate) packages: Option<BTreeSet<String>>,
    pub(crate) users: BTreeSet<String>,
    /// Whether its processes run as root.
    pub(crate) runs_as_root: bool,
    /// Data folders that its config declares, without a slash at the end.
    pub(crate) volumes: BTreeSet<String>,
    /// Variables of its config.
    pub(crate) variables: BTreeMap<String, String>,
    pub(crate) size_bytes: u64,
    pub(crate) labels: BTreeMap<String, String>,
}

/// A rule of a standard that an image does not keep.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Complaint {
    /// The rule: a member of the standard.
    pub rule: String,
    /// What is wrong.
    pub reason: String,
}

/// The rules of `standard` that the image does not keep.
pub(crate) fn judge(standard: &Standard, image: &Likeness) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    let mut complain = |rule: &str, reason: String| complaints.push(Complaint { rule: rule.to_owned(), reason });
    for reason in paths(&standard.paths, image) {
        complain("paths", reason);
    }
    for reason in names(&standard.programs, &image.programs, "program") {
        complain("programs", reason);
    }
    match &image.packages {
        Some(packages) => {
            names(&standard.packages, packages, "package").for_each(|reason| complain("packages", reason))
        }
        None if standard.packages.is_empty() => {}
        None => {
            complain("packages", "what is installed cannot be read: it has neither dpkg's nor apk's list".to_owned())
        }
    }
    for reason in names(&standard.users, &image.users, "user") {
        complain("users", reason);
    }
    if standard.no_root && image.runs_as_root {
        complain("no_root", "its processes run as root".to_owned());
    }
    for folder in &standard.data_folders {
        if !image.volumes.contains(folder.pattern().as_str()) {
            complain("data_folders", format!("the data folder `/{}` is not declared as a volume", folder.pattern()));
        }
    }
    if let Some(reason) = standard.charset.as_deref().and_then(|charset| wrong_charset(charset, &image.variables)) {
        complain("charset", reason);
    }
    if let Some(limit) = standard.max_bytes.filter(|limit| image.size_bytes > *limit) {
        complain("max_bytes", format!("it has {} bytes, and {limit} are allowed", image.size_bytes));
    }
    for label in standard.labels.iter().filter(|label| image.labels.get(*label).is_none_or(String::is_empty)) {
        complain("labels", format!("the label `{label}` is missing"));
    }
    complaints
}

fn paths(rules: &Rules<PathPattern>, image: &Likeness) -> Vec<String> {
    let found = |path: &PathPattern| -> Vec<&str> {
        if path.is_plain() {
            return image.paths.get(path.pattern().as_str()).map(String::as_str).into_iter().collect();
        }
        let matching = image.paths.iter().filter(|one| path.pattern().matches(one));
        matching.take(MAX_NAMED + 1).map(String::as_str).collect()
    };
    let missing = rules.required.iter().filter(|path| found(path).is_empty());
    let missing = missing.map(|path| format!("`/{}` is missing", path.pattern()));
    let offending = rules.forbidden.iter().filter_map(|path| {
        let found: Vec<String> = found(path).iter().map(|one| format!("/{one}")).collect();
        (!found.is_empty()).then(|| format!("`/{}` is forbidden: {}", path.pattern(), named(&found)))
    });
    missing.chain(offending).collect()
}

fn names<'r>(
    rules: &'r Rules<Pattern>,
    there: &'r BTreeSet<String>,
    what: &'static str,
) -> impl Iterator<Item = String> + 'r {
    let found = move |pattern: &Pattern| -> Vec<String> {
        there.iter().filter(|name| pattern.matches(name)).take(MAX_NAMED + 1).cloned().collect()
    };
    let missing = rules.required.iter().filter(move |pattern| found(pattern).is_empty());
    let missing = missing.map(move |pattern| format!("the {what} `{pattern}` is missing"));
    let offending = rules.forbidden.iter().filter_map(move |pattern| {
        let found = found(pattern);
        (!found.is_empty()).then(|| format!("the {what} `{pattern}` is forbidden: {}", named(&found)))
    });
    missing.chain(offending)
}

fn named(found: &[String]) -> String {
    let first: Vec<String> = found.iter().take(MAX_NAMED).map(|name| format!("`{}`", name.escape_debug())).collect();
    let more = if found.len() > MAX_NAMED { ", …" } else { "" };
    format!("{}{more}", first.join(", "))
}

/// Locales win in this order (POSIX, "Environment Variables").
fn wrong_charset(wanted: &str, variables: &BTreeMap<String, String>) -> Option<String> {
    let locale =
        ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| variables.get(*name).filter(|value| !value.is_empty()));
    let Some(locale) = locale else { return Some(format!("no locale is set, and its charset must be `{wanted}`")) };
    let charset = locale.split_once('.').map_or("", |(_, charset)| charset.split('@').next().unwrap_or_default());
    let plain = |text: &str| text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    let is_right = plain(charset) == plain(wanted);
    (!is_right).then(|| format!("the locale is `{}`, and its charset must be `{wanted}`", locale.escape_debug()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn likeness() -> Likeness {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<String>>();
        Likeness {
            paths: set(&["app", "app/run", "etc/passwd", "root", "root/.ssh", "root/.ssh/id"]),
            programs: set(&["java", "sh"]),
            packages: Some(set(&["bash", "openjdk-21", "telnetd"])),
            users: set(&["root", "app"]),
            runs_as_root: true,
            volumes: set(&["data"]),
            variables: BTreeMap::from([("LANG".to_owned(), "de_DE.ISO-8859-1".to_owned())]),
            size_bytes: 100,
            labels: BTreeMap::from([("team".to_owned(), "pay".to_owned()), ("empty".to_owned(), String::new())]),
        }
    }

    fn complaints(rules: &str) -> Vec<String> {
        let text = format!(r#"{{"repositories":["a"],{rules}}}"#);
        let standard: Standard = serde_json::from_str(&text).expect("a standard");
        judge(&standard, &likeness()).into_iter().map(|one| format!("{}: {}", one.rule, one.reason)).collect()
    }

    #[test]
    fn each_rule_is_kept_or_told() {
        let table: [(&str, &[&str]); 13] = [
            (r#""paths":{"required":["/app","/app/*"],"forbidden":["/opt","/opt/**"]}"#, &[]),
            (r#""paths":{"required":["/opt"]}"#, &["paths: `/opt` is missing"]),
            (
                r#""paths":{"forbidden":["/root/**"]}"#,
                &["paths: `/root/**` is forbidden: `/root/.ssh`, `/root/.ssh/id`"],
            ),
            (r#""programs":{"required":["java"],"forbidden":["curl"]}"#, &[]),
            (
                r#""programs":{"required":["curl"],"forbidden":["s*"]}"#,
                &["programs: the program `curl` is missing", "programs: the program `s*` is forbidden: `sh`"],
            ),
            (
                r#""packages":{"required":["openjdk-*"],"forbidden":["telnet*"]}"#,
                &["packages: the package `telnet*` is forbidden: `telnetd`"],
            ),
            (r#""users":{"required":["app"]}"#, &[]),
            (r#""no_root":true"#, &["no_root: its processes run as root"]),
            (
                r#""data_folders":["/data/","/log"]"#,
                &["data_folders: the data folder `/log` is not declared as a volume"],
            ),
            (r#""charset":"UTF-8""#, &["charset: the locale is `de_DE.ISO-8859-1`, and its charset must be `UTF-8`"]),
            (r#""charset":"iso8859-1""#, &[]),
            (r#""max_bytes":99"#, &["max_bytes: it has 100 bytes, and 99 are allowed"]),
            (
                r#""labels":["team","empty","none"]"#,
                &["labels: the label `empty` is missing", "labels: the label `none` is missing"],
            ),
        ];
        for (rules, expected) in table {
            assert_eq!(complaints(rules), expected, "{rules}");
        }
    }

    #[test]
    fn packages_that_cannot_be_read_keep_no_rule() {
        let standard = |text: &str| serde_json::from_str::<Standard>(text).expect("a standard");
        let image = Likeness { packages: None, ..likeness() };
        assert!(judge(&standard(r#"{"repositories":["a"]}"#), &image).is_empty());
        let asks = standard(r#"{"repositories":["a"],"packages":{"forbidden":["telnet*"]}}"#);
        assert_eq!(judge(&asks, &image).len(), 1, "what nobody can see is not absent");
    }
}
