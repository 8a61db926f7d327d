//! What commands about promotions name: `pay/app:20261130_01`, `pay/app@sha256:…`, and the project of either.

use std::str::FromStr;

use serde_json::Value;
use wharf_oci::{Reference, RepositoryName};

use super::client::output::Column;

/// A repository, by its name in development, with a tag or a digest.
#[derive(Debug, Clone)]
pub(crate) struct Subject {
    pub(crate) repository: RepositoryName,
    pub(crate) reference: Reference,
}

impl Subject {
    /// The project that the repository is of.
    pub(crate) fn project(&self) -> String {
        project(&self.repository)
    }
}

/// The project of a repository in development.
pub(crate) fn project(repository: &RepositoryName) -> String {
    repository.as_str().split('/').next().unwrap_or_default().to_owned()
}

impl FromStr for Subject {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let name_end = text.rfind('/').map_or(0, |slash| slash + 1);
        let (digest_at, tag_at) = (text.find('@'), text[name_end..].find(':').map(|colon| name_end + colon));
        let at = digest_at.or(tag_at).ok_or("name a tag or a digest: `pay/app:1.2` or `pay/app@sha256:…`")?;
        let repository = text[..at].parse().map_err(|error: wharf_oci::NameError| error.to_string())?;
        let reference: Reference =
            text[at + 1..].parse().map_err(|error: wharf_oci::ReferenceError| error.to_string())?;
        if digest_at.is_some() && matches!(reference, Reference::Tag(_)) {
            return Err("behind `@` stands a digest: `pay/app@sha256:…`".to_owned());
        }
        Ok(Self { repository, reference })
    }
}

/// A promotion in a list.
pub(crate) const PROMOTIONS: [Column; 9] = [
    ("ID", "id", "-"),
    ("KIND", "kind", "-"),
    ("FROM", "from", "-"),
    ("TO", "to", "-"),
    ("WHAT", "what", "-"),
    ("STATE", "state", "-"),
    ("AGREED", "share", "-"),
    ("ASKED BY", "requested_by", "-"),
    ("ASKED", "requested_at", "-"),
];

/// One promotion.
pub(crate) const PROMOTION: [Column; 16] = [
    ("id", "id", "-"),
    ("kind", "kind", "-"),
    ("from", "from", "-"),
    ("to", "to", "-"),
    ("what", "what", "-"),
    ("digest", "digest", "-"),
    ("state", "state", "-"),
    ("because", "explanation", "-"),
    ("takes", "wanted", "-"),
    ("agreed", "share", "-"),
    ("decisions", "said", "-"),
    ("asked by", "requested_by", "-"),
    ("asked", "requested_at", "-"),
    ("reason", "reason", "-"),
    ("runs", "run_at", "-"),
    ("ends", "expires_at", "-"),
];

/// What gates said.
pub(crate) const GATES: [Column; 6] = [
    ("GATE", "gate", "-"),
    ("REPOSITORY", "repository", "-"),
    ("MODE", "mode", "-"),
    ("SAYS", "outcome", "-"),
    ("WHY", "reason", "-"),
    ("FIX", "fix", "-"),
];

/// A promotion with what people read in one cell.
pub(crate) fn shown(mut promotion: Value) -> Value {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let what: Vec<String> = promotion["items"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|item| {
            let repository = text(&item["repository"]);
            item["reference"]
                .as_str()
                .map_or_else(|| format!("{repository}@{}", text(&item["digest"])), |tag| format!("{repository}:{tag}"))
        })
        .collect();
    let said = promotion["decisions"].as_array().into_iter().flatten().map(|said| {
        let word = if said["is_approval"] == true { "yes" } else { "no" };
        format!("{} {word}", text(&said["account"]))
    });
    let said: Vec<String> = said.collect();
    promotion["what"] =
        promotion["release"].as_str().map_or_else(|| what.join(","), |version| format!("release {version}")).into();
    promotion["share"] = format!("{}/{}", promotion["agreed"], promotion["passage"]["people"]).into();
    promotion["wanted"] = promotion["passage"]["wanted"].clone();
    promotion["said"] = said.join(", ").into();
    promotion
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_a_repository_with_a_tag_or_a_digest() {
        let read =
            |text: &str| text.parse::<Subject>().ok().map(|it| (it.repository.to_string(), it.reference.to_string()));
        let digest = format!("sha256:{}", "0".repeat(64));
        assert_eq!(read("pay/app:1.2"), Some(("pay/app".to_owned(), "1.2".to_owned())));
        assert_eq!(read(&format!("pay/app@{digest}")), Some(("pay/app".to_owned(), digest)));
        for bad in ["pay/app", "pay/app:", "pay/app@x", ":v1", "Pay/app:v1"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
