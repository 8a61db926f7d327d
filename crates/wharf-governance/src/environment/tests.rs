//! The ladder and its ways.

use wharf_oci::{EnvironmentName, Environments};

use super::*;

fn name(text: &str) -> EnvironmentName {
    text.parse().expect("valid")
}

fn rules(document: &str) -> EnvironmentRules {
    serde_json::from_str(document).expect("rules")
}

#[test]
fn without_a_policy_the_ladder_is_the_servers_and_production_takes_two() {
    let ladder = EnvironmentRules::default().on(&Environments::default()).expect("a ladder");
    assert_eq!(ladder.to_string(), "d → t → s1 → s2 → p");
    let sealed: Vec<bool> = ladder.rungs().iter().map(|rung| rung.sealed).collect();
    assert_eq!(sealed, [false, false, false, true, true]);
    for (to, from, people) in [("t", "d", 1), ("s1", "t", 1), ("s2", "s1", 1), ("p", "s2", 2)] {
        let way = ladder.way(PromotionKind::Promotion, &name(to), None).expect("a way");
        assert_eq!((way.from.as_str(), way.passage.people()), (from, people), "{to}");
    }
    let back = ladder.way(PromotionKind::Rollback, &name("p"), None).expect("a way");
    assert_eq!((back.from.as_str(), back.passage.people()), ("p", 1));
}

#[test]
fn there_is_no_way_beside_the_ladder() {
    let ladder = rules(r#"{"ladder":[{"name":"d"},{"name":"t"},{"name":"p","emergency_from":["d","t"]}]}"#);
    let ladder = ladder.on(&Environments::default()).expect("a ladder");
    let way = |kind, to: &str, from: Option<&str>| ladder.way(kind, &name(to), from.map(name).as_ref());
    assert!(matches!(way(PromotionKind::Promotion, "s1", None), Err(NoWay::Unknown(..))));
    assert!(matches!(way(PromotionKind::Promotion, "d", None), Err(NoWay::Development(_))));
    assert_eq!(way(PromotionKind::Promotion, "p", None).map(|way| way.from), Ok(name("t")));
    assert_eq!(way(PromotionKind::Emergency, "p", Some("d")).map(|way| way.from), Ok(name("d")));
    assert!(matches!(way(PromotionKind::Emergency, "t", Some("p")), Err(NoWay::NotFrom { .. })));
}

#[test]
fn what_makes_no_sense_is_told_with_its_place() {
    #[rustfmt::skip]
    let table = [
        (r#"{"ladder":[{"name":"d"},{"name":"t"},{"name":"t"}]}"#                                                   , "stands twice"),
        (r#"{"ladder":[{"name":"d","sealed":true}]}"#                                                               , "it is development"),
        (r#"{"ladder":[{"name":"d"},{"name":"t","emergency_from":["p"]}]}"#                                         , "does not stand before"),
        (r#"{"ladder":[{"name":"d"},{"name":"t","promotion":{"approvals":[{"role":"owner","count":0}]}}]}"#         , "`count` is 0"),
        (r#"{"ladder":[{"name":"d"},{"name":"t","rollback":{"approvals":[{"count":1}]}}]}"#                         , "names a `role`"),
        (r#"{"ladder":[{"name":"d"},{"name":"t","emergency":{"executor":{}}}]}"#                                    , "`executor` names"),
        (r#"{"ladder":[{"name":"d"},{"name":"t","promotion":{"gates":[{"name":"size"},{"name":"size"}]}}]}"#        , "stands twice"),
    ];
    for (document, wanted) in table {
        let wrong = rules(document).check().expect_err("wrong");
        assert!(wrong.contains(wanted) && wrong.contains("environments.ladder["), "{wrong}");
    }
    for (document, wanted) in [
        (r#"{"ladder":[{"name":"d"},{"name":"x"}]}"#, "no environment `x`"),
        (r#"{"ladder":[{"name":"t"},{"name":"p"}]}"#, "begins with `d`"),
    ] {
        assert!(rules(document).on(&Environments::default()).expect_err("wrong").contains(wanted), "{document}");
    }
}

#[test]
fn a_policy_is_written_as_it_was_read() {
    let document = r#"{"ladder":[{"name":"d","sealed":false},{"name":"p","sealed":true,"promotion":{"approvals":[{"role":"owner","count":2,"distinct_from":["pusher","team"]}],"gates":[{"name":"soak","mode":"warn","at_least":"1d"}],"window":{"days":["monday"],"from":"22:00:00","until":"02:00:00","time_zone":"UTC"},"expires_after":"3d"}}],"editor_waits":"1d","open_review_closes_emergency":true}"#;
    assert_eq!(serde_json::to_string(&rules(document)).ok().as_deref(), Some(document));
    let nobody = rules(r#"{"ladder":[{"name":"d"},{"name":"t","promotion":{"approvals":[]}}]}"#);
    let written = serde_json::to_string(&nobody).expect("JSON");
    assert_eq!(rules(&written), nobody, "nobody has to agree, and not whoever does by default");
}
