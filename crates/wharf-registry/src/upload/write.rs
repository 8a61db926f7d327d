//! Writing a chunk, so that it counts even when the client is gone.

use std::pin::Pin;
use std::task::{Context as Poller, Poll};

use bytes::Bytes;
use futures_core::Stream;
use uuid::Uuid;
use wharf_blob::{Body, BodyError};
use wharf_context::{Permit, Push};

use super::{Chunk, Record, WORTH_A_LOOK, rule, store};
use crate::error::Error;
use crate::registry::Registry;

/// After so many bytes the row is brought up to date: what a client loses at most when the server is killed.
const SEGMENT_BYTES: u64 = 128 << 20;

/// What comes after a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Another one, perhaps: the row says where the upload stands.
    Chunk,
    /// The upload's end, at once. Its row goes, so when all went well it is not brought up to date before: that would
    /// be one more commit to wait for. Should the end fail, the row still tells a place that the client can go on from.
    Commit,
}

impl Registry {
    /// Appends a chunk in a task of its own: a request that is dropped half-way must not leave durable bytes that
    /// the row does not know of.
    pub(super) async fn write_chunk(
        &self,
        permit: Permit<Push>,
        id: Uuid,
        chunk: Chunk,
        next: Next,
    ) -> Result<Record, Error> {
        let registry = self.clone();
        let task = tokio::spawn(async move {
            let record = registry.load_upload(&permit, id).await?;
            let appended = registry.append_segments(&permit, record.clone(), chunk, next).await;
            if matches!(appended, Err(Error::QuotaExceeded { .. })) {
                registry.discard(&record).await?;
            }
            appended
        });
        task.await.map_err(|_| Error::Interrupted(id))?
    }

    async fn append_segments(
        &self,
        permit: &Permit<Push>,
        mut record: Record,
        chunk: Chunk,
        next: Next,
    ) -> Result<Record, Error> {
        let _receiving = self.counters.receiving();
        let (id, begin) = (record.id, record.state.offset);
        let stated = rule::check_start(id, begin, chunk.range)?;
        let whole = chunk.stated_bytes().map(|length_bytes| begin.saturating_add(length_bytes));
        let mut rest = Some(chunk.body);
        while let Some(body) = rest.take() {
            // What the client does not say is looked at as it comes, segment by segment.
            let expected = whole.unwrap_or(record.state.offset);
            if expected >= WORTH_A_LOOK {
                self.check_room(permit, expected).await?;
            }
            let (segment, remainder) = split(body);
            let appended = self.store.append(&record.key, record.state, segment).await;
            record.state = appended.state;
            rest = remainder.await.ok();
            let mut ended = appended.end.map_err(Error::upload(id));
            if ended.is_ok() && rest.is_none() {
                ended = rule::check_size(stated, record.state.offset - begin);
            }
            if next == Next::Chunk || rest.is_some() || ended.is_err() {
                self.db.transaction(async |tx| store::update(tx, &record).await).await?;
                record.generation += 1;
            }
            ended?;
        }
        Ok(record)
    }
}

/// Cuts a body after [`SEGMENT_BYTES`]; the rest comes out of the receiver when the segment was read to its end and
/// more may follow.
fn split(body: Body) -> (Body, tokio::sync::oneshot::Receiver<Body>) {
    let (rest, receiver) = tokio::sync::oneshot::channel();
    (Box::pin(Segment { body: Some(body), left: SEGMENT_BYTES, rest: Some(rest) }), receiver)
}

struct Segment {
    body: Option<Body>,
    left: u64,
    rest: Option<tokio::sync::oneshot::Sender<Body>>,
}

impl Stream for Segment {
    type Item = Result<Bytes, BodyError>;

    fn poll_next(mut self: Pin<&mut Self>, poller: &mut Poller<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let Some(body) = this.body.as_mut() else { return Poll::Ready(None) };
        if this.left > 0 {
            let item = body.as_mut().poll_next(poller);
            if let Poll::Ready(Some(Ok(bytes))) = &item {
                this.left = this.left.saturating_sub(bytes.len() as u64);
            }
            if let Poll::Ready(None) = &item {
                this.body = None;
            }
            return item;
        }
        if let (Some(body), Some(rest)) = (this.body.take(), this.rest.take()) {
            drop(rest.send(body));
        }
        Poll::Ready(None)
    }
}
