//! The floor of uploads: `tee FILE | sha256sum`, and the file synced. Nobody who keeps and hashes bytes is much faster.

use std::fs::File;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use futures_util::future::try_join_all;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use super::Prepared;
use crate::content::{LargeBlob, LargeBlobs};
use crate::figure::{Quantity, Sample};

/// One round: so many pipes at once, each begun anew for every blob.
pub(crate) async fn round(
    folder: &Path,
    prepared: &Prepared,
    (clients, time): (usize, Duration),
) -> Result<Vec<Sample>> {
    let Prepared::Large(blobs) = prepared else { return Ok(Vec::new()) };
    let folder = tempfile::tempdir_in(folder)?;
    rustix::fs::sync();
    let start = Instant::now();
    let pipes = (0..clients).map(|client| fill(folder.path(), client, blobs, start + time));
    let count: usize = try_join_all(pipes).await?.into_iter().sum();
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    let rate = count as f64 / start.elapsed().as_secs_f64();
    Ok(vec![Sample::new(Quantity::Rate, rate)])
}

async fn fill(folder: &Path, client: usize, blobs: &LargeBlobs, end: Instant) -> Result<usize> {
    let mut count = 0;
    while count == 0 || Instant::now() < end {
        one(&folder.join(format!("{client}-{count}")), &blobs.next()).await?;
        count += 1;
    }
    Ok(count)
}

async fn one(path: &Path, blob: &LargeBlob<'_>) -> Result<()> {
    let mut shell = Command::new("sh");
    shell.args(["-c", "tee \"$0\" | sha256sum"]).arg(path).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = shell.kill_on_drop(true).spawn().context("run `tee FILE | sha256sum`")?;
    let mut input = child.stdin.take().context("a pipe has an input")?;
    for block in blob.blocks() {
        input.write_all(block).await?;
    }
    drop(input);
    let output = child.wait_with_output().await?;
    let (_, hash) = blob.digest.split_once(':').context("a digest has an algorithm")?;
    ensure!(output.stdout.starts_with(hash.as_bytes()), "the pipe hashed something else");
    let path = path.to_owned();
    Ok(tokio::task::spawn_blocking(move || File::open(path)?.sync_all()).await??)
}
