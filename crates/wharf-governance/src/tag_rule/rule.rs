//! What a project's tag rules say about one tag that is about to point somewhere. Pure.

use std::fmt;

use wharf_context::Timestamp;
use wharf_oci::{Digest, RepositoryName, Tag};

use super::form::{Form, is_git_sha};
use super::{Immutable, Latest, Numbered, matches_any};
use crate::version::DateVersion;

const LATEST: &str = "latest";

/// A tag that is about to point somewhere.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pointing<'a> {
    pub(crate) repository: &'a RepositoryName,
    pub(crate) tag: &'a Tag,
    pub(crate) wanted: Digest,
    /// Where it points now.
    pub(crate) current: Option<Digest>,
    /// Where it points now, or pointed before it was deleted; known of immutable tags.
    pub(crate) last: Option<Digest>,
    /// The environments in which that stands or stood; known where the rule asks.
    pub(crate) placed: &'a [String],
}

/// What is known of a date version in the sequence that counts for the repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Known {
    /// Nobody was given it.
    Nothing,
    /// It waits for its image until then.
    Waiting { until: Timestamp },
    /// It will never be one, because of this.
    Void { reason: String },
    /// It stands on an image of another repository, which may share it.
    Shared,
    /// It is this image's.
    Taken { by: Digest },
}

/// Why a tag may not point where it was to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    repository: RepositoryName,
    tag: Tag,
    /// The rule's place in the policy, from 1.
    rule: usize,
    reason: Reason,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Reason {
    Form { accepted: Vec<String>, has_dates: bool },
    Latest { has_dates: bool },
    Immutable { last: Digest, environment: Option<String> },
    NotAllocated,
    Expired,
    Void { reason: String },
    Taken { by: Digest },
}

impl Numbered<'_> {
    /// The date version that a tag is, where the rule takes date versions: only what was allocated may be pushed then.
    pub(crate) fn version(&self, tag: &Tag) -> Option<DateVersion> {
        if self.has_dates() { tag.as_str().parse().ok() } else { None }
    }

    /// Whether a tag may point where it is to. `known` is what is known of the version that [`Self::version`] gave.
    pub(crate) fn judge(
        &self,
        pointing: &Pointing<'_>,
        known: Option<&Known>,
        now: Timestamp,
    ) -> Result<(), Box<Violation>> {
        let Pointing { repository, tag, wanted, current, .. } = *pointing;
        // What tools attach to a manifest is no rule's business.
        if tag.attached_to().is_some() || current == Some(wanted) {
            return Ok(());
        }
        let reason = self.form(tag).or_else(|| known.and_then(|known| version(known, wanted, now)));
        match reason.or_else(|| self.moved(pointing)) {
            None => Ok(()),
            Some(reason) => {
                let (repository, tag) = (repository.clone(), tag.clone());
                Err(Box::new(Violation { repository, tag, rule: self.number, reason }))
            }
        }
    }

    /// Why something does not go on with `tags`, although they may be pushed. `beside` are all tags that it has.
    pub(crate) fn keeps_back(&self, tags: &[Tag], beside: &[Tag]) -> Option<String> {
        let number = self.number;
        if self.rule.latest != Latest::Allow && tags.iter().any(|tag| tag.as_str() == LATEST) {
            return Some(format!("tag rule {number} keeps `{LATEST}` out of promotions"));
        }
        let dated = tags.iter().find(|tag| self.version(tag).is_some()).filter(|_| self.rule.git_sha_beside)?;
        let has_commit = beside.iter().any(|tag| is_git_sha(tag.as_str()));
        (!has_commit).then(|| format!("tag rule {number} wants a Git commit as a tag of the digest of `{dated}`, too"))
    }

    fn has_dates(&self) -> bool {
        self.rule.accept.contains(&Form::Date)
    }

    fn form(&self, tag: &Tag) -> Option<Reason> {
        let (accept, has_dates) = (&self.rule.accept, self.has_dates());
        if tag.as_str() == LATEST {
            return (self.rule.latest == Latest::Forbid).then_some(Reason::Latest { has_dates });
        }
        if accept.is_empty() || accept.iter().any(|form| form.accepts(tag)) {
            return None;
        }
        Some(Reason::Form { accepted: accept.iter().map(Form::describe).collect(), has_dates })
    }

    /// Whether a tag may be one that stays where it points. One that was deleted may come back, but not to something else.
    pub(crate) fn may_be_immutable(&self, tag: &Tag) -> bool {
        self.immutable(tag).next().is_some()
    }

    /// Whether that depends on the environments in which stands what it points to.
    pub(crate) fn asks_where(&self, tag: &Tag) -> bool {
        self.may_be_immutable(tag) && self.immutable(tag).all(|immutable| !immutable.placed_in.is_empty())
    }

    fn immutable(&self, tag: &Tag) -> impl Iterator<Item = &Immutable> {
        self.rule.immutable.iter().filter(move |immutable| immutable.covers(tag.as_str()))
    }

    fn moved(&self, pointing: &Pointing<'_>) -> Option<Reason> {
        let last = pointing.last.filter(|last| *last != pointing.wanted)?;
        let immutable = self.immutable(pointing.tag).find(|immutable| immutable.holds_in(pointing.placed))?;
        let mut named = pointing.placed.iter().filter(|name| matches_any(&immutable.placed_in, name));
        Some(Reason::Immutable { last, environment: named.next().cloned() })
    }
}

fn version(known: &Known, wanted: Digest, now: Timestamp) -> Option<Reason> {
    match known {
        Known::Nothing => Some(Reason::NotAllocated),
        Known::Waiting { until } => (now >= *until).then_some(Reason::Expired),
        Known::Void { reason } => Some(Reason::Void { reason: reason.clone() }),
        Known::Shared => None,
        Known::Taken { by } => (*by != wanted).then_some(Reason::Taken { by: *by }),
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { repository, tag, rule, reason } = self;
        // A name in development begins with its project.
        let project = repository.as_str().split('/').next().unwrap_or_default();
        let rule = format!("tag rule {rule} of project `{project}`");
        let next = format!("`wharf version next {repository}` gives one");
        let advice = |has_dates: bool| if has_dates { format!("; {next}") } else { String::new() };
        match reason {
            Reason::Form { accepted, has_dates } => {
                let accepted = accepted.join(", or ");
                write!(f, "tag `{tag}` is not for `{repository}`: {rule} takes {accepted}{}", advice(*has_dates))
            }
            Reason::Latest { has_dates } => {
                write!(
                    f,
                    "tag `{tag}` is not for `{repository}`: {rule} forbids it; push a version{}",
                    advice(*has_dates)
                )
            }
            Reason::Immutable { last, environment } => {
                let since = environment.as_ref().map(|name| format!(", which was placed in environment `{name}`"));
                let since = since.unwrap_or_default();
                write!(
                    f,
                    "tag `{tag}` of `{repository}` is that of `{last}`{since}: {rule} makes it immutable; push under a new tag"
                )
            }
            Reason::NotAllocated => {
                write!(f, "version `{tag}` was not allocated to `{repository}`, as {rule} demands; {next}")
            }
            Reason::Expired => write!(f, "version `{tag}` of `{repository}` is void: nobody used it in time; {next}"),
            Reason::Void { reason } => write!(f, "version `{tag}` of `{repository}` is void: {reason}; {next}"),
            Reason::Taken { by } => {
                write!(f, "version `{tag}` of `{repository}` is that of `{by}` and of nothing else; {next}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use wharf_oci::Algorithm;

    use super::*;
    use crate::tag_rule::TagRule;

    const NOW: Timestamp = Timestamp(1_000);

    fn digest(content: &str) -> Digest {
        Digest::of(Algorithm::Sha256, content.as_bytes())
    }

    /// What the rule says about pointing `tag` from `current` at the image `new`.
    fn say(rule: serde_json::Value, tag: &str, current: Option<&str>, known: Option<&Known>) -> Result<(), String> {
        point(rule, tag, (current, current), known)
    }

    fn point(
        rule: serde_json::Value,
        tag: &str,
        (current, last): (Option<&str>, Option<&str>),
        known: Option<&Known>,
    ) -> Result<(), String> {
        let rule: TagRule = serde_json::from_value(rule).expect("a rule");
        let (repository, tag): (RepositoryName, Tag) = ("pay/app".parse().expect("valid"), tag.parse().expect("valid"));
        let (current, last) = (current.map(digest), last.map(digest));
        let pointing =
            Pointing { repository: &repository, tag: &tag, wanted: digest("new"), current, last, placed: &[] };
        let numbered = Numbered { number: 2, rule: &rule };
        numbered.judge(&pointing, known, NOW).map_err(|violation| violation.to_string())
    }

    #[test]
    fn a_tag_of_no_accepted_form_is_told_which_are_and_how_to_get_one() {
        let rule = json!({ "accept": ["date", "git_sha"] });
        assert_eq!(say(rule.clone(), "9fceb02d0ae5", None, None), Ok(()));
        let sentence = say(rule, "v1", None, None).expect_err("refused");
        assert_eq!(
            sentence,
            "tag `v1` is not for `pay/app`: tag rule 2 of project `pay` takes a date version that the server allocated, as \
             `20261130_01`, or a Git commit, as `9fceb02d0ae5`; `wharf version next pay/app` gives one"
        );
        let sentence = say(json!({ "accept": ["semver"] }), "v1", None, None).expect_err("refused");
        assert!(sentence.ends_with("takes a semantic version, as `1.4.2`"), "{sentence}");
        assert_eq!(say(json!({}), "v1", None, None), Ok(()));
    }

    #[test]
    fn latest_is_allowed_or_forbidden_whatever_forms_are_accepted() {
        assert_eq!(say(json!({ "accept": ["date"] }), "latest", Some("old"), None), Ok(()));
        let sentence = say(json!({ "accept": ["date"], "latest": "forbid" }), "latest", None, None);
        assert!(sentence.expect_err("refused").contains("forbids it; push a version; `wharf version next pay/app`"));
        assert!(say(json!({ "latest": "forbid" }), "latest", None, None).is_err());
    }

    #[test]
    fn a_date_version_is_pushed_once_by_whom_it_was_allocated_to() {
        let rule = json!({ "accept": ["date"] });
        let say = |known: Known| say(rule.clone(), "20261130_01", None, Some(&known));
        let soon = Timestamp(NOW.0 + 1);
        assert_eq!(say(Known::Waiting { until: soon }), Ok(()));
        assert_eq!(say(Known::Shared), Ok(()));
        assert_eq!(say(Known::Taken { by: digest("new") }), Ok(()));
        let table = [
            (Known::Nothing, "was not allocated"),
            (Known::Waiting { until: NOW }, "nobody used it in time"),
            (Known::Void { reason: "the build failed".to_owned() }, "is void: the build failed"),
            (Known::Taken { by: digest("old") }, "and of nothing else"),
        ];
        for (known, wanted) in table {
            let sentence = say(known).expect_err(wanted);
            assert!(sentence.contains(wanted) && sentence.contains("wharf version next pay/app"), "{sentence}");
        }
    }

    #[test]
    fn only_a_rule_with_dates_asks_for_an_allocation() {
        let version = |rule: serde_json::Value, tag: &str| {
            let rule: TagRule = serde_json::from_value(rule).expect("a rule");
            Numbered { number: 1, rule: &rule }.version(&tag.parse().expect("valid")).is_some()
        };
        assert!(version(json!({ "accept": ["git_sha", "date"] }), "20261130_01"));
        assert!(!version(json!({ "accept": ["date"] }), "9fceb02d0ae5"));
        assert!(!version(json!({ "accept": [{ "pattern": "[0-9_]+" }] }), "20261130_01"));
        assert!(!version(json!({}), "20261130_01"));
    }

    #[test]
    fn what_may_be_pushed_may_have_to_stay_behind() {
        let kept = |rule: serde_json::Value, tags: &[&str], beside: &[&str]| {
            let rule: TagRule = serde_json::from_value(rule).expect("a rule");
            let parse = |tags: &[&str]| tags.iter().map(|tag| tag.parse().expect("a tag")).collect::<Vec<Tag>>();
            Numbered { number: 1, rule: &rule }.keeps_back(&parse(tags), &parse(beside)).is_some()
        };
        let not_promoted = json!({ "latest": "not_promoted" });
        assert_eq!(say(not_promoted.clone(), "latest", None, None), Ok(()));
        assert!(kept(not_promoted.clone(), &["v1", "latest"], &[]) && !kept(not_promoted, &["v1"], &["latest"]));
        assert!(!kept(json!({}), &["latest"], &[]));
        let both = json!({ "accept": ["date", "git_sha"], "git_sha_beside": true });
        assert!(kept(both.clone(), &["20261130_01"], &["20261130_01", "latest"]));
        assert!(!kept(both.clone(), &["20261130_01"], &["20261130_01", "9fceb02d0ae5"]));
        assert!(!kept(both, &["9fceb02d0ae5"], &[]));
        assert!(!kept(json!({ "accept": ["date"] }), &["20261130_01"], &[]));
    }

    #[test]
    fn an_immutable_tag_is_made_and_stays() {
        let rule = json!({ "immutable": [{ "tags": ["1.*", "rc-*"], "except": ["rc-test*"] }] });
        for (tag, current, is_fine) in [
            ("1.2", None, true),
            ("1.2", Some("new"), true),
            ("1.2", Some("old"), false),
            ("rc-1", Some("old"), false),
            ("rc-test1", Some("old"), true),
            ("2.0", Some("old"), true),
        ] {
            assert_eq!(say(rule.clone(), tag, current, None).is_ok(), is_fine, "{tag} from {current:?}");
        }
        assert_eq!(point(rule.clone(), "1.2", (None, Some("new")), None), Ok(()));
        assert!(point(rule.clone(), "1.2", (None, Some("old")), None).is_err());
        let sentence = say(rule, "1.2", Some("old"), None).expect_err("refused");
        assert!(sentence.contains(&digest("old").to_string()) && sentence.contains("immutable"), "{sentence}");
        assert!(say(json!({ "immutable": [{}] }), "anything", Some("old"), None).is_err());
    }

    #[test]
    fn what_tools_attach_is_no_tag_of_the_rules() {
        let hex = "0".repeat(64);
        let strict = json!({ "accept": ["date"], "latest": "forbid", "immutable": [{}] });
        for tag in [
            format!("sha256-{hex}"),
            format!("sha256-{hex}.sig"),
            format!("sha256-{hex}.att"),
            format!("sha256-{hex}.sbom"),
        ] {
            assert_eq!(say(strict.clone(), &tag, Some("old"), None), Ok(()), "{tag}");
        }
        assert!(say(strict, &format!("sha256-{hex}.exe"), None, None).is_err());
    }
}
