//! Writers: two requests on one upload.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::{append, begin, body, content, failure, read_all, stalled};
use crate::{Appended, Failure, Store, UploadKey, UploadState};

const SOON: Duration = Duration::from_secs(20);

/// Starts an append that never ends by itself, and waits until it has begun.
async fn start(
    store: &Arc<dyn Store>,
    upload: UploadKey,
    state: &UploadState,
) -> tokio::sync::oneshot::Receiver<Appended> {
    let (told, appended) = tokio::sync::oneshot::channel();
    let (began, has_begun) = tokio::sync::oneshot::channel();
    let (store, state) = (Arc::clone(store), state.clone());
    tokio::task::spawn(async move {
        let began = futures_util::stream::once(async move {
            began.send(()).expect("the check waits");
            Ok(content(600_000))
        });
        let body = Box::pin(futures_util::StreamExt::chain(began, stalled(Vec::new())));
        told.send(store.append(&upload, state, body).await).expect("the check waits");
    });
    has_begun.await.expect("the body is polled");
    appended
}

pub(super) async fn the_later_writer_wins(store: Arc<dyn Store>) {
    let (upload, state) = begin(&*store).await;
    let state = append(&*store, upload, &state, &content(100)).await;
    let earlier = start(&store, upload, &state).await;
    let later =
        timeout(SOON, append(&*store, upload, &state, &content(1000))).await.expect("does not wait for the body");
    let earlier = timeout(SOON, earlier).await.expect("is stopped").expect("answers");
    assert_eq!(failure(earlier.end), Failure::Conflict);
    assert_eq!(earlier.state.offset, 100, "what lost is not counted");
    let key = store.finish(&upload, &later).await.expect("finishes");
    assert_eq!(read_all(&*store, key).await, [content(100), content(1000)].concat());
}

pub(super) async fn the_losers_state_is_refused(store: Arc<dyn Store>) {
    let (upload, state) = begin(&*store).await;
    let begun = append(&*store, upload, &state, &content(100)).await;
    // Both end well; but the second dropped the first one's bytes, so that the first one's state describes nothing.
    let loser = append(&*store, upload, &begun, &content(1000)).await;
    let winner = append(&*store, upload, &begun, &content(1001).slice(1..)).await;
    assert_eq!(failure(store.append(&upload, loser.clone(), body::whole("more")).await.end), Failure::Conflict);
    assert_eq!(failure(store.rehash(&upload, loser.clone(), loser.algorithm()).await), Failure::Conflict);
    assert_eq!(failure(store.finish(&upload, &loser).await), Failure::Conflict);
    let key = store.finish(&upload, &winner).await.expect("finishes");
    assert_eq!(failure(store.finish(&upload, &loser).await), Failure::NotFound);
    assert_eq!(read_all(&*store, key).await, [content(100), content(1001).slice(1..)].concat());
}

pub(super) async fn finish_stops_a_running_append(store: Arc<dyn Store>) {
    let (upload, state) = begin(&*store).await;
    let state = append(&*store, upload, &state, &content(100)).await;
    let running = start(&store, upload, &state).await;
    let key = timeout(SOON, store.finish(&upload, &state)).await.expect("does not wait").expect("finishes");
    let running = timeout(SOON, running).await.expect("is stopped").expect("answers");
    assert_eq!((running.state.offset, failure(running.end)), (100, Failure::Conflict));
    assert_eq!(read_all(&*store, key).await, content(100));
}

pub(super) async fn abort_stops_a_running_append(store: Arc<dyn Store>) {
    let (upload, state) = begin(&*store).await;
    let running = start(&store, upload, &state).await;
    store.abort(&upload).await.expect("aborts");
    let running = timeout(SOON, running).await.expect("is stopped").expect("answers");
    assert_eq!((running.state.offset, failure(running.end)), (0, Failure::Conflict));
}

pub(super) async fn other_bytes_are_not_taken_for_finished(store: Arc<dyn Store>) {
    let (upload, state) = begin(&*store).await;
    let loser = append(&*store, upload, &state, &content(1000)).await;
    let winner = append(&*store, upload, &state, &content(1001).slice(1..)).await;
    let key = store.finish(&upload, &winner).await.expect("finishes");
    assert_eq!(failure(store.finish(&upload, &loser).await), Failure::NotFound);
    assert_eq!(read_all(&*store, key).await, content(1001).slice(1..));
}
