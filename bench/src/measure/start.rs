//! Starting: on an empty folder, and again on what is there then.

use std::time::Duration;

use anyhow::Result;

use super::Side;
use crate::figure::{Quantity, Sample};

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
    let idle = second.memory()?.now_mebibytes();
    second.end().await?;
    Ok(vec![
        Sample::new(Quantity::FirstStart, millis(first_time)),
        Sample::new(Quantity::LaterStart, millis(second_time)),
        Sample::new(Quantity::Idle, idle),
    ])
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
