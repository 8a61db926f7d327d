//! Referrers: by subject and type, in pages, also before their subject comes.

use wharf_registry::ReferrersQuery;

use crate::fixture::{Fixture, IMAGE, image, image_with, name, owner, sha256};

/// An artifact about `subject`, with a note that makes it unlike the others.
fn about(subject: &[u8], artifact_type: &str, note: &str) -> String {
    let members = format!(
        r#","artifactType":"{artifact_type}","annotations":{{"note":"{note}"}},"subject":{{"mediaType":"{IMAGE}","digest":"{}","size":{}}}"#,
        sha256(subject),
        subject.len()
    );
    image_with(b"layer", &members)
}

#[tokio::test]
async fn referrers_are_found_before_and_after_their_subject() {
    let fixture = Fixture::open().await;
    let (ctx, app) = (owner(&["p/app"]), name("p/app"));
    let subject = image(b"layer");
    let digest = sha256(subject.as_bytes());
    let none = fixture.registry.list_referrers(&ctx, &app, &ReferrersQuery::of(digest)).await;
    assert!(none.expect("no repository, no referrers").descriptors.is_empty());
    fixture.push_blob(&ctx, "p/app", b"{}").await;
    fixture.push_blob(&ctx, "p/app", b"layer").await;
    let sbom = fixture.put(&ctx, "p/app", "sbom", about(subject.as_bytes(), "a/sbom", "x")).await.expect("early");
    assert_eq!(sbom.subject, Some(digest));
    fixture.put(&ctx, "p/app", "v1", subject.clone()).await.expect("subject");
    let by_digest = about(subject.as_bytes(), "a/signature", "y");
    let reference = sha256(by_digest.as_bytes()).to_string();
    fixture.put(&ctx, "p/app", &reference, by_digest).await.expect("late");

    let all = fixture.registry.list_referrers(&ctx, &app, &ReferrersQuery::of(digest)).await.expect("listed");
    let types: Vec<_> = all.descriptors.iter().map(|found| found.artifact_type.as_deref()).collect();
    assert_eq!(types, [Some("a/sbom"), Some("a/signature")]);
    assert_eq!(all.descriptors[0].annotations.get("note").map(String::as_str), Some("x"));
    assert_eq!(all.next, None);
    let sboms = ReferrersQuery { artifact_type: Some("a/sbom".to_owned()), ..ReferrersQuery::of(digest) };
    let some = fixture.registry.list_referrers(&ctx, &app, &sboms).await;
    assert_eq!(some.expect("listed").descriptors.len(), 1);
}

#[tokio::test]
async fn many_referrers_come_in_pages() {
    let fixture = Fixture::open().await;
    let (ctx, app) = (owner(&["p/app"]), name("p/app"));
    fixture.push_image(&ctx, "p/app", "v1", b"layer").await;
    let subject = image(b"layer");
    // Each has a note of 1 MiB: three fill a page, whatever the client asks for.
    for i in 0..7 {
        let note = format!("{i}{}", "x".repeat(1 << 20));
        fixture.put(&ctx, "p/app", &format!("a{i}"), about(subject.as_bytes(), "a/b", &note)).await.expect("pushed");
    }
    let (mut last, mut seen, mut pages) = (0, Vec::new(), 0);
    loop {
        let query = ReferrersQuery { last, wanted: Some(100), ..ReferrersQuery::of(sha256(subject.as_bytes())) };
        let page = fixture.registry.list_referrers(&ctx, &app, &query).await;
        let page = page.expect("listed");
        let bytes: usize = page.descriptors.iter().map(|found| found.annotations["note"].len()).sum();
        assert!(bytes <= 4 << 20);
        seen.extend(page.descriptors.iter().map(|found| found.annotations["note"].as_bytes()[0]));
        pages += 1;
        match page.next {
            Some(next) => last = next,
            None => break,
        }
    }
    assert_eq!(seen, b"0123456");
    assert!(pages >= 3, "{pages}");
}
