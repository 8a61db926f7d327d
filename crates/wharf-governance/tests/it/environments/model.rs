//! A model of everybody doing anything in any order: whatever they do, nothing stands anywhere that fewer people let in
//! than the policy asks for, or that did not stand where its way began.

use std::collections::BTreeSet;

use wharf_context::Context;
use wharf_governance::promotion::{NewDecision, NewEmergency, PromotionFilter, State};
use wharf_governance::{PageRequest, Policy, Promotion, PromotionKind};

use super::fixture::{Fixture, robot, user, wanted, warrant};

/// Accounts, and the persons behind them; two accounts of one person among them.
const ACTORS: [(&str, &str); 10] = [
    ("pusher", "pusher"),
    ("asker", "asker"),
    ("ada", "ada"),
    ("ada2", "ada"),
    ("bob", "bob"),
    ("bob-team", "bob-team"),
    ("unlinked", "unlinked"),
    ("admin", "admin"),
    ("editor", "editor"),
    ("pay+ci", "robot"),
];
const LADDER: [&str; 3] = ["d", "t", "p"];
/// Two people of different teams into production.
const POLICY: &str = r#"{"environments":{"ladder":[{"name":"d"},
    {"name":"t","promotion":{"approvals":[{"role":"maintainer"}]}},
    {"name":"p","sealed":true,
     "promotion":{"approvals":[{"role":"maintainer","count":2,"distinct_from":["pusher","requester","team"]}]},
     "rollback":{"approvals":[{"role":"maintainer"}]},
     "emergency":{"approvals":[{"role":"maintainer","count":2}]},"emergency_from":["d"]}]}}"#;

async fn cast() -> Fixture {
    let fixture = Fixture::open().await;
    // Everybody has the role, so that only who they are and what they did can keep them out.
    for (account, person) in ACTORS {
        let groups: &[&str] = if person.starts_with("bob") { &["ops"] } else { &[] };
        let roles: &[&str] = if person == "admin" { &[] } else { &["developer", "maintainer"] };
        fixture.cast.add((account, person), account != "unlinked", (roles, groups));
    }
    fixture.policy(POLICY).await;
    fixture
}

fn context(account: &str) -> Context {
    if account == "pay+ci" { robot() } else { user(account) }
}

fn person(account: &str) -> &str {
    ACTORS.iter().find(|(name, _)| *name == account).map_or(account, |(_, person)| person)
}

#[tokio::test]
async fn no_pair_of_accounts_lets_anything_into_production_but_two_fit_people_of_two_teams() {
    let fixture = cast().await;
    fixture.wait(25);
    fixture.push("pay/app", "v1", "one").await;
    fixture.promote(("pay/app", "v1"), "t", &["ada"]).await;
    for requester in ["asker", "pay+ci", "bob"] {
        let pairs = ACTORS.iter().flat_map(|(first, _)| ACTORS.iter().map(move |(second, _)| [*first, *second]));
        for pair in pairs {
            let new = wanted(("pay/app", "v1"), "p");
            let asked = fixture.governance.request_promotion(&context(requester), &warrant(), &new).await;
            lets_nothing_through(&fixture, requester, &asked.expect("asked for"), pair).await;
        }
    }
    fixture.promote(("pay/app", "v1"), "p", &["ada", "bob"]).await;
}

/// Both say yes, and it still waits; then it is ended.
async fn lets_nothing_through(fixture: &Fixture, requester: &str, asked: &Promotion, pair: [&str; 2]) {
    let decision = NewDecision { digest: asked.digest, comment: "no".to_owned(), expected: None };
    for account in pair {
        // The pair that lets it through is looked at by hand: here nobody executes for them.
        let before = fixture.get(asked).await;
        if before.agreed() == 1 && is_fit_pair(&before, account, requester) {
            continue;
        }
        let said = fixture.governance.approve_promotion(&context(account), &warrant(), &asked.id, &decision).await;
        assert_eq!(fixture.get(asked).await.state, State::Awaiting, "{requester}: {pair:?}: {said:?}");
    }
    fixture.governance.reject_promotion(&user("eve"), &warrant(), &asked.id, &decision).await.expect("ended");
}

/// Whether `account` beside the one who has agreed would be two fit people: the rule of the policy, told anew.
fn is_fit_pair(promotion: &Promotion, account: &str, requester: &str) -> bool {
    let first = person(&promotion.decisions[0].account);
    let second = person(account);
    let is_fit = |who: &str| !["pusher", "unlinked", "admin", "robot"].contains(&who) && who != person(requester);
    let is_one_team = first.starts_with("bob") && second.starts_with("bob");
    let is_editor = |who: &str| who == "editor";
    first != second && is_fit(first) && is_fit(second) && !is_one_team && !(is_editor(first) && is_editor(second))
}

#[tokio::test]
async fn whatever_anybody_does_in_any_order_nothing_stands_where_too_few_let_it() {
    for seed in 1..=3 {
        let fixture = cast().await;
        let mut dice = Dice(seed);
        for tag in ["v1", "v2", "v3"] {
            fixture.push("pay/app", tag, tag).await;
        }
        for _ in 0..200 {
            act(&fixture, &mut dice).await;
        }
        check(&fixture).await;
    }
}

/// Somebody does something.
async fn act(fixture: &Fixture, dice: &mut Dice) {
    let (account, _) = ACTORS[dice.roll(ACTORS.len())];
    let (ctx, tag) = (context(account), ["v1", "v2", "v3"][dice.roll(3)]);
    let governance = &fixture.governance;
    let all = governance.list_promotions(&warrant(), &PromotionFilter::default(), &PageRequest::default()).await;
    let all = all.expect("listed").entries;
    let any = if all.is_empty() { None } else { Some(all[dice.roll(all.len().min(8))].clone()) };
    // What is refused is refused: the invariant is about what is not.
    let refused = match (dice.roll(12), any) {
        (0..=2, _) => {
            let new = wanted(("pay/app", tag), LADDER[dice.roll(3)]);
            governance.request_promotion(&ctx, &warrant(), &new).await.err()
        }
        (3, _) => {
            let promotion = wanted(("pay/app", tag), "p");
            governance.request_emergency(&ctx, &warrant(), &NewEmergency { promotion, from: None }).await.err()
        }
        (4, _) => fixture.roll_back(account, "pay/app", LADDER[1 + dice.roll(2)]).await.err(),
        (5, Some(it)) => governance.cancel_promotion(&ctx, &warrant(), &it.id).await.err(),
        (6, Some(it)) => governance.execute_promotion(&ctx, &warrant(), &it.id, None).await.err(),
        (7, _) if dice.roll(8) == 0 => {
            let policy: Policy = serde_json::from_str(POLICY).expect("a policy");
            governance.put_policy(&user("editor"), &warrant(), &policy, None).await.err()
        }
        (7, _) => {
            fixture.wait(1);
            None
        }
        (8, Some(it)) => governance.close_review(&ctx, &warrant(), &it.id, "seen").await.err(),
        (_, Some(it)) => {
            let decision = NewDecision { digest: it.digest, comment: "no".to_owned(), expected: None };
            governance.approve_promotion(&ctx, &warrant(), &it.id, &decision).await.err()
        }
        _ => None,
    };
    let is_ours = |kind| matches!(kind, wharf_context::Kind::Internal | wharf_context::Kind::Unavailable);
    assert!(refused.as_ref().is_none_or(|error| !is_ours(error.kind())), "{refused:?}");
}

/// Everything that was done was let in by enough people, from where it stood.
async fn check(fixture: &Fixture) {
    let page = PageRequest { after: None, limit: Some(1_000) };
    let all = fixture.governance.list_promotions(&warrant(), &PromotionFilter::default(), &page).await.expect("listed");
    let done: Vec<&Promotion> = all.entries.iter().rev().filter(|it| it.state == State::Done).collect();
    assert!(!done.is_empty(), "the model does something");
    for (at, promotion) in done.iter().enumerate() {
        let approved = promotion.decisions.iter().filter(|decision| decision.is_approval);
        let people: BTreeSet<&str> = approved.map(|decision| person(&decision.account)).collect();
        assert!(people.len() >= promotion.passage.people() as usize, "{promotion:?}");
        let forbidden = [person(&promotion.requested_by), "admin", "robot"];
        assert!(forbidden.iter().all(|who| !people.contains(who)), "{promotion:?}");
        if promotion.kind != PromotionKind::Rollback {
            assert!(!people.contains("pusher"), "{promotion:?}");
        }
        if promotion.passage.people() > 1 {
            assert!(!people.contains("unlinked"), "{promotion:?}");
        }
        if promotion.kind == PromotionKind::Promotion && promotion.from.as_str() != "d" {
            let came = |it: &&&Promotion| it.to == promotion.from && it.items[0].digest == promotion.items[0].digest;
            assert!(done[..at].iter().any(|it| came(&it)), "{promotion:?}");
        }
    }
}

/// The same numbers for the same seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % sides as u64).expect("small")
    }
}
