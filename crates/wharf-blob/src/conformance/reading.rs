//! Reading and deleting what is stored.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;

use super::{begin, content, failure, read, read_all, stored};
use crate::{Failure, Store, UploadKey};

const STALLED: usize = 600;

pub(super) async fn ranges_are_exact(store: Arc<dyn Store>) {
    let bytes = content(1_000_000);
    let key = stored(&*store, &bytes).await;
    for (start, end) in [(0, 0), (0, 1), (5, 300_000), (262_143, 262_145), (999_999, 1_000_000), (1_000_000, 1_000_000)]
    {
        let reader = store.open(&key, Some(start..end)).await.expect("opens");
        assert_eq!((reader.size_bytes(), reader.range()), (1_000_000, start..end));
        let (from, to) = (usize::try_from(start).expect("small"), usize::try_from(end).expect("small"));
        assert!(read(reader).await == bytes[from..to], "{start}..{end}");
    }
    #[expect(clippy::reversed_empty_ranges, reason = "a range that is no range is what is tried")]
    for range in [0..1_000_001, 1_000_001..1_000_001, 7..6, u64::MAX..u64::MAX] {
        assert_eq!(failure(store.open(&key, Some(range)).await), Failure::Invalid);
    }
}

pub(super) async fn deleted_bytes_are_gone(store: Arc<dyn Store>) {
    let (first, second) = (stored(&*store, &content(10)).await, stored(&*store, &content(20)).await);
    let never = UploadKey::generate().storage_key();
    for _ in 0..2 {
        store.delete(&[first, never]).await.expect("deletes");
        assert_eq!(store.size(&first).await.expect("known"), None);
        assert_eq!(failure(store.open(&first, None).await), Failure::NotFound);
    }
    assert_eq!(read_all(&*store, second).await, content(20));
    store.delete(&[]).await.expect("deletes nothing");
}

pub(super) async fn what_is_stored_is_listed(store: Arc<dyn Store>) {
    let sizes = HashMap::from([
        (stored(&*store, &content(10)).await, 10),
        (stored(&*store, &content(20)).await, 20),
        (stored(&*store, &content(0)).await, 0),
    ]);
    let (open, _) = begin(&*store).await;
    for limit in [1, 2, 1000] {
        let mut found = HashMap::new();
        let mut after = None;
        loop {
            let page = store.list(after, limit).await.expect("lists");
            assert!(page.len() <= limit);
            let Some(last) = page.last() else { break };
            after = Some(last.key);
            for stored in page {
                assert_eq!(found.insert(stored.key, stored.size_bytes), None, "told once");
            }
        }
        assert!(!found.contains_key(&open.storage_key()), "an open upload is not stored");
        found.retain(|key, _| sizes.contains_key(key));
        assert_eq!(found, sizes);
    }
}

pub(super) async fn an_open_reader_survives_deletion(store: Arc<dyn Store>) {
    let bytes = content(2_000_000);
    let key = stored(&*store, &bytes).await;
    let reader = store.open(&key, None).await.expect("opens");
    store.delete(&[key]).await.expect("deletes");
    assert!(read(reader).await == bytes);
}

pub(super) async fn many_stalled_readers_stop_nobody(store: Arc<dyn Store>) {
    let bytes = content(2_000_000);
    let key = stored(&*store, &bytes).await;
    let mut stalled = Vec::new();
    for _ in 0..STALLED {
        let mut reader = store.open(&key, None).await.expect("opens");
        // Each has begun to read, and nobody takes what was read ahead.
        let first = reader.next().await.expect("has bytes").expect("reads");
        stalled.push((reader, first.len()));
    }
    let other = tokio::time::timeout(Duration::from_secs(20), read_all(&*store, key)).await;
    assert!(other.expect("does not wait for the stalled ones") == bytes);
    let (late, first) = stalled.pop().expect("there are many");
    assert!(read(late).await == bytes.slice(first..), "goes on where it stopped");
}
