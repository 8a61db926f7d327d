//! One file: its digest, and its bytes from an offset. Both are read on threads that may wait.

use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::PathBuf;

use bytes::Bytes;
use futures_util::stream;
use tokio::sync::mpsc;
use wharf_oci::ports::{ByteStream, Hashing};
use wharf_oci::{Algorithm, ContentError, ContentErrorKind, Digest};

const PIECE_BYTES: usize = 256 * 1024;
const AHEAD_PIECES: usize = 2;

#[derive(Debug, Clone)]
pub(super) struct File(pub(super) PathBuf);

impl File {
    /// Digest and size.
    pub(super) async fn digest(self) -> Result<(Digest, u64), ContentError> {
        let read = move || {
            let mut hashing = Hashing::new(Algorithm::Sha256);
            let mut size = 0;
            self.pieces(0, |piece| {
                hashing.update(&piece);
                size += piece.len() as u64;
                true
            })
            .map_err(|error| self.failed(error))?;
            Ok((hashing.finish(), size))
        };
        tokio::task::spawn_blocking(read).await.expect("reading a file does not panic, and nobody stops it")
    }

    /// The bytes from `offset`.
    pub(super) fn stream(self, offset: u64) -> ByteStream {
        let (sender, mut receiver) = mpsc::channel(AHEAD_PIECES);
        drop(tokio::task::spawn_blocking(move || {
            let read = self.pieces(offset, |piece| sender.blocking_send(Ok(piece)).is_ok());
            if let Err(error) = read {
                // Who does not listen any more has no use for the reason.
                drop(sender.blocking_send(Err(self.failed(error))));
            }
        }));
        Box::pin(stream::poll_fn(move |cx| receiver.poll_recv(cx)))
    }

    /// Reads piece after piece until the end, or until nobody wants more.
    fn pieces(&self, offset: u64, mut take: impl FnMut(Bytes) -> bool) -> io::Result<()> {
        let mut file = std::fs::File::open(&self.0)?;
        file.seek(SeekFrom::Start(offset))?;
        loop {
            let mut piece = Vec::with_capacity(PIECE_BYTES);
            let count = (&file).take(PIECE_BYTES as u64).read_to_end(&mut piece)?;
            if count == 0 || !take(piece.into()) {
                return Ok(());
            }
        }
    }

    fn failed(&self, error: io::Error) -> ContentError {
        ContentError::caused(ContentErrorKind::Internal, format!("cannot read `{}`", self.0.display()), error)
    }
}
