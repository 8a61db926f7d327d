//! Policies: what a project demands of its images, as one document per project.
//!
//! Each noun owns the section that is about it, in its own file; here they are listed, read and kept. A project without a
//! policy has the default one, revision 0. A change makes a new revision; the ones before stay readable, because
//! decisions were made under them.

pub(crate) mod store;

use serde::{Deserialize, Serialize};
use serde_json::json;
use wharf_context::{Context, EditPolicy, ProjectId, SeeGovernance, Timestamp, Warrant};
use wharf_db::{AuditEntry, Db, Tx};

use crate::error::Error;
use crate::governance::Governance;
use crate::lineage::LineagePolicy;
use crate::standard::{self, Standards};
use crate::tag_rule::TagPolicy;

/// The largest policy document, in bytes of JSON.
const MAX_POLICY_BYTES: usize = 256 * 1024;

/// What a project demands of its images. Sections that are left out are as they are by default.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// Which tags repositories take, and how versions are counted.
    pub tags: TagPolicy,
    /// What images must stand on.
    #[serde(skip_serializing_if = "is_default")]
    pub lineage: LineagePolicy,
    /// What images of a template must be like.
    #[serde(skip_serializing_if = "is_default")]
    pub standards: Standards,
}

/// What is as it is by default need not be written down.
fn is_default<T: Default + PartialEq>(section: &T) -> bool {
    *section == T::default()
}

impl Policy {
    /// Whether each section means something. Says what is wrong, and where.
    fn check(&self) -> Result<(), Error> {
        let checked = self.tags.check().and_then(|()| self.lineage.check());
        let checked = checked.and_then(|()| standard::policy::check(&self.standards));
        checked.map_err(|reason| Error::PolicyInvalid { reason })
    }
}

/// A policy, and since when and by whom it is in force.
#[derive(Debug, Clone, PartialEq)]
pub struct PolicyRevision {
    /// Counted from 1 in each project; 0 is the default policy of a project that has none.
    pub revision: i64,
    /// The document.
    pub policy: Policy,
    /// Who made it; `None` for the default.
    pub changed_by: Option<String>,
    /// Since when it is in force; `None` for the default.
    pub since: Option<Timestamp>,
}

impl PolicyRevision {
    fn default_of_all() -> Self {
        Self { revision: 0, policy: Policy::default(), changed_by: None, since: None }
    }
}

impl Governance {
    /// A project's policy.
    pub async fn get_policy(&self, warrant: &Warrant<SeeGovernance>) -> Result<PolicyRevision, Error> {
        find(&self.db, warrant.project()).await
    }

    /// Puts another policy in force. With `expected`, only if that revision still is.
    pub async fn put_policy(
        &self,
        ctx: &Context,
        warrant: &Warrant<EditPolicy>,
        policy: &Policy,
        expected: Option<i64>,
    ) -> Result<PolicyRevision, Error> {
        policy.check()?;
        let document = render(policy)?;
        self.db
            .transaction(async |tx| {
                let before = in_force(tx, warrant.project()).await?;
                if expected.is_some_and(|expected| expected != before.revision) {
                    return Err(Error::PolicyChanged { project: warrant.name().clone(), current: before.revision });
                }
                if before.revision > 0 && before.policy == *policy {
                    return Ok(before);
                }
                let revision = before.revision + 1;
                store::put(tx, ctx, warrant.project(), revision, &document).await?;
                let details = json!({ "revision": revision, "before": before.policy, "after": policy });
                let entry = AuditEntry::new(ctx, "policy.put", warrant.name().to_string()).with_details(details);
                tx.audit(&entry).await?;
                Ok(PolicyRevision {
                    revision,
                    policy: policy.clone(),
                    changed_by: Some(ctx.caller.name.clone()),
                    since: Some(tx.now()),
                })
            })
            .await
    }
}

/// The policy that was in force a moment ago, for what decides nothing.
pub(crate) async fn find(db: &Db, project: ProjectId) -> Result<PolicyRevision, Error> {
    Ok(store::find(db, project).await?.unwrap_or_else(PolicyRevision::default_of_all))
}

/// The policy that decides in this transaction.
pub(crate) async fn in_force(tx: &mut Tx<'_>, project: ProjectId) -> Result<PolicyRevision, Error> {
    Ok(store::get(tx, project).await?.unwrap_or_else(PolicyRevision::default_of_all))
}

fn render(policy: &Policy) -> Result<String, Error> {
    let invalid = |reason: String| Error::PolicyInvalid { reason };
    let document = serde_json::to_string(policy).map_err(|error| invalid(error.to_string()))?;
    if document.len() > MAX_POLICY_BYTES {
        return Err(invalid(format!("it has {} bytes, and {MAX_POLICY_BYTES} are allowed", document.len())));
    }
    Ok(document)
}
