//! Bringing bytes over from the primary's store into ours, as they lie there, under the same key.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use wharf_blob::{Body, BodyError, StorageKey, Store, UploadState, body};
use wharf_oci::Algorithm;

use super::client::Peer;
use super::message::StoredBlob;

/// Blobs that are fetched at once.
const AT_ONCE: usize = 8;
/// Keys of one page of our own.
const PAGE: usize = 1000;

/// Both ends.
#[derive(Debug, Clone)]
pub(super) struct Carrier {
    pub(super) peer: Peer,
    pub(super) store: Arc<dyn Store>,
}

impl Carrier {
    /// Sees to it that a blob is here; `bytes` are its own, if they came along. What the primary has no more is not wanted.
    pub(super) async fn bring(&self, blob: StoredBlob, bytes: Option<Bytes>) -> anyhow::Result<()> {
        let StoredBlob { key, size_bytes } = blob;
        match self.store.size(&key).await.context("look for a blob")? {
            Some(found) if found == size_bytes => return Ok(()),
            Some(_) => self.store.delete(&[key]).await.context("delete what is cut off")?,
            None => {}
        }
        let body: Body = match bytes {
            Some(bytes) => body::whole(bytes),
            None => {
                let Some((_, pieces)) = self.peer.stream(&format!("blobs/{key}")).await? else { return Ok(()) };
                Box::pin(pieces.map_err(BodyError::broken))
            }
        };
        self.take(blob, body).await.with_context(|| format!("bring over blob `{key}`"))
    }

    async fn take(&self, blob: StoredBlob, body: Body) -> anyhow::Result<()> {
        let upload = blob.key.upload();
        // What an earlier try has left.
        self.store.abort(&upload).await?;
        self.store.begin(upload).await?;
        let appended = self.store.append(&upload, UploadState::new(Algorithm::Sha256), body).await;
        appended.end?;
        let found = appended.state.offset;
        ensure!(found == blob.size_bytes, "{found} bytes came of {}", blob.size_bytes);
        self.store.finish(&upload, &appended.state).await?;
        Ok(())
    }

    /// Brings over all that the primary has and that is not here. Gives what is here and that the primary has no more.
    pub(super) async fn bring_all(&self) -> anyhow::Result<Vec<StorageKey>> {
        let ours = self.ours().await?;
        let mut extra = ours.clone();
        let mut after = None;
        loop {
            let query = after.map(|key: StorageKey| format!("?after={key}")).unwrap_or_default();
            let page: Vec<StoredBlob> = self.peer.get(&format!("blobs{query}")).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.key);
            let missing = page.iter().filter(|blob| ours.get(&blob.key) != Some(&blob.size_bytes)).copied();
            let missing: Vec<_> = missing.collect();
            for blob in &page {
                extra.remove(&blob.key);
            }
            let bringing = stream::iter(missing).map(|blob| self.bring(blob, None));
            bringing.buffer_unordered(AT_ONCE).try_collect::<()>().await?;
        }
        Ok(extra.into_keys().collect())
    }

    async fn ours(&self) -> anyhow::Result<HashMap<StorageKey, u64>> {
        let (mut ours, mut after) = (HashMap::new(), None);
        loop {
            let page = self.store.list(after, PAGE).await.context("list our own blobs")?;
            let Some(last) = page.last() else { return Ok(ours) };
            after = Some(last.key);
            ours.extend(page.iter().map(|stored| (stored.key, stored.size_bytes)));
        }
    }
}
