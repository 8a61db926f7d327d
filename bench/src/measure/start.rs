//! Starting: on an empty folder, and again on what is there then.

use std::time::Duration;

use anyhow::Result;

use super::{Side, push};
use crate::figure::{Sample, Unit};
use crate::process;

/// How long a server is left alone before its memory is looked at.
const QUIET: Duration = Duration::from_secs(2);

/// Starts servers of its own, one after the other, in a new folder.
pub(super) async fn twice(side: &Side) -> Result<Vec<Sample>> {
    let folder = tempfile::tempdir_in(&side.folder)?;
    let first = side.program.start(folder.path()).await?;
    let first_time = first.start_time;
    first.end().await?;
    let second = side.program.start(folder.path()).await?;
    let second_time = second.start_time;
    tokio::time::sleep(QUIET).await;
    let (memory, _) = process::memory(second.id())?;
    second.end().await?;
    Ok(vec![
        Sample::new("first start until the first answer", Unit::Milliseconds, millis(first_time)),
        Sample::new("later start until the first answer", Unit::Milliseconds, millis(second_time)),
        Sample::new("resident memory when idle", Unit::Mebibytes, push::mebibytes_of(memory)),
    ])
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
