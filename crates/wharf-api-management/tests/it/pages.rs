//! Pages of lists: each entry once, in order, by the link or by `next`.

use serde_json::Value;
use wharf_identity::Openness;

use crate::fixture::Fixture;

/// Follows the links from `path` to the end; the pages.
async fn follow(fixture: &Fixture, path: &str) -> Vec<Value> {
    let (mut pages, mut next) = (Vec::new(), Some(path.to_owned()));
    while let Some(path) = next {
        let answer = fixture.get("administrator", &path).await;
        let page = answer.done(200);
        let link = answer.header("link").strip_prefix('<').and_then(|link| link.split_once('>'));
        assert_eq!(link.is_some(), !page["next"].is_null(), "both say whether there is more");
        next = link.map(|(path, relation)| {
            assert_eq!(relation, "; rel=\"next\"");
            path.to_owned()
        });
        pages.push(page);
        assert!(pages.len() < 100, "the list ends");
    }
    pages
}

#[tokio::test]
async fn every_list_gives_each_entry_once() {
    let fixture = Fixture::open().await;
    fixture.project("shop", Openness::Private).await;
    for name in ["team-a", "team-b", "team-c"] {
        let name = name.parse().expect("valid");
        fixture.identity.create_group(&crate::fixture::system(), &name).await.expect("group is made");
    }
    for list in ["/api/v1/users", "/api/v1/groups", "/api/v1/projects/shop/members", "/api/v1/audit?object=shop"] {
        let separator = if list.contains('?') { '&' } else { '?' };
        let whole = fixture.get("administrator", list).await.done(200);
        let pages = follow(&fixture, &format!("{list}{separator}limit=2")).await;
        let entries: Vec<Value> =
            pages.iter().flat_map(|page| page["entries"].as_array().expect("entries")).cloned().collect();
        assert!(entries.len() > 2, "{list} needs more than a page");
        assert_eq!(Value::from(entries), whole["entries"], "{list}");
        assert!(pages.iter().all(|page| page["entries"].as_array().is_some_and(|entries| entries.len() <= 2)));
    }
}

#[tokio::test]
async fn a_limit_beyond_all_measure_is_capped() {
    let fixture = Fixture::open().await;
    fixture.get("administrator", "/api/v1/users?limit=999999999999999999999").await.done(200);
    fixture.get("administrator", "/api/v1/users?limit=0").await.refused(400);
    fixture.get("administrator", "/api/v1/users?limit=two").await.refused(400);
    fixture.get("administrator", "/api/v1/users?offset=5").await.refused(400);
    fixture.get("administrator", "/api/v1/audit?after=x").await.refused(400);
    fixture.get("administrator", "/api/v1/users?after=%00").await.refused(400);
}
