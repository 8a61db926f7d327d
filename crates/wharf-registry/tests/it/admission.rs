//! Admission: asked once in each change's transaction, with what it is about; its refusal reaches the caller, and nothing
//! is written.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use wharf_context::{Context, Kind};
use wharf_db::Tx;
use wharf_oci::Tag;
use wharf_registry::bin::Overwriting;
use wharf_registry::ports::BoxFuture;
use wharf_registry::{Admission, Change, Error, NotAdmitted, Operation, Precondition, Refusal, TagNow};

use crate::fixture::{Fixture, image, manifest, name, owner, sha256};

/// Writes down what it is asked, and refuses while it is told to.
#[derive(Debug, Default)]
struct Clerk {
    asked: Mutex<Vec<String>>,
    refuses: Mutex<bool>,
}

impl Admission for Clerk {
    fn confirm<'a>(
        &'a self,
        _tx: &'a mut Tx<'_>,
        ctx: &'a Context,
        operation: &'a Operation<'a>,
    ) -> BoxFuture<'a, Result<(), NotAdmitted>> {
        let Operation { project, repository, environment, change } = operation;
        assert_eq!((project.0, environment.is_some(), ctx.caller.name.as_str()), (1, false, "alice"));
        let now = |now: &TagNow| format!("{}={}", now.tag, if now.digest.is_some() { "there" } else { "new" });
        let all = |tags: &[TagNow]| tags.iter().map(now).collect::<Vec<_>>().join(" ");
        let line = match change {
            Change::PutManifest { manifest, tags, .. } => format!("put {} {}", manifest.blobs().count(), all(tags)),
            Change::DeleteTag(tag) => format!("delete tag {}", now(tag)),
            Change::DeleteManifest { tags, .. } => format!("delete manifest {}", all(tags)),
            Change::DeleteBlob { .. } => "delete blob".to_owned(),
            Change::RestoreManifest { tag, .. } => format!("restore {}", tag.map(now).unwrap_or_default()),
            Change::EmptyBin => "empty".to_owned(),
        };
        self.asked.lock().expect("no panic").push(format!("{repository} {line}"));
        let refuses = *self.refuses.lock().expect("no panic");
        let answer = if refuses { Err(Refusal::new("`1.0` is sealed; push another tag").into()) } else { Ok(()) };
        Box::pin(async move { answer })
    }
}

impl Clerk {
    /// Tries a change while it is refused, then while it is not.
    async fn try_twice(&self, change: impl AsyncFn() -> Result<(), Error>) {
        self.set(true);
        let error = change().await.expect_err("refused");
        assert_eq!((error.kind(), error.to_string().as_str()), (Kind::Denied, "`1.0` is sealed; push another tag"));
        self.set(false);
        change().await.expect("admitted");
    }

    fn set(&self, refuses: bool) {
        *self.refuses.lock().expect("no panic") = refuses;
    }

    /// What was asked, each once. On PostgreSQL a transaction that met another one is tried again.
    fn asked(&self) -> BTreeSet<String> {
        self.asked.lock().expect("no panic").iter().cloned().collect()
    }
}

#[tokio::test]
async fn every_change_is_admitted_and_a_refused_one_leaves_all_as_it_was() {
    let fixture = Fixture::open().await;
    let ctx = &owner(&["p/app"]);
    let clerk = Arc::new(Clerk::default());
    let registry = &fixture.registry.clone().with_admission(Arc::clone(&clerk) as _);
    let (app, tag) = (&name("p/app"), &"1.0".parse::<Tag>().expect("valid"));
    let digest = &sha256(image(b"layer").as_bytes());
    for content in [b"{}".as_slice(), b"layer", b"spare"] {
        fixture.push_blob(ctx, "p/app", content).await;
    }
    clerk.set(true);
    registry.put_manifest(ctx, app, &manifest("1.0", image(b"layer"))).await.expect_err("refused");
    assert!(fixture.get(ctx, "p/app", "1.0").await.is_err(), "nothing is written");
    let put = async || registry.put_manifest(ctx, app, &manifest("1.0", image(b"layer"))).await.map(drop);
    clerk.try_twice(put).await;
    clerk.try_twice(async || registry.delete_tag(ctx, app, tag, &Precondition::None).await).await;
    let restore = async || registry.restore_tag(ctx, (app, tag), None, Overwriting::Refused).await.map(drop);
    clerk.try_twice(restore).await;
    clerk.try_twice(async || registry.delete_manifest(ctx, app, digest, &Precondition::None).await).await;
    clerk.try_twice(async || registry.restore_manifest(ctx, app, digest).await.map(drop)).await;
    clerk.try_twice(async || registry.delete_blob(ctx, app, &sha256(b"spare")).await).await;
    clerk.try_twice(async || registry.empty_bin(ctx, app).await.map(drop)).await;
    let wanted = [
        "put 2 1.0=new",
        "delete tag 1.0=there",
        "restore 1.0=new",
        "delete manifest 1.0=there",
        "restore ",
        "delete blob",
        "empty",
    ];
    assert_eq!(clerk.asked(), wanted.iter().map(|line| format!("p/app {line}")).collect());
}
