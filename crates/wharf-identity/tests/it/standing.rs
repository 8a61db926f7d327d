//! What the user of an account is in a project, for parts that decide by it.

use wharf_identity::{Identity, MemberName, Openness, ProjectStanding, Role, UserChange};

use crate::fixture::{Fixture, parse, system};

#[tokio::test]
async fn the_highest_role_counts_and_a_disabled_user_is_nothing() {
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
    assert_eq!(standing("ada").await, ProjectStanding::default());
}
