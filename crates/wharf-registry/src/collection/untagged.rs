//! Manifests that nothing needs any more: without a tag, and no part of an index or of another manifest's referrers.
//!
//! Whatever takes a tag, an index or a subject's referrer away notes the manifest that it was about
//! ([`store::note`]). Where the operator has set a time, what was noted so long ago is looked at, and goes to the bin if
//! nothing needs it. The decision is `rule`'s.

pub(crate) mod store;

use wharf_db::Tx;

use self::store::Place;
use super::BATCH;
use super::rule::{self, Verdict};
use crate::bin;
use crate::error::Error;
use crate::registry::Registry;

/// How many manifests are decided on in one transaction.
const AT_ONCE: usize = 100;

/// What became of a batch.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Untagged {
    /// How many were looked at.
    pub(super) taken: usize,
    /// How many went to the bin.
    pub(super) binned: usize,
}

impl Registry {
    pub(super) async fn review_untagged(&self) -> Result<Untagged, Error> {
        let Some(after) = self.settings.untagged_after else { return Ok(Untagged::default()) };
        let due = store::due(&self.db, self.clock.now().minus(after), BATCH).await?;
        let mut untagged = Untagged { taken: due.len(), binned: 0 };
        for batch in due.chunks(AT_ONCE) {
            untagged.binned += self.judge_untagged(batch, after).await?;
        }
        Ok(untagged)
    }

    async fn judge_untagged(&self, batch: &[store::Review], after: std::time::Duration) -> Result<usize, Error> {
        let keep = self.settings.bin_keep;
        self.db
            .transaction(async |tx| {
                let mut binned = 0;
                for review in batch {
                    let place = (review.repository, &review.digest);
                    // Somebody may have noted it anew, or another worker decided on it.
                    if !store::take(tx, review).await? {
                        continue;
                    }
                    let needs = store::needs(tx, place, &self.settings.environments).await?;
                    match rule::judge(&needs, tx.now(), keep) {
                        Verdict::Forget => {}
                        Verdict::Wait(since_at) => store::note_since(tx, place, since_at.minus(after)).await?,
                        Verdict::Bin if self.must_stay(tx, place).await? => store::note(tx, place).await?,
                        Verdict::Bin => binned += bin::put(tx, place, keep).await?,
                    }
                }
                Ok(binned)
            })
            .await
    }

    /// Whether somebody has a hand on a manifest that nothing in its repository needs.
    async fn must_stay(&self, tx: &mut Tx<'_>, place: Place<'_>) -> Result<bool, Error> {
        let Some(admission) = &self.admission else { return Ok(false) };
        let resting = store::resting(tx, place).await?;
        Ok(!admission.must_stay(tx, &[resting]).await?.is_empty())
    }
}
