//! What the user of an account is in a project, for parts that decide by it.

use wharf_context::{Permission, Permissions};
use wharf_identity::{Identity, MemberName, NewRobot, Openness, ProjectStanding, Role, UserChange};

use crate::fixture::{Fixture, parse, system};

#[tokio::test]
async fn the_highest_role_counts_and_a_disabled_user_has_none() {
    let fixture = Fixture::new().await;
    let project = fixture.project("pay", Openness::Private).await;
    fixture.member("pay", "ada", Role::Developer).await;
    let identity = &fixture.identity;
    identity.create_group(&system(), &parse("release")).await.expect("made");
    identity.add_group_user(&system(), &parse("release"), &parse("ada")).await.expect("added");
    let group = MemberName::Group(parse("release"));
    identity.put_member(&system(), &parse("pay"), &group, Role::Maintainer).await.expect("put");
    let standing = async |account: &str| {
        let db = &fixture.database.db;
        db.transaction(async |tx| Identity::project_standing(tx, project, account).await).await.expect("found")
    };
    let ada = ProjectStanding {
        role: Some(Role::Maintainer),
        groups: vec!["release".to_owned()],
        ..ProjectStanding::default()
    };
    assert_eq!(standing("ada").await, ada);
    identity.create_person(&system(), &parse("Ada")).await.expect("made");
    identity.link_account(&system(), &parse("Ada"), "ada").await.expect("linked");
    let linked = standing("ada").await;
    assert!(linked.person.is_some() && linked.accounts == ["ada"], "{linked:?}");
    assert_eq!(standing("pay+ci").await, ProjectStanding::default());
    let disabled = UserChange { is_disabled: Some(true), ..UserChange::default() };
    identity.update_user(&system(), &parse("ada"), &disabled).await.expect("disabled");
    let gone = standing("ada").await;
    assert_eq!((gone.role, gone.groups.len(), gone.person), (None, 0, linked.person), "whose it is stays known");
}

#[tokio::test]
async fn who_answers_for_a_robot_is_the_person_behind_it() {
    let fixture = Fixture::new().await;
    let project = fixture.project("pay", Openness::Private).await;
    let identity = &fixture.identity;
    let robot = NewRobot {
        name: parse("ci"),
        permissions: Permissions::of(&[Permission::Push]),
        repositories: Vec::new(),
        expires_at: None,
    };
    identity.create_robot(&system(), &parse("pay"), &robot).await.expect("made");
    identity.create_person(&system(), &parse("Ada")).await.expect("made");
    identity.link_account(&system(), &parse("Ada"), "pay+ci").await.expect("linked");
    let db = &fixture.database.db;
    let standing = db.transaction(async |tx| Identity::project_standing(tx, project, "pay+ci").await).await;
    let standing = standing.expect("found");
    assert!(standing.person.is_some() && standing.accounts == ["pay+ci"], "{standing:?}");
    assert_eq!((standing.role, standing.further_roles.len()), (None, 0));
}
