//! The rules with hadolint's ids, as far as they look at the file alone.
//!
//! Ids and what they are about are hadolint's; words and code are ours. Where a rule here finds something else than hadolint does, the
//! reason stands in `docs/lint/differences.md`.

mod apk;
mod apt;
mod base;
mod command;
mod config;
mod copy;
mod label;
mod language;
mod rpm;
mod user;

pub(super) use base::split;
pub(super) use label::has_label;

use super::finding::Findings;
use super::rule::Rule;
use super::subject::Subject;

/// All of them, by their ids' order within a file.
pub(super) const RULES: &[&[&Rule]] = &[
    base::RULES,
    copy::RULES,
    config::RULES,
    user::RULES,
    label::RULES,
    command::RULES,
    apt::RULES,
    apk::RULES,
    rpm::RULES,
    language::RULES,
];

/// Looks for what they are about.
pub(super) fn check(subject: &Subject<'_>, findings: &mut Findings) {
    base::check(subject, findings);
    copy::check(subject, findings);
    config::check(subject, findings);
    user::check(subject, findings);
    label::check(subject, findings);
    command::check(subject, findings);
    apt::check(subject, findings);
    apk::check(subject, findings);
    rpm::check(subject, findings);
    language::check(subject, findings);
}
