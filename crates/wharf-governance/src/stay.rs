//! What must not leave: what stands in an environment, is held or runs; what such stands on; and what is a part of
//! something else.

use wharf_db::Tx;
use wharf_oci::Digest;
use wharf_registry::Registry;
use wharf_registry::keeping::Governed;

use crate::error::Error;
use crate::governance::Governance;
use crate::retention::protections_of;
use crate::{hold, policy};

impl Governance {
    /// Why an image must stay, in a sentence's part; `None` where nothing is against its going. For whoever lets it go in
    /// the same transaction.
    pub async fn why_it_stays(
        &self,
        tx: &mut Tx<'_>,
        place: Governed<'_>,
        digest: &Digest,
    ) -> Result<Option<String>, Error> {
        let project = place.0.project();
        let lease = policy::in_force(tx, project).await?.policy.retention.running_lease;
        let seen_since = tx.now().minus(lease.duration());
        let protections = protections_of(tx, &self.registry, place, (digest, seen_since)).await?;
        if let Some(first) = protections.iter().min() {
            return Ok(Some(first.to_string()));
        }
        if hold::is_on(tx, (project, place.1), digest).await? {
            return Ok(Some("a hold is on something that it is a part of, or that is a part of it".to_owned()));
        }
        if !Registry::needed(tx, place, &[*digest]).await?.is_empty() {
            return Ok(Some("it belongs to another manifest that stands there, and goes with that one".to_owned()));
        }
        Ok(None)
    }
}
