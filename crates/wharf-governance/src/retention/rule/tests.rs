//! Verdicts: a table of each matcher.

mod naive;

use std::collections::BTreeMap;

use wharf_oci::Algorithm;

use super::*;
use crate::environment::Ended;
use crate::span::Span;

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

fn judge<'a>(retention: &'a Retention, tags: &[Tagged], fill_percent: Option<u32>) -> Judge<'a> {
    let (app, forms) = ("pay/app".parse().expect("valid"), TagPolicy::default());
    Judge::new(retention, &app, (tags, &forms), Moment { now: NOW, fill_percent })
}

/// The tags that go.
fn going(rules_text: &str, tags: &[Tagged], fill_percent: Option<u32>) -> Vec<String> {
    let retention = rules(rules_text);
    let judge = judge(&retention, tags, fill_percent);
    let gone = tags.iter().filter(|tagged| judge.judge(tagged, &Facts::default()).action == Action::Delete);
    gone.map(|tagged| tagged.tag.to_string()).collect()
}

fn stay(environment: &str, ended: Option<(i64, Ended)>) -> Stay {
    let ended = ended.map(|(days, ended)| (Timestamp(NOW.0 - days * DAY_MICROS), ended));
    Stay { environment: environment.to_owned(), ended }
}

fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
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
    let judge = judge(&retention, &tags, None);
    let facts = |protections: &[Protection]| Facts { protections: protections.to_vec(), ..Facts::default() };
    let running = Protection::Running { host: "node1".to_owned(), containers: 1 };
    let held = Protection::Held { hold: 7, reason: "court".to_owned() };
    let because = |protections: &[Protection]| judge.judge(&tag, &facts(protections)).because;
    assert_eq!(because(std::slice::from_ref(&running)), "it runs on `node1`");
    assert_eq!(because(&[running, held]), "hold 7 is on it: court (and 1 more reasons)");
    assert_eq!(judge.judge(&tag, &facts(&[])).rule.as_deref(), Some("all"));
    let base = Protection::Base { of: tag.digest, because: "which runs on `node1`".to_owned() };
    assert_eq!(because(&[base]), format!("it is the base of `{}`, which runs on `node1`", tag.digest));
    let target = Protection::RollbackTarget { environment: "p".to_owned() };
    assert_eq!(because(&[target]), "a rollback of environment `p` brings it back");
}

#[test]
fn pulls_environments_and_labels_are_what_the_facts_say() {
    let tag = tagged("v1", 50);
    let pulled = |days: i64| Facts { pulled: Some(Timestamp(NOW.0 - days * DAY_MICROS)), ..Facts::default() };
    let stayed = |stays: &[Stay]| Facts { stays: stays.to_vec(), ..Facts::default() };
    let (left, back) = (Ended::Superseded, Ended::RolledBack);
    let labelled = |images: &[&[(&str, &str)]]| {
        let images = images.iter().map(|pairs| labels(pairs)).collect();
        Facts { labels: Labels::Of(images), ..Facts::default() }
    };
    #[rustfmt::skip]
    let table: Vec<(&str, Facts, bool)> = vec![
        (r#""pulled_within":"9d""#, Facts::default(), false),
        (r#""pulled_within":"9d""#, pulled(9), true),
        (r#""pulled_within":"9d""#, pulled(10), false),
        (r#""not_pulled_for":"9d""#, pulled(9), false),
        (r#""not_pulled_for":"9d""#, pulled(10), true),
        (r#""not_pulled_for":"49d""#, Facts::default(), true),
        (r#""not_pulled_for":"50d""#, Facts::default(), false),
        (r#""placed_in":["p"]"#, stayed(&[stay("p", None)]), true),
        (r#""placed_in":["t"]"#, stayed(&[stay("p", None)]), false),
        (r#""placed_in":["p"]"#, stayed(&[stay("p", Some((1, left)))]), false),
        (r#""never_placed_in":["*"]"#, stayed(&[]), true),
        (r#""never_placed_in":["p"]"#, stayed(&[stay("t", None)]), true),
        (r#""never_placed_in":["*"]"#, stayed(&[stay("p", Some((1, back)))]), false),
        (r#""was_placed_in":["*"]"#, stayed(&[]), false),
        (r#""was_placed_in":["p"]"#, stayed(&[stay("p", Some((1, back))), stay("t", None)]), true),
        (r#""was_placed_in":["*"]"#, stayed(&[stay("p", Some((1, back))), stay("t", None)]), false),
        (r#""was_placed_in":["*"],"left_for":"4d""#, stayed(&[stay("t", Some((9, left))), stay("p", Some((5, back)))]), true),
        (r#""was_placed_in":["*"],"left_for":"5d""#, stayed(&[stay("t", Some((9, left))), stay("p", Some((5, back)))]), false),
        (r#""was_placed_in":["*"],"left_within":"5d""#, stayed(&[stay("t", Some((9, left))), stay("p", Some((5, back)))]), true),
        (r#""superseded_in":["p"],"superseded_for":"4d""#, stayed(&[stay("p", Some((5, left)))]), true),
        (r#""superseded_in":["p"],"superseded_for":"4d""#, stayed(&[stay("p", Some((5, back)))]), false),
        (r#""superseded_in":["p"],"superseded_for":"4d""#, stayed(&[stay("p", Some((5, left))), stay("p", None)]), false),
        (r#""superseded_in":["p"],"superseded_within":"4d""#, stayed(&[stay("p", Some((5, left)))]), false),
        (r#""labels":{"team":"pay*"}"#, labelled(&[&[("team", "payments")]]), true),
        (r#""labels":{"team":"pay*"}"#, labelled(&[&[("team", "shop")]]), false),
        (r#""labels":{"team":"pay","x":"*"}"#, labelled(&[&[("team", "pay")], &[("x", "1")]]), false),
        (r#""labels":{"team":"pay","x":"*"}"#, labelled(&[&[], &[("team", "pay"), ("x", "1")]]), true),
    ];
    for (members, facts, goes) in table {
        let retention = rules(&format!(r#"{{"name":"a","action":"delete",{members}}}"#));
        let verdict = judge(&retention, std::slice::from_ref(&tag), None).judge(&tag, &facts);
        assert_eq!(verdict.action == Action::Delete, goes, "{members} {facts:?}");
    }
}

#[test]
fn what_lies_in_an_environment_goes_only_by_a_rule_that_names_it() {
    let tag = tagged("v1", 50);
    let facts =
        Facts { left: vec!["p".to_owned()], stays: vec![stay("p", Some((9, Ended::Superseded)))], ..Facts::default() };
    let table = [
        (r#""older_than":"1d""#, false),
        (r#""was_placed_in":["t"]"#, false),
        (r#""was_placed_in":["p"],"left_for":"1d""#, true),
        (r#""superseded_in":["*"],"superseded_for":"1d""#, true),
    ];
    for (members, goes) in table {
        let retention = rules(&format!(r#"{{"name":"a","action":"delete",{members}}}"#));
        let verdict = judge(&retention, std::slice::from_ref(&tag), None).judge(&tag, &facts);
        assert_eq!(verdict.action == Action::Delete, goes, "{members}: {}", verdict.because);
    }
}

#[test]
fn labels_that_nobody_can_read_let_nothing_go() {
    let tag = tagged("v1", 50);
    let retention =
        rules(r#"{"name":"theirs","action":"protect","labels":{"team":"shop"}},{"name":"rest","action":"delete"}"#);
    let verdict = judge(&retention, std::slice::from_ref(&tag), None).judge(&tag, &Facts::default());
    assert_eq!(verdict, Verdict::keep("rule `theirs` asks for labels that cannot be read".to_owned()));
}

#[test]
fn a_tag_is_superseded_by_what_is_newer_of_its_form() {
    let tags = [
        tagged("1.0.0", 90),
        tagged("1.1.0", 40),
        tagged("1.2.0-rc.1", 30),
        tagged("v1.1.0", 20),
        tagged("20260101_02", 35),
        tagged("20260102_01", 10),
        tagged("3.20", 25),
        tagged("3.19", 5),
        tagged("0123456789ab", 8),
        tagged("main", 60),
    ];
    let superseded = |days: &str| {
        let rule = format!(r#"{{"name":"a","action":"delete","superseded_for":"{days}"}}"#);
        going(&rule, &tags, None)
    };
    assert_eq!(superseded("0d"), ["1.0.0", "1.1.0", "v1.1.0", "20260101_02", "3.20"]);
    assert_eq!(superseded("25d"), ["1.0.0", "1.1.0"], "1.1.0 came 40 days ago, 1.2.0-rc.1 30 days ago");
    assert_eq!(superseded("35d"), ["1.0.0"]);
    let own = r#"{"name":"a","action":"delete","tags":["1.0*","v1*"],"superseded_for":"15d"}"#;
    assert_eq!(going(own, &tags, None), ["1.0.0"], "only by what the rule is about");
    let (app, text) = ("pay/app".parse().expect("valid"), r#"{"rules":[{"accept":[{"pattern":"build-[0-9]+"}]}]}"#);
    let (forms, builds) =
        (serde_json::from_str(text).expect("a section"), [tagged("build-2", 2), tagged("build-1", 1)]);
    let retention = rules(r#"{"name":"a","action":"delete","superseded_for":"0d"}"#);
    let judge = Judge::new(&retention, &app, (&builds, &forms), Moment { now: NOW, fill_percent: None });
    let verdict = |at: usize| judge.judge(&builds[at], &Facts::default()).action;
    assert_eq!((verdict(0), verdict(1)), (Action::Delete, Action::Keep), "own patterns are newer by when they came");
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
