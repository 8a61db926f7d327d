//! Sending: pieces become parts, a few of them on their way at once, and what is left becomes the tail.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use object_store::path::Path;
use tokio::task::JoinHandle;

use super::bucket::Bucket;
use super::layout::Layout;
use super::pieces::Pieces;
use super::place::{Mark, Parts, Place, Tail};
use super::schedule::{self, Sizes};
use super::trouble::Trouble;
use super::{remote, upload_error};
use crate::blocking;
use crate::error::Error;
use crate::fence::Claim;
use crate::key::UploadKey;

/// One append on its way to the bucket.
pub(super) struct Sending {
    bucket: Arc<Bucket>,
    layout: Layout,
    claim: Arc<Claim>,
    upload: UploadKey,
    blob: Path,
    before: Place,
    /// Whether the bytes of the tail before are among the pieces.
    has_taken_tail: bool,
    parts: Option<Parts>,
    tail: Option<Tail>,
    pieces: Pieces,
    on_the_way: VecDeque<JoinHandle<Result<String, Trouble>>>,
}

impl Sending {
    pub(super) fn new(bucket: Arc<Bucket>, layout: Layout, claim: Arc<Claim>, before: Place) -> Self {
        let upload = claim.upload;
        Self {
            blob: layout.blob(upload.storage_key()),
            bucket,
            layout,
            claim,
            upload,
            has_taken_tail: false,
            parts: before.parts.clone(),
            tail: before.tail,
            before,
            pieces: Pieces::default(),
            on_the_way: VecDeque::new(),
        }
    }

    /// Adds what came in; waits while enough is on its way.
    pub(super) async fn push(&mut self, piece: Bytes) -> Result<(), Error> {
        if piece.is_empty() {
            return Ok(());
        }
        self.take_tail().await?;
        self.pieces.add(piece);
        while self.pieces.size_bytes() >= self.sizes().gathered_bytes() {
            self.send(self.sizes().usual_bytes).await?;
        }
        Ok(())
    }

    /// Sends the rest and waits until all is stored. Then what the state before the last one needed can go.
    pub(super) async fn settle(&mut self) -> Result<(), Error> {
        // Also where nothing came: whoever goes on from bytes that are gone should learn it here.
        self.take_tail().await?;
        let left_bytes = self.pieces.size_bytes();
        let is_same =
            self.before.tail.is_some_and(|tail| tail.size_bytes == left_bytes as u64) && self.on_the_way.is_empty();
        if left_bytes >= self.sizes().least_bytes {
            self.send(left_bytes).await?;
            self.tail = None;
        } else if !(is_same && self.parts == self.before.parts) {
            self.tail = self.put_tail().await?;
        }
        while self.land().await? {}
        if self.tail != self.before.tail {
            self.drop_stale().await;
        }
        Ok(())
    }

    /// Where the upload's bytes lie now.
    pub(super) fn place(self) -> Place {
        let replaced = self.before.tail.filter(|_| self.tail != self.before.tail).map(|tail| tail.mark);
        let stale = if self.tail == self.before.tail { self.before.stale } else { replaced };
        Place { parts: self.parts, tail: self.tail, stale, is_whole: false }
    }

    /// After a failure: what this append alone has brought is of no use to anybody.
    pub(super) async fn give_back(mut self) {
        while let Some(sent) = self.on_the_way.pop_front() {
            drop(sent.await);
        }
        if let (None, Some(parts)) = (&self.before.parts, &self.parts) {
            let aborted = self.bucket.abort(&self.blob, &parts.id).await;
            let note = self.layout.note(self.upload, parts.note);
            let gone = if aborted.is_ok() { self.bucket.delete(vec![note]).await } else { aborted };
            if let Err(error) = gone {
                tracing::debug!(upload = %self.upload, %error, "the parts of a failed append are left to collection");
            }
        }
    }

    fn sizes(&self) -> Sizes {
        schedule::sizes(self.part_count())
    }

    fn part_count(&self) -> usize {
        self.parts.as_ref().map_or(0, |parts| parts.tags.len()) + self.on_the_way.len()
    }

    /// Reads the tail back once, to send its bytes together with what follows them.
    async fn take_tail(&mut self) -> Result<(), Error> {
        if std::mem::replace(&mut self.has_taken_tail, true) {
            return Ok(());
        }
        let Some(tail) = self.before.tail else { return Ok(()) };
        let path = self.layout.tail(self.upload, tail.mark);
        let bytes = self.bucket.get(&path).await.map_err(upload_error("get", self.upload, &path))?;
        if bytes.len() as u64 != tail.size_bytes {
            let (expected_bytes, found_bytes) = (tail.size_bytes, bytes.len() as u64);
            return Err(Error::UploadLost { upload: self.upload, expected_bytes, found_bytes });
        }
        self.pieces.add(bytes);
        Ok(())
    }

    async fn put_tail(&mut self) -> Result<Option<Tail>, Error> {
        let size_bytes = self.pieces.size_bytes() as u64;
        if size_bytes == 0 {
            return Ok(None);
        }
        let tail = Tail { mark: Mark::generate(), size_bytes };
        let path = self.layout.tail(self.upload, tail.mark);
        let pieces = self.pieces.take(usize::MAX);
        self.bucket.put(&path, pieces).await.map_err(upload_error("put", self.upload, &path))?;
        Ok(Some(tail))
    }

    /// Sends the first bytes of what was gathered as a part.
    async fn send(&mut self, size_bytes: usize) -> Result<(), Error> {
        let index = self.part_count();
        if index >= schedule::PARTS {
            return Err(remote("extend", self.blob.as_ref())(Trouble::TooLarge));
        }
        let id = self.begin_parts().await?;
        while self.on_the_way.len() >= self.sizes().at_once {
            self.land().await?;
        }
        let pieces = self.pieces.take(size_bytes);
        let (bucket, blob, claim) = (Arc::clone(&self.bucket), self.blob.clone(), Arc::clone(&self.claim));
        self.on_the_way.push_back(tokio::spawn(async move {
            let put = bucket.put_part(&blob, &id, index, pieces).await;
            // Held until here: the next writer uses the same numbers.
            drop(claim);
            put
        }));
        Ok(())
    }

    /// What the endpoint calls the parts of this upload. The note comes before the first of them.
    async fn begin_parts(&mut self) -> Result<String, Error> {
        if let Some(parts) = &self.parts {
            return Ok(parts.id.clone());
        }
        let failed = upload_error("begin parts of", self.upload, &self.blob);
        let id = self.bucket.begin_parts(&self.blob).await.map_err(failed)?;
        let note = Mark::generate();
        // Known from here on, so that it is given back should the note fail.
        self.parts = Some(Parts { id: id.clone(), note, tags: Vec::new() });
        let path = self.layout.note(self.upload, note);
        let noted = self.bucket.put(&path, vec![Bytes::from(id.clone())]).await;
        noted.map_err(upload_error("put", self.upload, &path))?;
        Ok(id)
    }

    /// Waits for the oldest part on its way; whether there was one.
    async fn land(&mut self) -> Result<bool, Error> {
        let Some(sent) = self.on_the_way.pop_front() else { return Ok(false) };
        let failed = upload_error("put a part of", self.upload, &self.blob);
        let tag = blocking::outcome(sent.await)?.map_err(failed)?;
        if let Some(parts) = &mut self.parts {
            parts.tags.push(tag);
        }
        Ok(true)
    }

    /// Whoever went on from the state before the last one has lost: its tail can go.
    async fn drop_stale(&self) {
        let Some(stale) = self.before.stale else { return };
        let path = self.layout.tail(self.upload, stale);
        if let Err(error) = self.bucket.delete(vec![path]).await {
            tracing::debug!(upload = %self.upload, %error, "an old tail is left to the upload's end");
        }
    }
}
