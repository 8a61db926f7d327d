//! Verifying the log where it lies, a stretch at a time; and finding a stretch by its time.

use std::ops::RangeInclusive;
use std::time::Duration;

use wharf_context::{Context, Timestamp};
use wharf_db::audit::{AuditRecord, Checkpoint, Link};

use super::checkpoint::CheckpointKeys;
use super::verify::{ChainVerifier, Fault, Others, Proof};
use crate::error::Error;
use crate::identity::Identity;

/// How many rows are looked at in one request.
const STRETCH_ROWS: i64 = 20_000;
/// How much later than another a row may be sealed that was written before it, with a wide margin.
const AROUND: Duration = Duration::from_secs(300);
/// How many are read at a time.
const READ_ROWS: u32 = 1_000;

/// What a stretch of the log is worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The last row that was looked at.
    pub last: i64,
    /// What is proven of this stretch.
    pub proof: Proof,
    /// The first thing that is wrong.
    pub fault: Option<Fault>,
    /// Where to go on; `None` at the end of the log, and where something is wrong.
    pub next: Option<i64>,
}

impl Identity {
    /// Verifies the log from the row behind `after`, some thousand rows, against its checkpoints and the registry's keys.
    pub async fn verify_audit(&self, ctx: &Context, after: i64) -> Result<Verified, Error> {
        self.read_audit(ctx).await?;
        let start = match after {
            ..=0 => Link::ORIGIN,
            after => {
                let row = self.db.get_chained(after).await?;
                row.and_then(|row| row.link).ok_or(Error::BadPage)?
            }
        };
        let keys = self.db.list_audit_keys().await?;
        let keys = CheckpointKeys::new(keys.into_iter().map(|key| key.public_key));
        let mut verifier = ChainVerifier::new(start, keys, Others::Refused);
        let (end, fault) = self.walk(&mut verifier, start.sequence + STRETCH_ROWS).await?;
        let last = verifier.end().sequence;
        let is_over = fault.is_some() || end == End::OfLog;
        Ok(Verified { last, proof: verifier.proof().clone(), fault, next: (!is_over).then_some(last) })
    }

    /// Goes on until row `until`, the end of the log, or the first fault.
    async fn walk(&self, verifier: &mut ChainVerifier, until: i64) -> Result<(End, Option<Fault>), Error> {
        while verifier.end().sequence < until {
            let after = verifier.end().sequence;
            let rows = self.db.list_chain(after, READ_ROWS).await?;
            let checkpoints = self.db.list_checkpoints(after, READ_ROWS).await?;
            let is_end = rows.is_empty();
            if let Err(fault) = look(verifier, &rows, &checkpoints) {
                return Ok((End::OfLog, Some(fault)));
            }
            if is_end {
                return Ok((End::OfLog, self.missing_end(after).await?));
            }
        }
        Ok((End::OfStretch, None))
    }

    /// Whether rows are missing behind `found`, where the log seemed to end.
    async fn missing_end(&self, found: i64) -> Result<Option<Fault>, Error> {
        let signed = self.db.last_checkpoint().await?.map_or(0, |checkpoint| checkpoint.sequence);
        let wanted = self.db.audit_head().await?.sequence.max(signed);
        // Rows may have been sealed since.
        let is_missing = wanted > found && self.db.list_chain(found, 1).await?.is_empty();
        Ok(is_missing.then_some(Fault::Truncated { wanted, found }))
    }

    /// The rows of the chain that were written from `from` until before `to`: the numbers of the first and of the last. Rows
    /// of some minutes before and after belong to them: a chain is in the order of commits, not quite in that of time.
    pub async fn audit_range(
        &self,
        ctx: &Context,
        from: Option<Timestamp>,
        to: Option<Timestamp>,
    ) -> Result<RangeInclusive<i64>, Error> {
        self.read_audit(ctx).await?;
        let first = match from {
            Some(from) => self.db.find_chained(from.minus(AROUND)).await?,
            None => 1,
        };
        let last = match to {
            Some(to) => self.db.find_chained(to.plus(AROUND)).await? - 1,
            None => self.db.audit_head().await?.sequence,
        };
        Ok(first..=last)
    }
}

/// Looks at rows that follow, and at the checkpoints behind those that they cover.
fn look(verifier: &mut ChainVerifier, rows: &[AuditRecord], checkpoints: &[Checkpoint]) -> Result<(), Fault> {
    let mut checkpoints = checkpoints.iter().peekable();
    for row in rows {
        verifier.row(row)?;
        let here = verifier.end().sequence;
        if let Some(checkpoint) = checkpoints.next_if(|next| next.sequence <= here) {
            verifier.checkpoint(&checkpoint.document)?;
        }
    }
    Ok(())
}

/// Where a walk ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    OfLog,
    OfStretch,
}
