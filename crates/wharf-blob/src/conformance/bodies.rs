//! Bodies: however they come, and however they end.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use wharf_oci::{Algorithm, Digest};

use super::{append, begin, broken, content, failure, read_all, stalled};
use crate::{Body, Failure, Store};

pub(super) async fn a_broken_body_leaves_what_arrived(store: Arc<dyn Store>) {
    let bytes = content(900_000);
    let (upload, state) = begin(&*store).await;
    let pieces = vec![bytes.slice(..10), bytes.slice(10..700_000)];
    let appended = store.append(&upload, state, broken(pieces)).await;
    assert_eq!(failure(appended.end), Failure::Invalid);
    let state = appended.state;
    assert_eq!((state.offset, state.digest()), (700_000, Digest::of(Algorithm::Sha256, &bytes[..700_000])));
    let state = append(&*store, upload, &state, &bytes.slice(700_000..)).await;
    let key = store.finish(&upload, &state).await.expect("finishes");
    assert!(read_all(&*store, key).await == bytes);
}

pub(super) async fn pieces_may_have_any_size(store: Arc<dyn Store>) {
    let bytes = content(2_500_000);
    for sizes in [&[1][..], &[0, 7, 16_384], &[65_536], &[4095, 4096, 4097, 1], &[2_000_000, 3]] {
        let few = if sizes == [1] { bytes.slice(..20_000) } else { bytes.clone() };
        let (upload, state) = begin(&*store).await;
        let appended = store.append(&upload, state, cut(few.clone(), sizes)).await;
        appended.end.expect("the body is appended");
        assert_eq!(appended.state.digest(), Digest::of(Algorithm::Sha256, &few), "{sizes:?}");
        let key = store.finish(&upload, &appended.state).await.expect("finishes");
        assert!(read_all(&*store, key).await == few, "{sizes:?}");
    }
}

fn cut(mut bytes: Bytes, sizes: &[usize]) -> Body {
    let mut pieces = Vec::new();
    for size in sizes.iter().cycle() {
        if bytes.is_empty() {
            break;
        }
        pieces.push(Ok(bytes.split_to(bytes.len().min(*size))));
    }
    Box::pin(futures_util::stream::iter(pieces))
}

pub(super) async fn a_dropped_append_can_be_repeated(store: Arc<dyn Store>) {
    let bytes = content(3_000_000);
    let (upload, state) = begin(&*store).await;
    let state = append(&*store, upload, &state, &bytes.slice(..1000)).await;
    for step in 0..8 {
        let dropped = store.append(&upload, state.clone(), stalled(vec![content(800_000); 3]));
        let in_time = tokio::time::timeout(Duration::from_micros(step * 400), dropped).await;
        assert!(in_time.is_err(), "a body without an end has ended");
    }
    let state = append(&*store, upload, &state, &bytes.slice(1000..)).await;
    let key = store.finish(&upload, &state).await.expect("finishes");
    assert!(read_all(&*store, key).await == bytes);
}
