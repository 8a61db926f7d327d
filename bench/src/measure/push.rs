//! Pushing: small blobs, tags, mounts, layers. Nothing is pushed twice.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use anyhow::Result;

use super::{Side, samples};
use crate::client;
use crate::content::{Blob, Image, LargeBlobs};
use crate::figure::Sample;
use crate::http::Connection;
use crate::load::Load;
use crate::process;

/// The bytes of a small blob.
const SMALL_BYTES: usize = 1024;

/// Where mounted blobs come from.
const SOURCE: &str = "bench/source";

/// Numbers what is made only once: tags, and repositories to mount into.
static SERIAL: AtomicUsize = AtomicUsize::new(0);

/// New small blobs, each connection into a repository of its own.
pub(super) async fn blobs(side: &Side, load: Load) -> Result<Vec<Sample>> {
    begin(side)?;
    let pushed = load.run(&side.server, async |connection, turn| {
        client::push_blob(connection, &repository(turn.connection), &Blob::new(SMALL_BYTES)).await
    });
    samples(&side.server, &pushed.await?)
}

/// Pushes an image that is tagged, or whose blobs are mounted.
pub(super) async fn image(side: &Side) -> Result<Image> {
    let (mut connection, image) = (Connection::open(side.server.address).await?, Image::new(&[SMALL_BYTES; 20]));
    client::push_image(&mut connection, SOURCE, &image, "v1").await?;
    Ok(image)
}

/// New tags of one manifest, all in one repository.
pub(super) async fn tags(side: &Side, load: Load, image: &Image) -> Result<Vec<Sample>> {
    begin(side)?;
    let put = load.run(&side.server, async |connection, _| {
        let tag = format!("t{}", SERIAL.fetch_add(1, Relaxed));
        client::put_manifest(connection, SOURCE, &image.manifest, &tag).await
    });
    samples(&side.server, &put.await?)
}

/// Mounts of a few blobs into repositories that do not have them: all blobs into one, then all into the next.
pub(super) async fn mounts(side: &Side, load: Load, image: &Image) -> Result<Vec<Sample>> {
    begin(side)?;
    let mounted = load.run(&side.server, async |connection, _| {
        let number = SERIAL.fetch_add(1, Relaxed);
        let blob = &image.blobs[number % image.blobs.len()];
        let repository = format!("bench/mount{}", number / image.blobs.len());
        client::mount(connection, &blob.digest, SOURCE, &repository).await
    });
    samples(&side.server, &mounted.await?)
}

/// New layers, onto a server of the round's own: what it has written goes with it.
pub(super) async fn large(side: &Side, load: Load, blobs: &LargeBlobs) -> Result<Vec<Sample>> {
    let folder = tempfile::tempdir_in(&side.folder)?;
    let server = side.program.start(folder.path()).await?;
    // What others have written must not be waited for by our own sync.
    rustix::fs::sync();
    let load = Load { is_warmed_up: false, ..load };
    let pushed = load.run(&server, async |connection, turn| {
        client::push_large(connection, &repository(turn.connection), &blobs.next()).await
    });
    let samples = samples(&server, &pushed.await?);
    server.end().await?;
    samples
}

fn begin(side: &Side) -> Result<()> {
    rustix::fs::sync();
    process::forget_peak(side.server.id())
}

/// The repository of a connection.
pub(crate) fn repository(connection: usize) -> String {
    format!("bench/push{connection}")
}
