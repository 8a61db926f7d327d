//! Files as streams, in both directions, off the threads that serve requests.

use std::fs::File;
use std::io::{self, Read as _, Write as _};

use bytes::Bytes;
use futures_util::stream::{self, BoxStream};
use futures_util::{Stream, StreamExt as _};

const PIECE_BYTES: usize = 256 << 10;

/// The rest of a file.
pub(super) fn stream(file: File) -> BoxStream<'static, io::Result<Bytes>> {
    let pieces = stream::try_unfold(file, |mut file: File| async move {
        let read = tokio::task::spawn_blocking(move || {
            let mut piece = vec![0; PIECE_BYTES];
            let length = file.read(&mut piece)?;
            piece.truncate(length);
            Ok::<_, io::Error>((!piece.is_empty()).then(|| (Bytes::from(piece), file)))
        });
        read.await.map_err(io::Error::other)?
    });
    pieces.boxed()
}

/// Writes all pieces into a file; says how many bytes they were.
pub(super) async fn write<E>(
    mut file: File,
    pieces: impl Stream<Item = Result<Bytes, E>>,
) -> anyhow::Result<(File, u64)>
where
    E: std::error::Error + Send + Sync + 'static,
{
    let mut pieces = std::pin::pin!(pieces);
    let mut size_bytes = 0;
    while let Some(piece) = pieces.next().await {
        let piece = piece?;
        size_bytes += piece.len() as u64;
        file = tokio::task::spawn_blocking(move || file.write_all(&piece).map(|()| file)).await??;
    }
    Ok((file, size_bytes))
}
