//! Custom roles, roles within limits, reserved repositories, and why somebody may do something.

use proptest::prelude::*;
use wharf_context::{
    ApprovePromotion, EditPolicy, Kind, Permission, Power, Powers, Push, RequestPromotion, Visibility,
};
use wharf_identity::{
    CustomRole, Error, HolderName, Limits, NewAssignment, Openness, PageRequest, Question, Role, RoleName, Scope,
    SystemRole,
};

use crate::fixture::{Fixture, basic, granted, kind, parse, system, wanted, with_password};

fn powers(names: &[&str]) -> Powers {
    names.iter().map(|name| Power::from_name(name).expect("a power")).collect()
}

fn limits(repositories: &str, environments: &str, tags: &str) -> Limits {
    fn words<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> Vec<T> {
        text.split_whitespace().map(parse).collect()
    }
    Limits { repositories: words(repositories), environments: words(environments), tags: words(tags) }
}

impl Fixture {
    async fn role(&self, project: Option<&str>, name: &str, allows: &[&str]) -> CustomRole {
        let project = project.map(parse);
        let role = (&parse(name), powers(allows));
        self.identity.put_custom_role(&system(), project.as_ref(), role).await.expect("made")
    }

    async fn give(&self, holder: &str, role: &str, limits: Limits) -> i64 {
        let new = NewAssignment { holder: parse(holder), role: parse(role), limits };
        self.identity.create_assignment(&system(), &parse("app"), &new).await.expect("given").id
    }

    async fn may(&self, who: &str, action: &str, resource: &str) -> bool {
        let (name, tag) = resource.split_once(':').map_or((resource, None), |(name, tag)| (name, Some(tag)));
        let question = Question {
            who: who.to_owned(),
            power: Power::from_name(action).expect("a power"),
            project: parse("app"),
            repository: name.contains('/').then(|| parse(name)),
            tag: tag.map(parse),
        };
        let told = self.identity.explain_access(&system(), &question).await.expect("told");
        assert_eq!(told.is_allowed, !told.because.is_empty(), "{told:?}");
        assert_eq!(told.is_allowed, told.missing.is_empty(), "{told:?}");
        told.is_allowed
    }
}

async fn project() -> Fixture {
    let fixture = Fixture::new().await;
    fixture.project("app", Openness::Private).await;
    fixture.user("alice", None).await;
    fixture
}

#[tokio::test]
async fn a_custom_role_gives_what_it_allows_and_nothing_else() {
    let fixture = project().await;
    fixture.role(None, "tester", &["pull", "promotion.approve"]).await;
    assert!(granted(&fixture.context(&basic("alice"), &[]).await.expect("logs in"), "app/web").is_empty());
    let id = fixture.give("user:alice", "tester", Limits::default()).await;
    assert_eq!(fixture.permissions(&basic("alice"), "app/web").await, [Permission::Pull]);
    let ctx = fixture.as_user("alice").await;
    fixture.identity.warrant::<ApprovePromotion>(&ctx, &parse("app")).await.expect("approves");
    assert_eq!(kind(fixture.identity.warrant::<RequestPromotion>(&ctx, &parse("app")).await), Kind::Denied);
    assert!(fixture.may("alice", "promotion.approve", "app").await);
    // The project's own role of that name counts before the server's.
    fixture.role(Some("app"), "tester", &["pull", "push"]).await;
    assert_eq!(fixture.permissions(&basic("alice"), "app/web").await, [Permission::Pull, Permission::Push]);
    assert_eq!(kind(fixture.identity.warrant::<ApprovePromotion>(&ctx, &parse("app")).await), Kind::Denied);
    fixture.identity.delete_assignment(&system(), &parse("app"), id).await.expect("taken");
    assert_eq!(fixture.permissions(&basic("alice"), "app/web").await, []);
    assert_eq!(kind(fixture.identity.warrant::<ApprovePromotion>(&ctx, &parse("app")).await), Kind::NotFound);
}

#[tokio::test]
async fn a_role_counts_for_groups_and_robots_and_within_its_environments() {
    let fixture = project().await;
    fixture.identity.create_group(&system(), &parse("qa")).await.expect("made");
    fixture.identity.add_group_user(&system(), &parse("qa"), &parse("alice")).await.expect("added");
    fixture.give("group:qa", "maintainer", limits("app/web", "t", "")).await;
    let ctx = fixture.as_user("alice").await;
    let (web, test) = (parse("app/web"), parse("t"));
    let scope = Scope { repository: Some(&web), environment: Some(&test) };
    fixture
        .identity
        .warrant_for::<ApprovePromotion>(&ctx, &parse("app"), scope)
        .await
        .expect("in the test environment");
    let other = parse("s1");
    let elsewhere = Scope { environment: Some(&other), ..scope };
    let refused = fixture.identity.warrant_for::<ApprovePromotion>(&ctx, &parse("app"), elsewhere).await;
    assert_eq!(kind(refused), Kind::Denied);
    assert_eq!(kind(fixture.identity.warrant::<ApprovePromotion>(&ctx, &parse("app")).await), Kind::Denied);
    let sign = [Permission::Pull, Permission::Push, Permission::Attach];
    assert_eq!(fixture.permissions(&basic("alice"), "t/app/web").await, sign);
    assert_eq!(fixture.permissions(&basic("alice"), "app/web").await, []);
    assert_eq!(fixture.permissions(&basic("alice"), "t/app/api").await, []);
    let secret = fixture.robot("app", "agent", &[]).await;
    fixture.role(Some("app"), "agent", &["running.report", "policy.edit"]).await;
    fixture.give("robot:agent", "agent", Limits::default()).await;
    let robot = fixture.context(&with_password("app+agent", &secret), &[]).await.expect("logs in");
    fixture.identity.warrant::<EditPolicy>(&robot, &parse("app")).await.expect("a robot, by permission");
}

#[tokio::test]
async fn tag_limits_travel_in_grants_and_in_tokens() {
    let fixture = project().await;
    fixture.give("user:alice", "maintainer", limits("", "", "1.* 2.*")).await;
    let token = fixture.bearer(basic("alice"), "repository:app/web:pull,push").await;
    for credentials in [basic("alice"), token] {
        let wanted = wanted("app/web", &[Permission::Pull, Permission::Push]);
        let ctx = fixture.context(&credentials, &[wanted]).await.expect("a context");
        ctx.authorize::<Push>(&parse("app/web")).expect("some tags");
        for (tag, covered) in [("1.0", true), ("2.7", true), ("3.0", false), ("latest", false)] {
            for permission in [Permission::Push, Permission::Overwrite] {
                assert_eq!(ctx.covers_tag(&parse("app/web"), permission, &parse(tag)), covered, "{tag}");
            }
        }
    }
    assert!(fixture.may("alice", "push", "app/web:1.0").await && !fixture.may("alice", "push", "app/web:3.0").await);
}

#[tokio::test]
async fn reserved_repositories_are_pulled_by_builders_only() {
    let fixture = project().await;
    fixture.project("lib", Openness::Public).await;
    fixture.member("app", "dev", Role::Developer).await;
    fixture.user("root", Some(SystemRole::Administrator)).await;
    fixture.role(Some("app"), "builders", &["pull"]).await;
    fixture.give("user:alice", "builders", Limits::default()).await;
    let place = (&parse("app/compile-*"), &parse::<RoleName>("builders"));
    fixture.identity.put_reservation(&system(), &parse("app"), place).await.expect("reserved");
    let pulls = async |who: &str, repository: &str| {
        let is_held = fixture.permissions(&basic(who), repository).await.contains(&Permission::Pull);
        assert_eq!(is_held, fixture.may(who, "pull", repository).await, "{who} on {repository}");
        is_held
    };
    assert!(pulls("alice", "app/compile-osbase").await && pulls("root", "app/compile-osbase").await);
    assert!(!pulls("dev", "app/compile-osbase").await && !pulls("dev", "t/app/compile-osbase").await);
    assert!(pulls("dev", "app/prod-osbase").await);
    // Nor by mounting what somebody knows the digest of.
    let dev = fixture.as_user("dev").await;
    let Visibility::Projects(mountable) = fixture.identity.mountable(&dev).await.expect("decided") else { panic!() };
    let app = fixture.identity.get_project(&system(), &parse("app")).await.expect("there").0.id;
    assert!(!mountable.contains(&app) && !mountable.is_empty());
    let in_use = fixture.identity.delete_custom_role(&system(), Some(&parse("app")), &parse("builders")).await;
    assert!(matches!(in_use, Err(Error::RoleInUse(_))));
    fixture.identity.delete_reservation(&system(), &parse("app"), &parse("app/compile-*")).await.expect("ended");
    assert!(pulls("dev", "app/compile-osbase").await);
}

#[tokio::test]
async fn only_who_manages_members_gives_roles() {
    let fixture = project().await;
    for role in [Role::Maintainer, Role::Owner] {
        fixture.member("app", role.name(), role).await;
    }
    let new = NewAssignment { holder: parse("user:alice"), role: parse("owner"), limits: Limits::default() };
    let by = async |name: &str, new: NewAssignment| {
        let ctx = fixture.as_user(name).await;
        fixture.identity.create_assignment(&ctx, &parse("app"), &new).await
    };
    assert_eq!(kind(by("maintainer", new.clone()).await), Kind::Denied);
    assert_eq!(kind(by("alice", new.clone()).await), Kind::NotFound);
    by("owner", new.clone()).await.expect("given");
    let wrong = [
        NewAssignment { role: parse("nobody-made-it"), ..new.clone() },
        NewAssignment { holder: parse("user:nobody"), ..new.clone() },
        NewAssignment { limits: limits("other/**", "", ""), ..new.clone() },
        NewAssignment { limits: limits("", "nowhere", ""), ..new },
    ];
    for new in wrong {
        let refused = kind(by("owner", new.clone()).await);
        assert!(matches!(refused, Kind::NotFound | Kind::Invalid), "{new:?}: {refused:?}");
    }
    let owner = fixture.as_user("owner").await;
    let server_wide = fixture.identity.put_custom_role(&owner, None, (&parse("x"), Powers::default())).await;
    assert_eq!(kind(server_wide), Kind::Denied);
    let built_in = fixture.identity.put_custom_role(&system(), None, (&parse("guest"), Powers::default())).await;
    assert_eq!(kind(built_in), Kind::Conflict);
    // One's own rights, everybody may ask about; others', only who manages them.
    let question = |who: &str| Question {
        who: who.to_owned(),
        power: Power::Content(Permission::Pull),
        project: parse("app"),
        repository: Some(parse("app/web")),
        tag: None,
    };
    let maintainer = fixture.as_user("maintainer").await;
    assert!(fixture.identity.explain_access(&maintainer, &question("maintainer")).await.expect("told").is_allowed);
    assert_eq!(kind(fixture.identity.explain_access(&maintainer, &question("owner")).await), Kind::Denied);
    assert!(fixture.identity.explain_access(&owner, &question("maintainer")).await.expect("told").is_allowed);
}

#[tokio::test]
async fn what_was_given_goes_with_who_had_it() {
    let fixture = project().await;
    fixture.robot("app", "ci", &[]).await;
    fixture.identity.create_group(&system(), &parse("qa")).await.expect("made");
    for holder in ["user:alice", "group:qa", "robot:ci"] {
        fixture.give(holder, "developer", Limits::default()).await;
    }
    let given = async || {
        let page = fixture.identity.list_assignments(&system(), &parse("app"), &PageRequest::default()).await;
        page.expect("listed").entries.into_iter().map(|given| given.holder).collect::<Vec<HolderName>>()
    };
    assert_eq!(given().await.len(), 3);
    fixture.identity.delete_user(&system(), &parse("alice")).await.expect("deleted");
    fixture.identity.delete_group(&system(), &parse("qa")).await.expect("deleted");
    assert_eq!(given().await, [parse::<HolderName>("robot:ci")]);
    fixture.identity.delete_robot(&system(), &parse("app"), &parse("ci")).await.expect("deleted");
    assert!(given().await.is_empty());
    fixture.identity.delete_project(&system(), &parse("app")).await.expect("deleted with all that was given");
}

/// What a random person has in the project.
type Given = (Option<usize>, Vec<(usize, usize, usize, usize)>, bool);

const REPOSITORIES: [&str; 3] = ["", "app/web", "app/*"];
const ENVIRONMENTS: [&str; 3] = ["", "d", "t s1"];
const TAGS: [&str; 2] = ["", "1.*"];
const ROLES: [&str; 4] = ["guest", "developer", "maintainer", "signer"];

fn given() -> impl Strategy<Value = Given> {
    let assignment = (0..ROLES.len(), 0..REPOSITORIES.len(), 0..ENVIRONMENTS.len(), 0..TAGS.len());
    (prop::option::of(0..3usize), prop::collection::vec(assignment, 0..3), any::<bool>())
}

/// Whatever somebody has: what is told and what is allowed are the same.
async fn told_is_done((role, assignments, is_reserved): Given) {
    let fixture = project().await;
    fixture.role(Some("app"), "signer", &["attach", "promotion.approve"]).await;
    if let Some(role) = role {
        fixture
            .identity
            .put_member(&system(), &parse("app"), &parse("user:alice"), Role::ALL[role])
            .await
            .expect("put");
    }
    for (role, repositories, environments, tags) in assignments {
        let limits = limits(REPOSITORIES[repositories], ENVIRONMENTS[environments], TAGS[tags]);
        fixture.give("user:alice", ROLES[role], limits).await;
    }
    if is_reserved {
        let place = (&parse("app/web"), &parse::<RoleName>("signer"));
        fixture.identity.put_reservation(&system(), &parse("app"), place).await.expect("reserved");
    }
    for repository in ["app/web", "app/api", "t/app/web", "p/app/web"] {
        let ctx = fixture.context(&basic("alice"), &[wanted(repository, &[Permission::Pull])]).await.expect("logs in");
        let held = granted(&ctx, repository);
        for permission in Permission::ALL {
            assert_eq!(fixture.may("alice", permission.name(), repository).await, held.contains(&permission));
            let covered = ctx.covers_tag(&parse(repository), permission, &parse("2.0"));
            assert_eq!(fixture.may("alice", permission.name(), &format!("{repository}:2.0")).await, covered);
        }
    }
    let ctx = fixture.as_user("alice").await;
    let (web, test) = (parse("app/web"), parse("t"));
    let scope = Scope { repository: Some(&web), environment: Some(&test) };
    let warrant = fixture.identity.warrant_for::<ApprovePromotion>(&ctx, &parse("app"), scope).await.is_ok();
    assert_eq!(fixture.may("alice", "promotion.approve", "t/app/web").await, warrant);
    let whole = fixture.identity.warrant::<ApprovePromotion>(&ctx, &parse("app")).await.is_ok();
    assert_eq!(fixture.may("alice", "promotion.approve", "app").await, whole);
}

#[test]
fn why_says_allowed_exactly_where_it_is() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
    let config = ProptestConfig { cases: 24, ..ProptestConfig::default() };
    let outcome = proptest::test_runner::TestRunner::new(config).run(&given(), |given| {
        runtime.block_on(told_is_done(given));
        Ok(())
    });
    outcome.expect("one truth");
}
