//! Whose word counts: tables, and a property over all distributions.

use proptest::prelude::*;

use super::*;
use crate::ports::Person;

fn person(key: &str, roles: &[&str], groups: &[&str]) -> Standing {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    Standing {
        person: Person { key: key.to_owned(), is_verified: true },
        accounts: vec![key.to_owned()],
        roles: texts(roles),
        groups: texts(groups),
    }
}

fn unverified(key: &str, roles: &[&str]) -> Standing {
    let standing = person(key, roles, &[]);
    Standing { person: Person { is_verified: false, ..standing.person }, ..standing }
}

fn passage(document: &str) -> Passage {
    serde_json::from_str(&format!(r#"{{"approvals":{document}}}"#)).expect("a passage")
}

fn parties() -> Parties {
    Parties { pushers: ["pusher".to_owned()].into(), requester: "requester".to_owned() }
}

#[test]
fn neither_pusher_nor_requester_approves_unless_the_slot_says_so() {
    let (strict, open) =
        (passage(r#"[{"role":"maintainer"}]"#), passage(r#"[{"role":"maintainer","distinct_from":[]}]"#));
    let judge =
        |passage: &Passage, key: &str| may_approve(passage, &parties(), &person(key, &["maintainer"], &[]), &[]);
    assert_eq!(judge(&strict, "pusher"), Err(Unfit::Pusher));
    assert_eq!(judge(&strict, "requester"), Err(Unfit::Requester));
    assert_eq!(judge(&strict, "other"), Ok(()));
    assert_eq!((judge(&open, "pusher"), judge(&open, "requester")), (Ok(()), Ok(())));
    let developer = may_approve(&strict, &parties(), &person("other", &["developer"], &[]), &[]);
    assert_eq!(developer, Err(Unfit::NoSlot { wanted: "1 × maintainer".to_owned() }));
}

#[test]
fn a_slot_for_a_group_takes_its_members_alone() {
    let both = passage(r#"[{"role":"maintainer","group":"release"}]"#);
    let judge =
        |roles: &[&str], groups: &[&str]| may_approve(&both, &parties(), &person("a", roles, groups), &[]).is_ok();
    assert!(judge(&["maintainer"], &["release"]));
    assert!(!judge(&["maintainer"], &[]) && !judge(&[], &["release"]));
}

#[test]
fn of_two_people_only_verified_ones_count() {
    let two = passage(r#"[{"role":"maintainer","count":2}]"#);
    let unverified = unverified("a", &["maintainer"]);
    assert_eq!(may_approve(&two, &parties(), &unverified, &[]), Err(Unfit::Unverified { people: 2 }));
    assert_eq!(missing(&two, &parties(), std::slice::from_ref(&unverified)), 2);
    let one = passage(r#"[{"role":"maintainer"}]"#);
    assert_eq!(may_approve(&one, &parties(), &unverified, &[]), Ok(()));
}

#[test]
fn two_accounts_of_one_person_are_one() {
    let two = passage(r#"[{"role":"maintainer","count":2}]"#);
    let (a, b) = (person("a", &["maintainer"], &[]), person("b", &["maintainer"], &[]));
    let other_account = Standing { accounts: vec!["a2".to_owned()], ..a.clone() };
    assert_eq!(missing(&two, &parties(), &[a.clone(), other_account]), 1);
    assert_eq!(missing(&two, &parties(), &[a, b]), 0);
}

#[test]
fn two_of_one_team_are_one_where_the_policy_says_so() {
    let slots = r#"[{"role":"maintainer","count":2,"distinct_from":["pusher","requester","team"]}]"#;
    let (apart, anyhow) = (passage(slots), passage(r#"[{"role":"maintainer","count":2}]"#));
    let of = |key: &str, groups: &[&str]| person(key, &["maintainer"], groups);
    let (a, b, c) = (of("a", &["pay"]), of("b", &["ops", "pay"]), of("c", &["ops"]));
    let refused = may_approve(&apart, &parties(), &b, std::slice::from_ref(&a));
    assert_eq!(refused, Err(Unfit::Team { group: "pay".to_owned() }));
    assert_eq!(missing(&apart, &parties(), &[a.clone(), b.clone()]), 1);
    assert_eq!(missing(&apart, &parties(), &[a.clone(), c]), 0);
    assert_eq!(missing(&anyhow, &parties(), &[a, b]), 0);
}

#[test]
fn people_are_moved_between_slots_so_that_most_are_filled() {
    let slots = passage(r#"[{"role":"maintainer"},{"group":"security"}]"#);
    let (both, maintainer) = (person("a", &["maintainer"], &["security"]), person("b", &["maintainer"], &[]));
    // The first one who came could fill either; the second leaves them the other one.
    assert_eq!(missing(&slots, &parties(), &[both.clone(), maintainer.clone()]), 0);
    assert_eq!(missing(&slots, &parties(), &[maintainer.clone(), both]), 0);
    assert_eq!(missing(&slots, &parties(), &[maintainer.clone(), person("c", &["maintainer"], &[])]), 1);
    assert_eq!(missing(&passage("[]"), &parties(), &[]), 0);
}

#[test]
fn who_executes_is_neither_requester_nor_approver_unless_the_policy_says_so() {
    let executor: Executor = serde_json::from_str(r#"{"role":"maintainer"}"#).expect("an executor");
    let judge = |executor: &Executor, key: &str, role: &str| {
        may_execute(executor, &parties(), &person(key, &[role], &[]), &[person("approver", &[], &[])])
    };
    assert_eq!(judge(&executor, "other", "maintainer"), Ok(()));
    assert_eq!(judge(&executor, "requester", "maintainer"), Err(NotExecutor::Requester));
    assert_eq!(judge(&executor, "approver", "maintainer"), Err(NotExecutor::Approver));
    assert_eq!(judge(&executor, "other", "guest"), Err(NotExecutor::NotIn("maintainer".to_owned())));
    let lenient = Executor { may_be_requester: true, may_be_approver: true, ..executor };
    assert_eq!(
        (judge(&lenient, "requester", "maintainer"), judge(&lenient, "approver", "maintainer")),
        (Ok(()), Ok(()))
    );
}

fn anybody() -> impl Strategy<Value = Standing> {
    let keys = prop::sample::select(vec!["pusher", "requester", "a", "b", "c", "d"]);
    let roles = prop::sample::subsequence(vec!["developer", "maintainer", "owner"], 0..=3);
    let groups = prop::sample::subsequence(vec!["pay", "ops", "security"], 0..=2);
    (keys, roles, groups, prop::bool::weighted(0.8)).prop_map(|(key, roles, groups, is_verified)| {
        let standing = person(key, &roles, &groups);
        Standing { person: Person { is_verified, ..standing.person }, ..standing }
    })
}

fn any_slot() -> impl Strategy<Value = Slot> {
    let role = prop::option::of(prop::sample::select(vec!["maintainer".to_owned(), "owner".to_owned()]));
    let distinct = prop::sample::subsequence(vec![Distinct::Pusher, Distinct::Requester, Distinct::Team], 0..=3);
    (role, 1_u32..3, distinct).prop_map(|(role, count, distinct)| {
        let group = role.is_none().then(|| "security".to_owned());
        Slot { role, group, count, distinct_from: distinct.into_iter().collect() }
    })
}

proptest! {
    /// Nothing is missing only where at least as many distinct, fit people agreed as the passage asks for.
    #[test]
    fn never_enough_with_fewer_people_than_asked_for(
        approvals in prop::collection::vec(any_slot(), 1..3),
        agreed in prop::collection::vec(anybody(), 0..6),
    ) {
        let passage = Passage { approvals, ..passage("[]") };
        if missing(&passage, &parties(), &agreed) == 0 {
            let people: BTreeSet<&str> = agreed.iter().map(|person| person.person.key.as_str()).collect();
            prop_assert!(people.len() >= passage.people() as usize);
            for slot in &passage.approvals {
                let fit: BTreeSet<&str> = agreed
                    .iter()
                    .filter(|person| fits(slot, &parties(), person).is_ok())
                    .filter(|person| passage.people() == 1 || person.person.is_verified)
                    .map(|person| person.person.key.as_str())
                    .collect();
                prop_assert!(fit.len() >= slot.count as usize);
            }
        }
    }

    /// One more agreement never makes more people missing.
    #[test]
    fn another_agreement_does_no_harm(
        approvals in prop::collection::vec(any_slot(), 1..3),
        agreed in prop::collection::vec(anybody(), 1..6),
    ) {
        let passage = Passage { approvals, ..passage("[]") };
        let fewer = missing(&passage, &parties(), &agreed[..agreed.len() - 1]);
        prop_assert!(missing(&passage, &parties(), &agreed) <= fewer);
    }
}
