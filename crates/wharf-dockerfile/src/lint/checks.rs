//! The checks of BuildKit, under its names. What they need to know about bases is not asked of a registry: a check that does goes as far
//! as the file alone says.

mod argument;
mod casing;
mod config;
mod ignored;
mod stage;

use super::finding::Findings;
use super::rule::Rule;
use super::subject::Subject;

/// All of them.
pub(super) const RULES: &[&[&Rule]] = &[casing::RULES, stage::RULES, config::RULES, argument::RULES, ignored::RULES];

/// Looks for what they are about.
pub(super) fn check(subject: &Subject<'_>, findings: &mut Findings) {
    casing::check(subject, findings);
    stage::check(subject, findings);
    config::check(subject, findings);
    argument::check(subject, findings);
    ignored::check(subject, findings);
}
