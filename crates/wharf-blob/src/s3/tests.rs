//! The store at a real endpoint: `WHARF_TEST_S3=http://ID:SECRET@HOST:PORT/BUCKET` names one. Each test has a prefix of
//! its own.

use std::sync::Arc;

use super::settings::Credentials;
use super::*;
use crate::conformance;

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
async fn sealed_s3_keeps_every_promise_of_a_store() {
    let Some(settings) = settings() else { return };
    conformance::run(conformance::tests::sealed(open(&settings).await)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sealed_upload_of_several_parts_ends_under_another_algorithm() {
    let Some(settings) = settings() else { return };
    let store = conformance::tests::sealed(open(&settings).await);
    let bytes = bytes::Bytes::from(vec![7; 20 << 20]);
    let upload = store.create().await.expect("begins");
    let appended = store.append(&upload, UploadState::new(Algorithm::Sha256), crate::body::whole(bytes.clone())).await;
    appended.end.expect("appends");
    let state = store.rehash(&upload, appended.state, Algorithm::Sha512).await.expect("reads again");
    assert_eq!(state.digest(), wharf_oci::Digest::of(Algorithm::Sha512, &bytes));
    let key = store.finish(&upload, &state).await.expect("finishes");
    assert_eq!(store.size(&key).await.expect("known"), Some(20 << 20));
}
