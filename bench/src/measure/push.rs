//! Pushing: one large blob, many small ones, whole images.

use std::time::Instant;

use anyhow::Result;

use super::{Side, samples};
use crate::client;
use crate::content::{Blob, Image, LargeBlob};
use crate::figure::{Sample, Unit};
use crate::http::Connection;
use crate::load::Load;
use crate::process;

/// The bytes of a small blob.
pub(crate) const SMALL_BYTES: usize = 4096;

/// The layers of a small image.
pub(crate) const SMALL_LAYERS: [usize; 2] = [4096, 65_536];

/// One large blob, from the first byte to the last answer.
pub(super) async fn large(side: &Side, mebibytes: u64) -> Result<Vec<Sample>> {
    let mut blob = LargeBlob::new(mebibytes);
    let mut connection = Connection::open(side.server.address).await?;
    // What others have written must not be waited for by our own sync.
    rustix::fs::sync();
    process::forget_peak(side.server.id())?;
    let (cpu_before, own_before, start) = (side.server.cpu_time()?, process::own_cpu_time()?, Instant::now());
    client::push_large(&mut connection, "bench/pushed", &mut blob).await?;
    let elapsed = start.elapsed().as_secs_f64();
    let cpu = side.server.cpu_time()? - cpu_before;
    let (_, peak) = process::memory(side.server.id())?;
    Ok(vec![
        Sample::new("time", Unit::Seconds, elapsed),
        Sample::new("server's CPU", Unit::CpuSeconds, cpu.as_secs_f64()),
        Sample::new("server's resident memory at most", Unit::Mebibytes, mebibytes_of(peak)),
        share(process::own_cpu_time()?.saturating_sub(own_before).as_secs_f64() / elapsed),
    ])
}

fn share(value: f64) -> Sample {
    Sample::new("load generator's share of a core", Unit::Share, value)
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
pub(crate) fn mebibytes_of(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// New small blobs, each connection into a repository of its own.
pub(super) async fn blobs(side: &Side, load: Load) -> Result<Vec<Sample>> {
    rustix::fs::sync();
    let pushed = load.run(&side.server, async |connection, turn| {
        client::push_blob(connection, &repository(turn.connection), &Blob::new(SMALL_BYTES)).await
    });
    Ok(samples("blobs", &pushed.await?))
}

/// New small images, each connection into a repository of its own.
pub(super) async fn images(side: &Side, load: Load) -> Result<Vec<Sample>> {
    rustix::fs::sync();
    let pushed = load.run(&side.server, async |connection, turn| {
        client::push_image(connection, &repository(turn.connection), &Image::new(&SMALL_LAYERS), "latest").await
    });
    Ok(samples("images", &pushed.await?))
}

/// The repository of a connection.
pub(crate) fn repository(connection: usize) -> String {
    format!("bench/push{connection}")
}
