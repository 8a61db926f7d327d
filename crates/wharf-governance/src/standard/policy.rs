//! The policy's section `standards`: what images of a template must be like. Pure.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use wharf_oci::{Pattern, RepositoryName};

/// The most standards of one policy.
const MAX_STANDARDS: usize = 100;

/// Standards by their names.
pub type Standards = BTreeMap<String, Standard>;

/// What images of some repositories must be like.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Standard {
    /// The repositories that it is for, as they are called in development.
    pub repositories: Vec<Pattern>,
    /// Files and folders.
    #[serde(skip_serializing_if = "Rules::is_empty")]
    pub paths: Rules<PathPattern>,
    /// Programs, by their names in the folders of `PATH`.
    #[serde(skip_serializing_if = "Rules::is_empty")]
    pub programs: Rules<Pattern>,
    /// Packages of dpkg and apk, by their names.
    #[serde(skip_serializing_if = "Rules::is_empty")]
    pub packages: Rules<Pattern>,
    /// Users that must be in `/etc/passwd`, and those that must not.
    #[serde(skip_serializing_if = "Rules::is_empty")]
    pub users: Rules<Pattern>,
    /// Whether processes must run as somebody else than root.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub no_root: bool,
    /// Data folders that the config must declare.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub data_folders: Vec<PathPattern>,
    /// The character set that the config's `LC_ALL`, `LC_CTYPE` or `LANG` must name, such as `UTF-8`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub charset: Option<String>,
    /// How large an image may be, compressed, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<u64>,
    /// Labels that must be there and not empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
}

/// What must be there, and what must not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rules<T> {
    /// Each must be matched by something.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub required: Vec<T>,
    /// None may be matched by anything.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub forbidden: Vec<T>,
}

impl<T> Default for Rules<T> {
    fn default() -> Self {
        Self { required: Vec::new(), forbidden: Vec::new() }
    }
}

impl<T> Rules<T> {
    pub(crate) fn is_empty(&self) -> bool {
        self.required.is_empty() && self.forbidden.is_empty()
    }
}

/// A path in an image: `/etc/passwd`, `/opt/*/bin`, `/root/**`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PathPattern(Pattern);

impl PathPattern {
    /// The pattern below the root.
    pub(crate) fn pattern(&self) -> &Pattern {
        &self.0
    }

    /// Whether it names one path.
    pub(crate) fn is_plain(&self) -> bool {
        !self.0.as_str().contains('*')
    }
}

impl TryFrom<String> for PathPattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let below = text.strip_prefix('/').map(|rest| rest.strip_suffix('/').unwrap_or(rest));
        let pattern = below.and_then(|below| below.parse().ok());
        pattern.map(Self).ok_or_else(|| format!("`{}` is no path, which begins with `/`", text.escape_debug()))
    }
}

impl From<PathPattern> for String {
    fn from(path: PathPattern) -> Self {
        format!("/{}", path.0)
    }
}

/// Whether standards mean something; the sentence says what is wrong.
pub(crate) fn check(standards: &Standards) -> Result<(), String> {
    if standards.len() > MAX_STANDARDS {
        return Err(format!("`standards` has more than {MAX_STANDARDS} standards"));
    }
    let is_word = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
    for (name, standard) in standards {
        if name.is_empty() || name.len() > 64 || !name.chars().all(is_word) {
            return Err(format!("`{}` in `standards` is no name of a standard", name.escape_debug()));
        }
        if standard.repositories.is_empty() {
            return Err(format!("the standard `{name}` names no repositories"));
        }
        if standard.data_folders.iter().any(|folder| !folder.is_plain()) {
            return Err(format!("the standard `{name}` has a data folder with `*`"));
        }
    }
    Ok(())
}

/// The standards that are for a repository.
pub(crate) fn applicable<'s>(
    standards: &'s Standards,
    repository: &RepositoryName,
) -> impl Iterator<Item = (&'s String, &'s Standard)> {
    let repository = repository.clone();
    let is_for = move |standard: &Standard| standard.repositories.iter().any(|one| one.matches(repository.as_str()));
    standards.iter().filter(move |(_, standard)| is_for(standard))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Standards, String> {
        let standards: Standards = serde_json::from_str(text).map_err(|error| error.to_string())?;
        check(&standards).map(|()| standards)
    }

    #[test]
    fn a_standard_reads_back_and_is_for_its_repositories() {
        let text = r#"{"java":{"repositories":["pay/**"],"paths":{"required":["/app/"],"forbidden":["/root/**"]},"no_root":true}}"#;
        let standards = read(text).expect("standards");
        let again = serde_json::to_string(&standards).expect("JSON");
        assert_eq!(read(&again).expect("standards"), standards);
        assert!(again.contains(r#""/app""#) && !again.contains("programs"), "{again}");
        let names = |repository: &str| applicable(&standards, &repository.parse().expect("valid")).count();
        assert_eq!((names("pay/app"), names("other/app")), (1, 0));
    }

    #[test]
    fn a_standard_that_means_nothing_is_refused() {
        for bad in [
            r#"{"":{"repositories":["a"]}}"#,
            r#"{"a":{}}"#,
            r#"{"a":{"repositories":["a"],"paths":{"required":["relative"]}}}"#,
            r#"{"a":{"repositories":["a"],"paths":{"wanted":["/a"]}}}"#,
            r#"{"a":{"repositories":["a"],"data_folders":["/data/*"]}}"#,
            r#"{"a":{"repositories":["a"],"max_size":1}}"#,
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
