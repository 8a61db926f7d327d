//! What the machine itself can do: nobody who hashes and syncs is faster than this.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::content::{BLOCK_BYTES, Blob, LargeBlobs};
use crate::figure::digits;

const SYNCS: u32 = 200;
const MEBIBYTES: u64 = 1024;

/// The lines of the description.
pub(crate) fn measure(folder: &Path) -> Result<Vec<String>> {
    let gibibyte = |time: Duration| format!("{} s", digits(time.as_secs_f64()));
    let (write, sync) = (large_write(folder)?, small_sync(folder)?);
    let hash = Instant::now();
    drop(LargeBlobs::of(MEBIBYTES));
    Ok(vec![
        format!("a write of 4 KiB and its fdatasync take {} ms", digits(sync.as_secs_f64() * 1e3)),
        format!(
            "writing and syncing 1 GiB takes {}, hashing it (SHA-256, one core) {}",
            gibibyte(write),
            gibibyte(hash.elapsed())
        ),
    ])
}

fn small_sync(folder: &Path) -> Result<Duration> {
    let mut file = tempfile::tempfile_in(folder)?;
    let block = Blob::new(4096).bytes;
    let start = Instant::now();
    for _ in 0..SYNCS {
        file.write_all(&block)?;
        file.sync_data()?;
    }
    Ok(start.elapsed() / SYNCS)
}

fn large_write(folder: &Path) -> Result<Duration> {
    let mut file: File = tempfile::tempfile_in(folder)?;
    let block = Blob::new(BLOCK_BYTES).bytes;
    rustix::fs::sync();
    let start = Instant::now();
    for _ in 0..MEBIBYTES {
        file.write_all(&block)?;
    }
    file.sync_data()?;
    Ok(start.elapsed())
}
