//! Verdicts: a table of each matcher, and any rules on any tags against an evaluation that is written the long way.

use proptest::prelude::*;
use wharf_oci::Algorithm;

use super::*;

const DAY_MICROS: i64 = 24 * 3600 * 1_000_000;
const NOW: Timestamp = Timestamp(1_000 * DAY_MICROS);

fn tagged(tag: &str, days: i64) -> Tagged {
    Tagged {
        tag: tag.parse().expect("valid"),
        digest: Digest::of(Algorithm::Sha256, tag.as_bytes()),
        since: Timestamp(NOW.0 - days * DAY_MICROS),
        is_index: false,
    }
}

fn rules(text: &str) -> Retention {
    let retention: Retention = serde_json::from_str(&format!(r#"{{"rules":[{text}]}}"#)).expect("a section");
    retention.check().expect("valid");
    retention
}

/// The tags that go.
fn going(rules_text: &str, tags: &[Tagged], fill_percent: Option<u32>) -> Vec<String> {
    let retention = rules(rules_text);
    let judge = Judge::new(&retention, &"pay/app".parse().expect("valid"), tags, Moment { now: NOW, fill_percent });
    let gone = tags.iter().filter(|tagged| judge.judge(tagged, &[]).action == Action::Delete);
    gone.map(|tagged| tagged.tag.to_string()).collect()
}

#[test]
fn each_matcher_matches_what_it_says() {
    let tags =
        [tagged("v1.0.0", 400), tagged("v1.10.0", 30), tagged("v1.9.0", 20), tagged("main", 90), tagged("dev-1", 1)];
    #[rustfmt::skip]
    let table: [(&str, Option<u32>, &[&str]); 14] = [
        (r#"{"name":"a","action":"delete"}"#                                                    , None    , &["v1.0.0", "v1.10.0", "v1.9.0", "main", "dev-1"]),
        (r#"{"name":"a","action":"delete","tags":["dev-*","main"]}"#                            , None    , &["main", "dev-1"]),
        (r#"{"name":"a","action":"delete","repositories":["pay/*"],"tags":["main"]}"#           , None    , &["main"]),
        (r#"{"name":"a","action":"delete","repositories":["other/**"]}"#                        , None    , &[]),
        (r#"{"name":"a","action":"delete","older_than":"30d"}"#                               , None    , &["v1.0.0", "main"]),
        (r#"{"name":"a","action":"delete","younger_than":"30d"}"#                             , None    , &["v1.10.0", "v1.9.0", "dev-1"]),
        (r#"{"name":"a","action":"delete","beyond":2}"#                                         , None    , &["v1.0.0", "v1.10.0", "main"]),
        (r#"{"name":"a","action":"delete","beyond":1,"tags":["v*"]}"#                           , None    , &["v1.0.0", "v1.10.0"]),
        (r#"{"name":"a","action":"delete","beyond":1,"by":"semver"}"#                           , None    , &["v1.0.0", "v1.9.0"]),
        (r#"{"name":"a","action":"delete","newest":1}"#                                         , None    , &["dev-1"]),
        (r#"{"name":"a","action":"delete","fill_above_percent":80}"#                            , Some(80), &[]),
        (r#"{"name":"a","action":"delete","fill_above_percent":80,"tags":["main"]}"#            , Some(81), &["main"]),
        (r#"{"name":"a","action":"protect","tags":["v*"],"newest":2,"by":"semver"},{"name":"b","action":"delete","older_than":"10d"}"#, None, &["v1.0.0", "main"]),
        (r#"{"name":"a","action":"delete","fill_above_percent":0}"#                             , None    , &[]),
    ];
    for (text, fill, wanted) in table {
        assert_eq!(going(text, &tags, fill), wanted, "{text}");
    }
}

#[test]
fn what_must_stay_stays_and_says_why() {
    let retention = rules(r#"{"name":"all","action":"delete"}"#);
    let tag = tagged("v1", 9);
    let tags = [tag.clone()];
    let judge =
        Judge::new(&retention, &"pay/app".parse().expect("valid"), &tags, Moment { now: NOW, fill_percent: None });
    let running = Protection::Running { host: "node1".to_owned(), containers: 1 };
    let held = Protection::Held { hold: 7, reason: "court".to_owned() };
    assert_eq!(judge.judge(&tag, std::slice::from_ref(&running)).because, "it runs on `node1`");
    assert_eq!(judge.judge(&tag, &[running, held]).because, "hold 7 is on it: court (and 1 more reasons)");
    assert_eq!(judge.judge(&tag, &[]).rule.as_deref(), Some("all"));
}

#[test]
fn what_is_attached_goes_with_the_last_tag_of_its_image() {
    let digest = |text: &str| Digest::of(Algorithm::Sha256, text.as_bytes());
    let attached = |image: &str, suffix: &str| tagged(&format!("sha256-{}{suffix}", digest(image).hex()), 1);
    let (signature, attestation) = (attached("a", ".sig"), attached("b", ".att"));
    let of_attestation = tagged(&format!("sha256-{}.sig", attestation.digest.hex()), 1);
    let all =
        [&of_attestation, &signature, &attestation].map(|tagged| (tagged, tagged.tag.attached_to().expect("one")));
    let set = |texts: &[&str]| texts.iter().map(|text| digest(text)).collect::<HashSet<_>>();
    let follow = |staying: &[&str], going: &[&str], listed: &[&str]| {
        let following = follow(&all, set(staying), set(going), &set(listed));
        following.into_iter().map(|(action, _)| action == Action::Delete).collect::<Vec<_>>()
    };
    assert_eq!(follow(&["a"], &["b"], &[]), [true, false, true]);
    assert_eq!(follow(&["a"], &["a", "b"], &[]), [true, false, true]);
    assert_eq!(follow(&[], &["a", "b"], &["b"]), [false, true, false]);
    assert_eq!(follow(&[], &[], &[]), [false, false, false]);
    let turns = super::follow(&all, set(&[]), set(&["b"]), &set(&[]));
    assert!(turns[0].1 > turns[2].1, "what is attached to an attestation goes after it");
}

/// What becomes of the tag at `at`, rule by rule, counting tags one by one.
fn naive(retention: &Retention, tags: &[Tagged], at: usize, fill: Option<u32>) -> (Action, Option<String>) {
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
        let version = |tagged: &Tagged| {
            let text = tagged.tag.as_str().strip_prefix('v')?;
            let mut numbers = text.split('.').map(|part| part.parse::<u64>().ok());
            Some((numbers.next()??, numbers.next()??, numbers.next()??))
        };
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
        if rule.older_than.is_some_and(|span| seconds <= limit(span)) {
            continue;
        }
        if rule.younger_than.is_some_and(|span| seconds > limit(span)) {
            continue;
        }
        if let Some(limit) = rule.fill_above_percent
            && fill.is_none_or(|percent| percent <= limit)
        {
            continue;
        }
        let action = if rule.action == RuleAction::Delete { Action::Delete } else { Action::Keep };
        return (action, Some(rule.name.clone()));
    }
    (Action::Keep, None)
}

fn any_rule() -> impl Strategy<Value = Rule> {
    let patterns = prop::collection::vec(prop::sample::select(vec!["v*", "v1*", "main", "dev-*", "*"]), 0..3);
    let action = prop_oneof![Just(RuleAction::Protect), Just(RuleAction::Delete)];
    let rank = (0_u8..3, 0_u32..4, prop::bool::ANY);
    let days = || prop::option::weighted(0.3, (0_u32..6).prop_map(|days| format!("{days}d").parse().expect("a span")));
    (patterns, action, rank, days(), days(), prop::option::weighted(0.2, 0_u32..=100)).prop_map(
        |(patterns, action, (kind, count, by_version), older, younger, fill)| Rule {
            name: String::new(),
            action,
            repositories: Vec::new(),
            tags: patterns.iter().map(|pattern| pattern.parse().expect("a pattern")).collect(),
            newest: (kind == 1).then_some(count),
            beyond: (kind == 2).then_some(count),
            by: if kind > 0 && by_version { RankBy::Semver } else { RankBy::Push },
            older_than: older,
            younger_than: younger,
            fill_above_percent: fill,
        },
    )
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
        fill in prop::option::of(0_u32..=120),
    ) {
        for (number, rule) in rules.iter_mut().enumerate() {
            rule.name = format!("rule-{number}");
        }
        let retention = Retention { rules, ..Retention::default() };
        prop_assert!(retention.check().is_ok());
        let judge = Judge::new(&retention, &"pay/app".parse().expect("valid"), &tags, Moment { now: NOW, fill_percent: fill });
        for (at, tag) in tags.iter().enumerate() {
            let verdict = judge.judge(tag, &[]);
            prop_assert_eq!((verdict.action, verdict.rule), naive(&retention, &tags, at, fill), "{}", tag.tag);
        }
    }
}
