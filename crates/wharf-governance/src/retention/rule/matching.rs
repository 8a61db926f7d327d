//! What each member of a rule says of a tag. Pure.

use wharf_context::Timestamp;
use wharf_oci::{Pattern, Tag};
use wharf_registry::keeping::Tagged;

use super::facts::{Facts, Stay};
use crate::environment::Ended;
use crate::retention::section::{Rule, RuleAction};
use crate::span::Span;

/// Whether a rule's patterns are about a tag.
pub(crate) fn is_about_tag(rule: &Rule, tag: &Tag) -> bool {
    rule.tags.is_empty() || any(&rule.tags, tag.as_str())
}

/// Whether a tag was pointed where it points when the rule says.
pub(super) fn has_age(rule: &Rule, since: Timestamp, now: Timestamp) -> bool {
    is_within(since, now, (rule.older_than, rule.younger_than))
}

/// Whether the project is as full as the rule says.
pub(super) fn is_full(rule: &Rule, fill_percent: Option<u32>) -> bool {
    rule.fill_above_percent.is_none_or(|limit| fill_percent.is_some_and(|percent| percent > limit))
}

/// Whether something was superseded when the rule says; what was not never is.
pub(super) fn is_superseded(rule: &Rule, at: Option<Timestamp>, now: Timestamp) -> bool {
    at.is_some_and(|at| is_within(at, now, (rule.superseded_for, rule.superseded_within)))
}

/// Whether what may change between a verdict and its execution is as a rule says: pulls, and environments.
pub(crate) fn still_matches(rule: &Rule, (tagged, facts): (&Tagged, &Facts), now: Timestamp) -> bool {
    was_pulled(rule, tagged.since, facts.pulled, now)
        && (rule.placed_in.is_empty() || stands(&rule.placed_in, &facts.stays))
        && (rule.never_placed_in.is_empty() || stays(&rule.never_placed_in, &facts.stays).next().is_none())
        && has_left(rule, facts, now)
        && was_replaced(rule, facts, now)
        && may_take(rule, facts)
}

fn was_pulled(rule: &Rule, since: Timestamp, pulled: Option<Timestamp>, now: Timestamp) -> bool {
    let is_recent = |span: Span| pulled.is_some_and(|at| at >= now.minus(span.duration()));
    let is_idle = |span: Span| pulled.map_or(since, |at| at.max(since)) < now.minus(span.duration());
    rule.pulled_within.is_none_or(is_recent) && rule.not_pulled_for.is_none_or(is_idle)
}

fn has_left(rule: &Rule, facts: &Facts, now: Timestamp) -> bool {
    rule.was_placed_in.is_empty()
        || last_end(&rule.was_placed_in, &facts.stays)
            .is_some_and(|(at, _)| is_within(at, now, (rule.left_for, rule.left_within)))
}

fn was_replaced(rule: &Rule, facts: &Facts, now: Timestamp) -> bool {
    rule.superseded_in.is_empty()
        || last_end(&rule.superseded_in, &facts.stays)
            .is_some_and(|(at, ended)| ended == Ended::Superseded && is_superseded(rule, Some(at), now))
}

/// What still lies in an environment goes only by a rule that names it among those that things left.
fn may_take(rule: &Rule, facts: &Facts) -> bool {
    rule.action == RuleAction::Protect
        || facts.left.iter().all(|name| rule.left_environments().any(|pattern| pattern.matches(name)))
}

/// When something left the last of these environments; `None` where it never did, or stands in one.
fn last_end(environments: &[Pattern], all: &[Stay]) -> Option<(Timestamp, Ended)> {
    if stands(environments, all) {
        return None;
    }
    stays(environments, all).filter_map(|stay| stay.ended).max_by_key(|(at, _)| *at)
}

fn stands(environments: &[Pattern], all: &[Stay]) -> bool {
    stays(environments, all).any(|stay| stay.ended.is_none())
}

fn stays<'s>(environments: &[Pattern], all: &'s [Stay]) -> impl Iterator<Item = &'s Stay> {
    all.iter().filter(|stay| any(environments, &stay.environment))
}

fn any(patterns: &[Pattern], text: &str) -> bool {
    patterns.iter().any(|pattern| pattern.matches(text))
}

/// Whether a moment lies longer ago than the one span, and not longer than the other.
fn is_within(at: Timestamp, now: Timestamp, (longer, not_longer): (Option<Span>, Option<Span>)) -> bool {
    let is_longer_ago = |span: Span| at < now.minus(span.duration());
    longer.is_none_or(is_longer_ago) && not_longer.is_none_or(|span| !is_longer_ago(span))
}
