//! A blob on its way from a source to somebody who takes its bytes on another thread.

use std::io::{self, Read};
use std::time::Duration;

use bytes::{Buf as _, Bytes};
use futures_util::StreamExt as _;
use tokio::sync::mpsc;
use wharf_oci::ports::{Progress, Verifier};
use wharf_oci::{ContentError, ContentErrorKind, Descriptor, Source};

use crate::error::Error;

/// How often a source is opened anew that gives no byte in between.
const MAX_TRIES: u32 = 5;
/// How long to wait before the second try; twice as long before each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// How many pieces wait.
const AHEAD: usize = 4;

/// A blob's bytes in order, compared with its descriptor. Only once they have ended without an error are they right.
pub(crate) struct Pieces {
    receiver: mpsc::Receiver<Bytes>,
    /// `None` when all was compared.
    verifier: Option<Verifier>,
    rest: Bytes,
}

impl Pieces {
    /// The next piece; `None` at the end. Blocks.
    pub(crate) fn next_piece(&mut self) -> Result<Option<Bytes>, ContentError> {
        let Some(verifier) = &mut self.verifier else { return Ok(None) };
        let Some(piece) = self.receiver.blocking_recv() else {
            return self.verifier.take().map_or(Ok(()), |verifier| verifier.finish()).map(|()| None);
        };
        verifier.update(verifier.position(), &piece)?;
        Ok(Some(piece))
    }
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.rest.is_empty() {
            match self.next_piece().map_err(io::Error::other)? {
                Some(piece) => self.rest = piece,
                None => return Ok(0),
            }
        }
        let count = self.rest.len().min(buffer.len());
        self.rest.copy_to_slice(&mut buffer[..count]);
        Ok(count)
    }
}

/// Gives a blob's bytes to `take`, which may block. What breaks in the middle goes on there.
pub(crate) async fn feed<T: Send + 'static>(
    descriptor: &Descriptor,
    source: &dyn Source,
    progress: Progress<'_>,
    take: impl FnOnce(Pieces) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let (sender, receiver) = mpsc::channel(AHEAD);
    let pieces = Pieces { receiver, verifier: Some(Verifier::new(descriptor)), rest: Bytes::new() };
    let taken = tokio::task::spawn_blocking(move || take(pieces));
    let sent = send(descriptor, source, progress, sender).await;
    let taken = taken.await.map_err(|_| Error::Stopped)?;
    // Where the source failed, the bytes are too few as well; where nobody takes more of them, it has not failed.
    sent?;
    taken
}

async fn send(
    descriptor: &Descriptor,
    source: &dyn Source,
    progress: Progress<'_>,
    sender: mpsc::Sender<Bytes>,
) -> Result<(), ContentError> {
    let (mut position, mut tries) = (0, 0);
    loop {
        let before = position;
        match send_once(descriptor, source, progress, (&sender, &mut position)).await {
            Err(error) if error.kind == ContentErrorKind::Unavailable => {
                tries = if position > before { 1 } else { tries + 1 };
                if tries == MAX_TRIES {
                    return Err(error);
                }
                tokio::time::sleep(FIRST_PAUSE * (1 << (tries - 1))).await;
            }
            outcome => return outcome,
        }
    }
}

/// Sends what the source gives from `position` on, and moves it.
async fn send_once(
    descriptor: &Descriptor,
    source: &dyn Source,
    progress: Progress<'_>,
    (sender, position): (&mpsc::Sender<Bytes>, &mut u64),
) -> Result<(), ContentError> {
    let mut stream = source.blob(descriptor, *position).await?;
    while let Some(piece) = stream.next().await {
        let piece = piece?;
        let count = piece.len() as u64;
        // Whoever takes them has ended, and says why.
        if sender.send(piece).await.is_err() {
            return Ok(());
        }
        *position += count;
        progress(*position);
    }
    Ok(())
}
