//! How far the work has come, for those who wait.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use wharf_registry::{ByteCopy, CopyFigures};

/// How often figures of bytes are looked at.
const LOOK: Duration = Duration::from_millis(500);

/// What is being done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "doing")]
pub(crate) enum Step {
    /// Nothing yet.
    Beginning,
    /// Rows of a table.
    Rows { table: String, rows: u64 },
    /// Blobs: how many are seen to, of how many; and the bytes that had to be copied.
    Bytes { blobs: u64, of_blobs: u64, bytes: u64, of_bytes: u64, copied_blobs: u64, copied_bytes: u64 },
    /// Writes are refused from now on.
    ReadOnly,
}

/// Where steps are told.
pub(crate) type Teller = watch::Sender<Step>;

impl From<&CopyFigures> for Step {
    fn from(figures: &CopyFigures) -> Self {
        Self::Bytes {
            blobs: figures.seen_blobs(),
            of_blobs: figures.expected_blobs(),
            bytes: figures.seen_bytes(),
            of_bytes: figures.expected_bytes(),
            copied_blobs: figures.copied_blobs(),
            copied_bytes: figures.copied_bytes(),
        }
    }
}

/// One pass of a copy, told while it goes on.
pub(crate) async fn pass(copy: &mut ByteCopy, teller: &Teller) -> Result<u64, wharf_registry::Error> {
    let figures = copy.figures();
    let tell = |figures: &Arc<CopyFigures>| teller.send_replace(Step::from(&**figures));
    let watching = async {
        loop {
            tokio::time::sleep(LOOK).await;
            tell(&figures);
        }
    };
    let passed = tokio::select! {
        passed = copy.pass() => passed,
        () = watching => unreachable!("a loop without an end"),
    };
    tell(&figures);
    passed
}

/// What tells of rows.
pub(crate) fn rows(teller: &Teller) -> impl FnMut(wharf_db::CopyStep<'_>) + Send + 'static {
    let teller = teller.clone();
    move |step| {
        teller.send_replace(Step::Rows { table: step.table.to_owned(), rows: step.rows });
    }
}
