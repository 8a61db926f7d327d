//! The store at a real endpoint: `WHARF_TEST_S3=http://ID:SECRET@HOST:PORT/BUCKET` names one. Each test has a prefix of
//! its own.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt;

use super::settings::Credentials;
use super::*;
use crate::{body, conformance};

const VARIABLE: &str = "WHARF_TEST_S3";

#[expect(clippy::disallowed_methods, reason = "a test asks where its endpoint is")]
fn settings() -> Option<Settings> {
    let Ok(url) = std::env::var(VARIABLE) else {
        assert!(std::env::var("CI").is_err(), "in CI, {VARIABLE} must name an S3 endpoint");
        eprintln!("skipped: {VARIABLE} names no S3 endpoint");
        return None;
    };
    let (scheme, rest) = url.split_once("://")?;
    let (login, rest) = rest.split_once('@')?;
    let (id, secret) = login.split_once(':')?;
    let (host, bucket) = rest.split_once('/')?;
    let credentials = Credentials::Key { id: id.to_owned(), secret: secret.to_owned(), token: None };
    Some(Settings {
        endpoint: Some(format!("{scheme}://{host}")),
        prefix: format!("blob/{}", UploadKey::generate()),
        ..Settings::new(bucket, credentials)
    })
}

async fn open(settings: &Settings) -> S3 {
    // Once for each process; that it was done already is no failure.
    drop(rustls::crypto::ring::default_provider().install_default());
    S3::open(settings).await.expect("the endpoint has what is needed").0
}

#[tokio::test(flavor = "multi_thread")]
async fn s3_keeps_every_promise_of_a_store() {
    let Some(settings) = settings() else { return };
    conformance::run(Arc::new(open(&settings).await)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_keeps_every_promise_of_a_cold_place() {
    let Some(settings) = settings() else { return };
    drop(rustls::crypto::ring::default_provider().install_default());
    crate::cold::promises(&ColdBucket::open(&settings).expect("opens")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sealed_s3_keeps_every_promise_of_a_store() {
    let Some(settings) = settings() else { return };
    conformance::run(conformance::tests::sealed(open(&settings).await)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sealed_upload_of_several_parts_ends_under_another_algorithm() {
    let Some(settings) = settings() else { return };
    let store = conformance::tests::sealed(open(&settings).await);
    let bytes = Bytes::from(vec![7; 20 << 20]);
    let upload = store.create().await.expect("begins");
    let appended = store.append(&upload, UploadState::new(Algorithm::Sha256), body::whole(bytes.clone())).await;
    appended.end.expect("appends");
    let state = store.rehash(&upload, appended.state, Algorithm::Sha512).await.expect("reads again");
    assert_eq!(state.digest(), wharf_oci::Digest::of(Algorithm::Sha512, &bytes));
    let key = store.finish(&upload, &state).await.expect("finishes");
    assert_eq!(store.size(&key).await.expect("known"), Some(20 << 20));
}

/// Puts blobs without an upload: what is deleted and listed need not have been one.
async fn put_blobs(store: &S3, count: usize) -> Vec<StorageKey> {
    let keys: Vec<StorageKey> = (0..count).map(|_| UploadKey::generate().storage_key()).collect();
    for keys in keys.chunks(50) {
        let puts = keys.iter().map(|key| async move { store.bucket.put(&store.layout.blob(*key), Vec::new()).await });
        for put in futures_util::future::join_all(puts).await {
            put.expect("puts");
        }
    }
    keys
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_blobs_are_deleted_by_one_request() {
    let Some(settings) = settings() else { return };
    let store = open(&settings).await;
    assert!(store.bucket.abilities.multi_delete, "this endpoint deletes many objects at once");
    let mut keys = put_blobs(&store, 40).await;
    // Those that are not there cost as much.
    keys.extend((0..1960).map(|_| UploadKey::generate().storage_key()));
    let before = store.requests();
    store.delete(&keys).await.expect("deletes");
    assert_eq!(store.requests() - before, 2);
    assert_eq!(store.list(None, 1000).await.expect("lists"), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_deletes_one_at_a_time_is_used_so() {
    let Some(settings) = settings() else { return };
    let mut store = open(&settings).await;
    Arc::get_mut(&mut store.bucket).expect("nobody else has it yet").abilities.multi_delete = false;
    let keys = put_blobs(&store, 3).await;
    let before = store.requests();
    store.delete(&keys).await.expect("deletes");
    assert_eq!(store.requests() - before, 3);
    assert_eq!(store.list(None, 1000).await.expect("lists"), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_stores_on_one_bucket_are_one_store() {
    let Some(settings) = settings() else { return };
    let stores = [open(&settings).await, open(&settings).await];
    let content = Bytes::from(vec![7; 30 << 20]);
    for chunk in [100_000, 7 << 20, 11 << 20] {
        let upload = stores[0].create().await.expect("begins");
        let mut state = UploadState::new(Algorithm::Sha256);
        for (piece, store) in content.chunks(chunk).take(9).zip(stores.iter().cycle()) {
            let saved = UploadState::from_bytes(&state.to_bytes()).expect("own form");
            let appended = store.append(&upload, saved, body::whole(content.slice_ref(piece))).await;
            appended.end.expect("the body is appended");
            state = appended.state;
        }
        let key = stores[1].finish(&upload, &state).await.expect("finishes");
        assert_eq!(stores[0].size(&key).await.expect("known"), Some(state.offset));
        assert_eq!(stores[0].finish(&upload, &state).await.expect("finishes again"), key);
        assert_eq!(stores[0].uploads().await.expect("lists"), [], "nothing is left of it");
    }
}

/// Two nodes that know nothing of each other's fence.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_nodes_that_end_one_upload_one_wins_and_its_bytes_stay() {
    let Some(settings) = settings() else { return };
    let stores = [open(&settings).await, open(&settings).await];
    for size_bytes in [1000, 6 << 20] {
        let upload = stores[0].create().await.expect("begins");
        let mut states = Vec::new();
        for (store, byte) in stores.iter().zip([1, 2]) {
            let state = UploadState::new(Algorithm::Sha256);
            let appended = store.append(&upload, state, body::whole(vec![byte; size_bytes])).await;
            appended.end.expect("the body is appended");
            states.push(appended.state);
        }
        let key = stores[0].finish(&upload, &states[0]).await.expect("finishes");
        let lost = stores[1].finish(&upload, &states[1]).await.expect_err("the other one has won");
        assert_eq!(lost.failure(), crate::Failure::NotFound);
        let mut reader = stores[1].open(&key, None).await.expect("opens");
        while let Some(piece) = reader.next().await {
            assert!(piece.expect("reads").iter().all(|byte| *byte == 1));
        }
        // The loser's objects are found by whoever looks for what nobody owns.
        for orphan in stores[0].uploads().await.expect("lists") {
            stores[0].abort(&orphan.key).await.expect("aborts");
        }
        assert_eq!(stores[0].uploads().await.expect("lists"), []);
        assert_eq!(stores[0].size(&key).await.expect("known"), Some(size_bytes as u64), "what is finished stays");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_is_not_there_says_so() {
    let Some(settings) = settings() else { return };
    let nowhere = Settings { endpoint: Some("http://127.0.0.1:1".to_owned()), retries: 0, ..settings.clone() };
    let nobody = Settings { bucket: "there-is-no-such-bucket".to_owned(), ..settings };
    for (settings, reason) in [(nowhere, "cannot be reached"), (nobody, "make the bucket")] {
        drop(rustls::crypto::ring::default_provider().install_default());
        let error = S3::open(&settings).await.expect_err("there is nothing");
        let lacking = std::error::Error::source(&error).and_then(std::error::Error::source).expect("a cause");
        assert!(lacking.to_string().contains(reason), "{lacking}");
        let report = S3::probe(&settings).await.expect("it can be asked");
        assert_eq!(report.findings.len(), 1, "after what all stands on, nothing more is tried");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_not_shown() {
    let credentials = Credentials::Key { id: "id".to_owned(), secret: "hush".to_owned(), token: None };
    let key = settings::Encryption::Ours { key: "hush".to_owned() };
    let settings = Settings { encryption: key, ..Settings::new("bucket", credentials) };
    assert!(!format!("{settings:?}").contains("hush"));
}
