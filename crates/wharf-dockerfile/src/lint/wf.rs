//! Our own rules: what makes an image slow to build, hard to run or hard to trace, and what other linters do not look at.
//!
//! What many files lack without being wrong is a matter of style, which fails nobody's build; a policy makes more of it.

mod base;
mod data;
mod layers;
mod order;
mod start;
mod user;

use super::finding::Findings;
use super::rule::Rule;
use super::subject::Subject;

/// All of them.
pub(super) const RULES: &[&[&Rule]] =
    &[order::RULES, start::RULES, data::RULES, user::RULES, layers::RULES, base::RULES];

/// Looks for what they are about.
pub(super) fn check(subject: &Subject<'_>, findings: &mut Findings) {
    order::check(subject, findings);
    start::check(subject, findings);
    data::check(subject, findings);
    user::check(subject, findings);
    layers::check(subject, findings);
    base::check(subject, findings);
}
