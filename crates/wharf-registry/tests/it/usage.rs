//! Usage: what everything holds, and what of it would come back.

use wharf_context::{Inspect, ProjectId};

use crate::fixture::{Fixture, image, name, owner};

#[tokio::test]
async fn shared_bytes_do_not_come_back_when_one_goes() {
    let fixture = Fixture::open().await;
    let ctx = owner(&["p/a", "p/b"]);
    fixture.push_image(&ctx, "p/a", "v1", b"shared").await;
    fixture.push_image(&ctx, "p/a", "v2", b"alone in a").await;
    fixture.put(&ctx, "p/a", "v2-alias", image(b"alone in a")).await.expect("alias");
    fixture.push_image(&ctx, "p/b", "v1", b"shared").await;
    fixture.push_image(&ctx, "p/b", "v2", b"alone in b!").await;
    let figures = |page: wharf_registry::usage::UsagePage| -> Vec<_> {
        page.entries.into_iter().map(|usage| (usage.name, usage.size_bytes, usage.alone_bytes)).collect()
    };
    let registry = &fixture.registry;
    let projects = registry.usage_of_projects(Inspect::granted(), None, None).await.expect("summed");
    assert_eq!(figures(projects), [("p".to_owned(), 29, 29)]);
    let repositories = registry.usage_of_repositories(ProjectId(1), None, None).await.expect("summed");
    assert_eq!(figures(repositories), [("p/a".to_owned(), 18, 10), ("p/b".to_owned(), 19, 11)]);
    let mut tags = Vec::new();
    let mut after = None;
    loop {
        let page = registry.usage_of_tags(ProjectId(1), &name("p/b"), (after.as_deref(), Some(1))).await;
        let page = page.expect("summed");
        after = page.next.clone();
        tags.extend(figures(page));
        if after.is_none() {
            break;
        }
    }
    assert_eq!(tags, [("v1".to_owned(), 8, 0), ("v2".to_owned(), 13, 11)]);
    let aliased = registry.usage_of_tags(ProjectId(1), &name("p/a"), (None, None)).await.expect("summed");
    assert_eq!(figures(aliased)[1], ("v2".to_owned(), 12, 0), "its alias holds it");
}
