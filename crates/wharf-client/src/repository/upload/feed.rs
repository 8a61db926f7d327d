//! What feeds an upload: a blob's bytes, read from any offset, compared on the way.

use std::time::Duration;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use tokio::sync::mpsc;
use tokio::time::timeout;
use wharf_http::Body;
use wharf_oci::ports::{ByteStream, Progress, Verifier};
use wharf_oci::{ContentError, ContentErrorKind, Descriptor, Source};

/// Pieces on their way to the socket: enough that reading and sending overlap.
const QUEUE_PIECES: usize = 4;

/// A request's body that is filled while it is sent, and what fills it.
pub(super) fn channel() -> (mpsc::Sender<Result<Bytes, ContentError>>, Body) {
    let (sender, mut receiver) = mpsc::channel(QUEUE_PIECES);
    (sender, Body::wrap_stream(futures_util::stream::poll_fn(move |cx| receiver.poll_recv(cx))))
}

/// One blob of a source.
pub(super) struct Feed<'a> {
    descriptor: &'a Descriptor,
    source: &'a dyn Source,
    progress: Progress<'a>,
    patience: Duration,
    verifier: Verifier,
    stream: Option<ByteStream>,
    /// Bytes that were read and not sent yet.
    rest: Bytes,
    /// Where `rest`, else `stream`, goes on.
    position: u64,
}

impl<'a> Feed<'a> {
    pub(super) fn new(
        descriptor: &'a Descriptor,
        source: &'a dyn Source,
        progress: Progress<'a>,
        patience: Duration,
    ) -> Self {
        let verifier = Verifier::new(descriptor);
        Self { descriptor, source, progress, patience, verifier, stream: None, rest: Bytes::new(), position: 0 }
    }

    /// The whole of a small blob, compared.
    pub(super) async fn whole(&mut self) -> Result<Bytes, ContentError> {
        let mut whole = Vec::new();
        self.seek(0);
        while let Some(piece) = self.next(self.descriptor.size).await? {
            whole.extend_from_slice(&piece);
        }
        self.finish()?;
        (self.progress)(self.descriptor.size);
        Ok(whole.into())
    }

    /// Sends the bytes from `offset` to `end`.
    pub(super) async fn send(
        &mut self,
        offset: u64,
        end: u64,
        sender: mpsc::Sender<Result<Bytes, ContentError>>,
    ) -> Result<(), ContentError> {
        self.seek(offset);
        (self.progress)(offset);
        while let Some(piece) = self.next(end).await? {
            let is_taken = timeout(self.patience, sender.send(Ok(piece))).await;
            let is_taken = is_taken.map_err(|_| self.stalled())?;
            if is_taken.is_err() {
                // The request is over. Its outcome says why, and is waited for at the same time.
                tokio::time::sleep(self.patience).await;
                return Err(self.stalled());
            }
            (self.progress)(self.position);
        }
        Ok(())
    }

    /// Whether all bytes were the right ones.
    pub(super) fn finish(&self) -> Result<(), ContentError> {
        self.verifier.finish()
    }

    fn seek(&mut self, offset: u64) {
        if self.position != offset {
            self.stream = None;
            self.rest = Bytes::new();
            self.position = offset;
        }
    }

    /// The next bytes before `end`.
    async fn next(&mut self, end: u64) -> Result<Option<Bytes>, ContentError> {
        if self.position >= end {
            return Ok(None);
        }
        if self.rest.is_empty() {
            self.rest = self.read().await?;
        }
        let wanted = usize::try_from(end - self.position).unwrap_or(usize::MAX).min(self.rest.len());
        let piece = self.rest.split_to(wanted);
        self.position += piece.len() as u64;
        Ok(Some(piece))
    }

    /// Reads some bytes at the position, at least one.
    async fn read(&mut self) -> Result<Bytes, ContentError> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => self.source.blob(self.descriptor, self.position).await?,
        };
        let read = loop {
            match stream.try_next().await? {
                Some(piece) if piece.is_empty() => {}
                Some(piece) => break piece,
                // The comparison knows the words for a blob that is too short.
                None => return Err(self.verifier.finish().err().unwrap_or_else(|| self.stalled())),
            }
        };
        self.verifier.update(self.position, &read)?;
        self.stream = Some(stream);
        Ok(read)
    }

    fn stalled(&self) -> ContentError {
        let seconds = self.patience.as_secs();
        let message = format!("nobody took bytes of blob `{}` for {seconds} s", self.descriptor.digest);
        ContentError::new(ContentErrorKind::Unavailable, message)
    }
}
