//! How fast collection gives blobs back on files. The bound is loose: what a machine does is written down in
//! `docs/admin/collection.md`.

use std::sync::Arc;
use std::time::Instant;

use wharf_blob::{Files, Store as _, UploadState, body};
use wharf_db::params;
use wharf_oci::Algorithm;

use crate::fixture::{Fixture, sha256};

const BLOBS: u32 = 3_000;
/// Blobs in a second, on the slowest machine that anybody tests on.
const LEAST: f64 = 300.0;

#[tokio::test]
async fn thousands_of_blobs_on_files_are_given_back_in_a_moment() {
    let fixture = Fixture::open().await;
    let folder = tempfile::tempdir().expect("a folder");
    let files = Arc::new(Files::open(folder.path()).expect("a store"));
    let mut keys = Vec::new();
    for _ in 0..BLOBS {
        let upload = files.create().await.expect("begun");
        let state = UploadState::new(Algorithm::Sha256);
        let appended = files.append(&upload, state, body::whole(b"x".to_vec())).await;
        keys.push(files.finish(&upload, &appended.state).await.expect("finished"));
    }
    fixture.insert_orphans(&keys).await;
    let registry = fixture.registry_on(Arc::clone(&files) as _);
    let begun = Instant::now();
    let collected = registry.collect().await.expect("collected");
    let rate = f64::from(BLOBS) / begun.elapsed().as_secs_f64();
    eprintln!("{rate:.0} blobs a second");
    assert_eq!((collected.reviewed, collected.blobs), (BLOBS as usize, BLOBS as usize));
    assert!(files.list(None, 10).await.expect("listed").is_empty());
    assert!(rate > LEAST, "{rate:.0} blobs a second");
}

impl Fixture {
    /// Blobs without links whose reviews are due, as rows.
    async fn insert_orphans(&self, keys: &[wharf_blob::StorageKey]) {
        let inserted = self.db().transaction(async |tx| {
            for (number, key) in keys.iter().enumerate() {
                let digest = sha256(&number.to_be_bytes()).to_bytes();
                let blob = "INSERT INTO blobs (digest, size_bytes, storage_key, created_at) VALUES (?1, 1, ?2, 0)";
                tx.execute(blob, &params![digest.clone(), key.to_string()]).await?;
                let review = "INSERT INTO blob_reviews (digest, review_after) VALUES (?1, 0)";
                tx.execute(review, &params![digest]).await?;
            }
            Ok::<_, wharf_db::Error>(())
        });
        inserted.await.expect("inserted");
    }
}
