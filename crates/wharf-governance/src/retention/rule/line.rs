//! Lines: tags of one form in a repository, of which a newer one supersedes those before it. Pure.
//!
//! Forms with an order of their own (date versions, semantic versions) are newer by that, others by when they were pushed.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};

use wharf_context::Timestamp;
use wharf_oci::Tag;
use wharf_registry::keeping::Tagged;

use super::matching::is_about_tag;
use crate::retention::section::Rule;
use crate::retention::semver::Semver;
use crate::tag_rule::Form;
use crate::version::DateVersion;

/// The forms that are told apart where the project's tag rules name none.
static FORMS: [Form; 4] = [Form::Date, Form::Semver, Form::GitSha, Form::SoftwareVersion];

/// Whether a rule asks which tags others have superseded.
pub(super) fn asks(rule: &Rule) -> bool {
    rule.is_about_superseding() && rule.superseded_in.is_empty()
}

/// When each tag that a rule's patterns are about was superseded by a newer one of them: when the first of those was
/// pushed, or, where that was before, when the tag itself was.
pub(super) fn superseded(rule: &Rule, tags: &[Tagged], forms: &[Form]) -> HashMap<Tag, Timestamp> {
    let forms = if forms.is_empty() { &FORMS } else { forms };
    let mut lines: BTreeMap<usize, Vec<&Tagged>> = BTreeMap::new();
    let meant = tags.iter().filter(|tagged| tagged.tag.attached_to().is_none() && is_about_tag(rule, &tagged.tag));
    for tagged in meant {
        if let Some(form) = forms.iter().position(|form| form.accepts(&tagged.tag)) {
            lines.entry(form).or_default().push(tagged);
        }
    }
    lines.into_iter().flat_map(|(form, line)| in_line(&forms[form], line)).collect()
}

fn in_line(form: &Form, mut line: Vec<&Tagged>) -> Vec<(Tag, Timestamp)> {
    line.sort_by(|one, other| newer_first(form, one, other));
    let mut superseded = Vec::new();
    // The first push of all that is newer than the tags that come next; equals do not supersede each other.
    let (mut newer, mut equals): (Option<Timestamp>, Option<Timestamp>) = (None, None);
    let mut before: Option<&Tagged> = None;
    for tagged in line {
        if before.is_some_and(|before| newer_first(form, before, tagged) != Ordering::Equal) {
            newer = earliest(newer, equals.take());
        }
        if let Some(at) = newer {
            superseded.push((tagged.tag.clone(), at.max(tagged.since)));
        }
        equals = earliest(equals, Some(tagged.since));
        before = Some(tagged);
    }
    superseded
}

fn earliest(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    one.into_iter().chain(other).min()
}

fn newer_first(form: &Form, one: &Tagged, other: &Tagged) -> Ordering {
    let (text, other_text) = (one.tag.as_str(), other.tag.as_str());
    match form {
        Form::Date => other_text.parse::<DateVersion>().ok().cmp(&text.parse::<DateVersion>().ok()),
        // What tags say after a `_` is build metadata, which has no rank.
        Form::Semver => version(other_text).cmp(&version(text)),
        Form::GitSha | Form::SoftwareVersion | Form::Pattern(_) => other.since.cmp(&one.since),
    }
}

fn version(text: &str) -> Option<Semver<'_>> {
    Semver::parse(text.split_once('_').map_or(text, |(version, _)| version))
}
