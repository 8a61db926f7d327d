//! Any rules on any tags, against an evaluation that is written the long way.

use proptest::prelude::*;

use super::*;

/// Whether what a rule says of environments and pulls holds, said the long way.
fn naive_facts(rule: &Rule, tag: &Tagged, facts: &Facts) -> bool {
    let seconds = |span: Span| i64::try_from(span.duration().as_secs()).expect("small");
    let ago = |at: Timestamp| (NOW.0 - at.0) / 1_000_000;
    let named = |patterns: &[wharf_oci::Pattern], stay: &&Stay| {
        patterns.iter().any(|pattern| pattern.as_str() == "*" || pattern.as_str() == stay.environment)
    };
    let stands = |patterns: &[wharf_oci::Pattern]| {
        facts.stays.iter().filter(|stay| named(patterns, stay)).any(|stay| stay.ended.is_none())
    };
    let mut holds = true;
    if let Some(span) = rule.pulled_within {
        holds &= facts.pulled.is_some_and(|at| ago(at) <= seconds(span));
    }
    if let Some(span) = rule.not_pulled_for {
        let idle = facts.pulled.map_or(ago(tag.since), |at| ago(at).min(ago(tag.since)));
        holds &= idle > seconds(span);
    }
    if !rule.placed_in.is_empty() {
        holds &= stands(&rule.placed_in);
    }
    if !rule.never_placed_in.is_empty() {
        holds &= !facts.stays.iter().any(|stay| named(&rule.never_placed_in, &stay));
    }
    for (patterns, longer, within, only_superseded) in [
        (&rule.was_placed_in, rule.left_for, rule.left_within, false),
        (&rule.superseded_in, rule.superseded_for, rule.superseded_within, true),
    ] {
        if patterns.is_empty() {
            continue;
        }
        let mut last: Option<(Timestamp, Ended)> = None;
        for (at, how) in facts.stays.iter().filter(|stay| named(patterns, stay)).filter_map(|stay| stay.ended) {
            if last.is_none_or(|(before, _)| at >= before) {
                last = Some((at, how));
            }
        }
        let Some((at, how)) = last.filter(|_| !stands(patterns)) else { return false };
        holds &= longer.is_none_or(|span| ago(at) > seconds(span));
        holds &= within.is_none_or(|span| ago(at) <= seconds(span));
        holds &= !only_superseded || how == Ended::Superseded;
    }
    let is_named = |name: &String| {
        rule.was_placed_in.iter().chain(&rule.superseded_in).any(|pattern| ["*", name].contains(&pattern.as_str()))
    };
    holds && (rule.action == RuleAction::Protect || facts.left.iter().all(is_named))
}

/// Of the tags here, versions alone have a form.
fn version(tagged: &Tagged) -> Option<(u64, u64, u64)> {
    let mut numbers = tagged.tag.as_str().strip_prefix('v')?.split('.').map(|part| part.parse::<u64>().ok());
    Some((numbers.next()??, numbers.next()??, numbers.next()??))
}

fn was_superseded<'t>(rule: &Rule, tag: &Tagged, newer: impl Iterator<Item = &'t Tagged>) -> bool {
    let Some(first) = newer.map(|other| other.since.max(tag.since)).min() else { return false };
    let ago = (NOW.0 - first.0) / 1_000_000;
    let limit = |span: Span| i64::try_from(span.duration().as_secs()).expect("small");
    rule.superseded_for.is_none_or(|span| ago > limit(span))
        && rule.superseded_within.is_none_or(|span| ago <= limit(span))
}

/// What becomes of the tag at `at`, rule by rule, counting tags one by one.
fn naive(
    retention: &Retention,
    (tags, facts): (&[Tagged], &[Facts]),
    at: usize,
    fill: Option<u32>,
) -> (Action, Option<String>) {
    for rule in &retention.rules {
        let glob = |tag: &str| {
            rule.tags.is_empty()
                || rule.tags.iter().any(|pattern| match pattern.as_str().strip_suffix('*') {
                    Some(prefix) => tag.starts_with(prefix),
                    None => tag == pattern.as_str(),
                })
        };
        let tag = &tags[at];
        if !glob(tag.tag.as_str()) {
            continue;
        }
        let mut rank = 1;
        for other in tags.iter().filter(|other| glob(other.tag.as_str())) {
            let is_before = match rule.by {
                RankBy::Push => (other.since.0, other.tag.as_str()) > (tag.since.0, tag.tag.as_str()),
                RankBy::Semver => {
                    version(other).is_some() && (version(other), other.tag.as_str()) > (version(tag), tag.tag.as_str())
                }
            };
            rank += u32::from(is_before);
        }
        let has_rank = rule.by == RankBy::Push || version(tag).is_some();
        let counts = rule.newest.is_some() || rule.beyond.is_some();
        if counts && !has_rank {
            continue;
        }
        if rule.newest.is_some_and(|count| rank > count) || rule.beyond.is_some_and(|count| rank <= count) {
            continue;
        }
        let seconds = (NOW.0 - tag.since.0) / 1_000_000;
        let limit = |span: Span| i64::try_from(span.duration().as_secs()).expect("small");
        let is_too_young = rule.older_than.is_some_and(|span| seconds <= limit(span));
        if is_too_young || rule.younger_than.is_some_and(|span| seconds > limit(span)) {
            continue;
        }
        if let Some(limit) = rule.fill_above_percent
            && fill.is_none_or(|percent| percent <= limit)
        {
            continue;
        }
        if rule.is_about_superseding() && rule.superseded_in.is_empty() {
            let newer = tags.iter().filter(|other| glob(other.tag.as_str()) && version(other) > version(tag));
            if version(tag).is_none() || !was_superseded(rule, tag, newer) {
                continue;
            }
        }
        if !naive_facts(rule, tag, &facts[at]) {
            continue;
        }
        match &facts[at].labels {
            _ if rule.labels.is_empty() => {}
            Labels::Unknown => return (Action::Keep, None),
            Labels::Of(images) if images.iter().any(|labels| labels.contains_key("team")) => {}
            Labels::Of(_) => continue,
        }
        let action = if rule.action == RuleAction::Delete { Action::Delete } else { Action::Keep };
        return (action, Some(rule.name.clone()));
    }
    (Action::Keep, None)
}

fn days() -> impl Strategy<Value = Option<Span>> {
    prop::option::weighted(0.3, (0_u32..6).prop_map(|days| format!("{days}d").parse().expect("a span")))
}

fn any_environments() -> impl Strategy<Value = Vec<wharf_oci::Pattern>> {
    let patterns = prop::sample::select(vec!["t", "p", "*"]).prop_map(|text| text.parse().expect("a pattern"));
    prop_oneof![4 => Just(Vec::new()), 1 => prop::collection::vec(patterns, 1..3)]
}

/// What a rule says of tags alone.
fn plain_rule() -> impl Strategy<Value = Rule> {
    let patterns = prop::collection::vec(prop::sample::select(vec!["v*", "v1*", "main", "dev-*", "*"]), 0..3);
    let action = prop::sample::select(vec!["protect", "delete"]);
    let rank = (0_u8..3, 0_u32..4, prop::bool::ANY);
    (patterns, action, rank, days(), days(), prop::option::weighted(0.2, 0_u32..=100)).prop_map(
        |(patterns, action, (kind, count, by_version), older, younger, fill)| {
            let text = format!(r#"{{"name":"a","action":"{action}"}}"#);
            Rule {
                tags: patterns.iter().map(|pattern| pattern.parse().expect("a pattern")).collect(),
                newest: (kind == 1).then_some(count),
                beyond: (kind == 2).then_some(count),
                by: if kind > 0 && by_version { RankBy::Semver } else { RankBy::Push },
                older_than: older,
                younger_than: younger,
                fill_above_percent: fill,
                ..serde_json::from_str(&text).expect("a rule")
            }
        },
    )
}

/// The same, and what it says of pulls, labels and environments.
fn any_rule() -> impl Strategy<Value = Rule> {
    let environments = (any_environments(), any_environments(), any_environments(), any_environments());
    let one_of = |(span, first): (Option<Span>, bool)| if first { (span, None) } else { (None, span) };
    let times = [0; 3].map(|_| (days(), prop::bool::ANY).prop_map(one_of));
    (plain_rule(), environments, times, prop::bool::weighted(0.1)).prop_map(
        |(
            rule,
            (placed_in, never_placed_in, was_placed_in, superseded_in),
            [pulled, left, superseded],
            is_labelled,
        )| Rule {
            labels: if is_labelled { labels(&[("team", "*")]) } else { BTreeMap::new() },
            pulled_within: pulled.0,
            not_pulled_for: pulled.1,
            placed_in,
            never_placed_in,
            left_for: left.0.filter(|_| !was_placed_in.is_empty()),
            left_within: left.1.filter(|_| !was_placed_in.is_empty()),
            was_placed_in,
            superseded_in: if superseded == (None, None) { Vec::new() } else { superseded_in },
            superseded_for: superseded.0,
            superseded_within: superseded.1,
            ..rule
        },
    )
}

fn any_facts() -> impl Strategy<Value = Facts> {
    let ended = (0_i64..8, prop::sample::select(vec![Ended::Superseded, Ended::RolledBack]));
    let one = (prop::sample::select(vec!["t", "p"]), prop::option::weighted(0.7, ended));
    // No two ends at one moment: which one was the last is decided by time.
    let stays = prop::collection::btree_map(0_i64..40, one, 0..4).prop_map(|stays| {
        let stays = stays.into_iter().map(|(minute, (environment, ended))| {
            let mut stay = stay(environment, ended);
            stay.ended = stay.ended.map(|(at, how)| (Timestamp(at.0 - minute * 60_000_000), how));
            stay
        });
        stays.collect::<Vec<_>>()
    });
    let labels = prop::option::of(prop::sample::select(vec!["team", "other"]));
    let left = prop::sample::subsequence(vec!["t".to_owned(), "p".to_owned()], 0..=2);
    let is_left = prop::bool::weighted(0.2);
    (prop::option::of(0_i64..7), stays, labels, (left, is_left)).prop_map(|(pulled, stays, label, (left, is_left))| {
        Facts {
            pulled: pulled.map(|days| Timestamp(NOW.0 - days * DAY_MICROS)),
            left: if is_left { left } else { Vec::new() },
            stays,
            labels: label.map_or(Labels::Unknown, |name| Labels::Of(vec![labels_of(name)])),
            ..Facts::default()
        }
    })
}

fn labels_of(name: &str) -> BTreeMap<String, String> {
    labels(&[(name, "x")])
}

fn any_tags() -> impl Strategy<Value = Vec<Tagged>> {
    let name = prop_oneof![
        (0_u64..3, 0_u64..12, 0_u64..3).prop_map(|(major, minor, patch)| format!("v{major}.{minor}.{patch}")),
        (0_u8..9).prop_map(|number| format!("dev-{number}")),
        Just("main".to_owned()),
    ];
    prop::collection::btree_map(name, 0_i64..7, 0..14)
        .prop_map(|tags| tags.into_iter().map(|(name, days)| tagged(&name, days)).collect())
}

proptest! {
    #[test]
    fn verdicts_are_those_of_the_long_way(
        mut rules in prop::collection::vec(any_rule(), 0..5),
        tags in any_tags(),
        facts in prop::collection::vec(any_facts(), 14),
        fill in prop::option::of(0_u32..=120),
    ) {
        for (number, rule) in rules.iter_mut().enumerate() {
            rule.name = format!("rule-{number}");
        }
        let retention = Retention { rules, ..Retention::default() };
        prop_assert_eq!(retention.check(), Ok(()));
        let judge = judge(&retention, &tags, fill);
        for (at, tag) in tags.iter().enumerate() {
            let verdict = judge.judge(tag, &facts[at]);
            prop_assert_eq!((verdict.action, verdict.rule), naive(&retention, (&tags, &facts), at, fill), "{}", tag.tag);
        }
    }
}
