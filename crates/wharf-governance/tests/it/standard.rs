//! Standards: images compared with what is really in them, hostile ones too.

use serde_json::{Value, json};
use wharf_governance::standard::StandardChecks;
use wharf_governance::{Error, Policy};
use wharf_oci::{Digest, Reference};

use crate::fixture::{Fixture, user, warrant};
use crate::images::{TestImage, name, push};

const PAY: (&str, i64) = ("pay/app", 1);

/// A layer as a tar archive: each path with its mode and content; one that ends with `/` is a folder.
fn layer(files: &[(&str, u32, &str)]) -> Vec<u8> {
    let mut archive = Vec::new();
    for (path, mode, content) in files {
        let mut header = [0_u8; 512];
        let kind = if path.ends_with('/') { b'5' } else { b'0' };
        header[..path.len()].copy_from_slice(path.as_bytes());
        header[100..107].copy_from_slice(format!("{mode:07o}").as_bytes());
        header[108..115].copy_from_slice(b"0000000");
        header[116..123].copy_from_slice(b"0000000");
        header[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
        header[136..147].copy_from_slice(b"00000000000");
        header[148..156].copy_from_slice(b"        ");
        header[156] = kind;
        header[257..265].copy_from_slice(b"ustar\x0000");
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        archive.extend_from_slice(&header);
        archive.extend_from_slice(content.as_bytes());
        archive.resize(archive.len().next_multiple_of(512), 0);
    }
    archive.resize(archive.len() + 1024, 0);
    archive
}

async fn demand(fixture: &Fixture, standard: Value) {
    let policy: Policy = serde_json::from_value(json!({ "standards": { "service": standard } })).expect("a policy");
    fixture.governance.put_policy(&user(1), &warrant(), &policy, None).await.expect("put");
}

async fn checks(fixture: &Fixture, reference: &str) -> StandardChecks {
    let reference: Reference = reference.parse().expect("valid");
    fixture.governance.get_standard_checks(&warrant(), &name(PAY.0), &reference).await.expect("found")
}

/// Pushes an image and lets both jobs look at it.
async fn arrive(fixture: &Fixture, tag: &str, image: &TestImage) -> Digest {
    let digest = push(&fixture.registry, PAY, tag, image).await;
    fixture.governance.see_manifest(&name(PAY.0), &digest).await.expect("looked at");
    fixture.governance.check_manifest(&name(PAY.0), &digest).await.expect("checked");
    digest
}

fn service() -> TestImage {
    let base = layer(&[
        ("etc/", 0o755, ""),
        ("etc/passwd", 0o644, "root:x:0:0::/root:/bin/sh\napp:x:1000:1000::/app:/bin/sh\n"),
        ("usr/bin/java", 0o755, "elf"),
        ("usr/bin/README", 0o644, "no program"),
        ("var/lib/dpkg/status", 0o644, "Package: openjdk-21\nStatus: install ok installed\n"),
    ]);
    let app = layer(&[("app/run", 0o755, "run"), ("root/.ssh/id_rsa", 0o600, "secret")]);
    let runtime = json!({ "User": "app", "Env": ["PATH=/usr/bin", "LANG=C.UTF-8"], "Volumes": { "/data": {} },
        "Labels": { "team": "pay" } });
    TestImage { layers: vec![base, app], runtime: Some(runtime), ..TestImage::default() }
}

#[tokio::test]
async fn an_image_is_compared_with_what_is_really_in_it() {
    let fixture = Fixture::open().await;
    demand(&fixture, json!({
        "repositories": ["pay/*"], "paths": { "required": ["/app/run"] },
        "programs": { "required": ["java"], "forbidden": ["README", "curl"] }, "packages": { "required": ["openjdk-*"] },
        "users": { "required": ["app"] }, "no_root": true, "data_folders": ["/data"], "charset": "utf8", "labels": ["team"],
    })).await;
    let digest = arrive(&fixture, "1", &service()).await;
    let found = checks(&fixture, "1").await;
    assert_eq!((found.digest, found.open.len(), found.standards.as_slice()), (digest, 0, &["service".to_owned()][..]));
    assert!(found.checks[0].passes && found.checks[0].is_current, "{found:?}");

    demand(&fixture, json!({ "repositories": ["pay/*"], "paths": { "forbidden": ["/root/**"] } })).await;
    assert!(!checks(&fixture, "1").await.checks[0].is_current, "the standards have changed");
    fixture.governance.check_manifest(&name(PAY.0), &digest).await.expect("checked");
    let found = checks(&fixture, "1").await;
    let complaint = &found.checks[0].results[0].complaints[0];
    assert!(!found.checks[0].passes && found.checks[0].is_current);
    assert_eq!((complaint.rule.as_str(), complaint.reason.contains("/root/.ssh")), ("paths", true), "{complaint:?}");
}

#[tokio::test]
async fn an_archive_that_no_runtime_would_unpack_keeps_no_standard() {
    let fixture = Fixture::open().await;
    demand(&fixture, json!({ "repositories": ["pay/*"], "labels": ["team"] })).await;
    let escaping = layer(&[("../outside", 0o644, "x")]);
    let image = TestImage { layers: vec![escaping], ..service() };
    arrive(&fixture, "1", &image).await;
    let found = checks(&fixture, "1").await;
    let problem = found.checks[0].problem.as_deref().expect("told");
    assert!(!found.checks[0].passes && problem.contains("`..`"), "{problem}");
}

#[tokio::test]
async fn what_no_standard_is_for_is_not_read_and_what_is_gone_is_forgotten() {
    let fixture = Fixture::open().await;
    demand(&fixture, json!({ "repositories": ["other/*"], "labels": ["team"] })).await;
    let digest = arrive(&fixture, "1", &service()).await;
    let found = checks(&fixture, "1").await;
    assert!(found.standards.is_empty() && found.checks.is_empty());
    demand(&fixture, json!({ "repositories": ["pay/*"], "labels": ["team"] })).await;
    assert_eq!(checks(&fixture, "1").await.open, [digest]);
    let reference: Reference = "none".parse().expect("valid");
    let unknown = fixture.governance.get_standard_checks(&warrant(), &name(PAY.0), &reference).await;
    assert!(matches!(unknown, Err(Error::Registry(_))), "{unknown:?}");
}
