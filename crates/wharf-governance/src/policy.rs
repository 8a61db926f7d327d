//! Policies: what a project demands of its images, as one document per project.
//!
//! Each noun owns the section that is about it, in its own file; here they are listed, read and kept. A project without a
//! policy has the default one, revision 0. A change makes a new revision; the ones before stay readable, because
//! decisions were made under them.

pub(crate) mod store;

use serde::{Deserialize, Serialize};
use serde_json::json;
use wharf_context::{Context, EditPolicy, ProjectId, SeeGovernance, Timestamp, Warrant};
use wharf_db::{AuditEntry, Reading, Tx};
use wharf_oci::{Algorithm, Digest};
use wharf_trust::AttestationPolicy;

use crate::environment::EnvironmentRules;
use crate::error::Error;
use crate::gate;
use crate::governance::Governance;
use crate::lineage::LineagePolicy;
use crate::promotion::{self, Step};
use crate::retention::{self, Retention};
use crate::standard::{self, Standards};
use crate::tag_rule::TagPolicy;

/// The largest policy document, in bytes of JSON.
const MAX_POLICY_BYTES: usize = 256 * 1024;

/// What a project demands of its images. Sections that are left out are as they are by default.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// The ladder of environments, and what it takes to climb it.
    pub environments: EnvironmentRules,
    /// Which tags repositories take, and how versions are counted.
    pub tags: TagPolicy,
    /// Which tags stay, and which go.
    #[serde(skip_serializing_if = "is_default")]
    pub retention: Retention,
    /// What images must stand on.
    #[serde(skip_serializing_if = "is_default")]
    pub lineage: LineagePolicy,
    /// What images of a template must be like.
    #[serde(skip_serializing_if = "is_default")]
    pub standards: Standards,
    /// Whose signed word counts, and about what.
    #[serde(skip_serializing_if = "is_default")]
    pub attestations: AttestationPolicy,
}

/// What is as it is by default need not be written down.
fn is_default<T: Default + PartialEq>(section: &T) -> bool {
    *section == T::default()
}

impl Policy {
    /// Whether each section means something. Says what is wrong, and where.
    fn check(&self) -> Result<(), Error> {
        let checked = self.environments.check().and_then(|()| self.tags.check()).and_then(|()| self.lineage.check());
        let checked =
            checked.and_then(|()| standard::policy::check(&self.standards)).and_then(|()| self.retention.check());
        let checked = checked.and_then(|()| self.attestations.check());
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
    /// The digest of the document: what decisions are bound to.
    pub hash: String,
    /// Who made it; `None` for the default.
    pub changed_by: Option<String>,
    /// Since when it is in force; `None` for the default.
    pub since: Option<Timestamp>,
}

impl PolicyRevision {
    fn default_of_all() -> Self {
        let policy = Policy::default();
        let document = serde_json::to_string(&policy).expect("the default policy becomes JSON");
        Self { revision: 0, policy, hash: hash(&document), changed_by: None, since: None }
    }
}

impl Governance {
    /// A project's policy.
    pub async fn get_policy(&self, warrant: &Warrant<SeeGovernance>) -> Result<PolicyRevision, Error> {
        find_in_force(&self.db, warrant.project()).await
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
        self.check_against_server(policy)?;
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
                let waits = before.policy.environments.editor_waits.max(policy.environments.editor_waits);
                let waits_until = tx.now().plus(waits.duration());
                store::put(tx, ctx, warrant.project(), (revision, &document, waits_until)).await?;
                let sections = (&before.policy.retention, &policy.retention);
                retention::adopt(tx, (warrant.project(), warrant.name()), sections).await?;
                let details = json!({ "revision": revision, "before": before.policy, "after": policy });
                let entry = AuditEntry::new(ctx, "policy.put", warrant.name().to_string()).with_details(details);
                tx.audit(&entry).await?;
                void_promotions(tx, ctx, warrant.project(), revision).await?;
                Ok(PolicyRevision {
                    revision,
                    policy: policy.clone(),
                    hash: hash(&document),
                    changed_by: Some(ctx.caller.name.clone()),
                    since: Some(tx.now()),
                })
            })
            .await
    }
}

impl Governance {
    /// Whether this server has what a policy counts on: its environments and gates.
    fn check_against_server(&self, policy: &Policy) -> Result<(), Error> {
        let invalid = |reason: String| Error::PolicyInvalid { reason };
        policy.environments.on(&self.environments).map_err(invalid)?;
        gate::check_rules(&policy.environments, &self.gates).map_err(invalid)
    }
}

/// The policy that decides in this transaction.
pub(crate) async fn in_force(tx: &mut Tx<'_>, project: ProjectId) -> Result<PolicyRevision, Error> {
    Ok(store::in_force(tx, project).await?.unwrap_or_else(PolicyRevision::default_of_all))
}

/// The policy in force, for who only shows it.
pub(crate) async fn find_in_force(from: impl Reading, project: ProjectId) -> Result<PolicyRevision, Error> {
    Ok(store::get(from, project).await?.unwrap_or_else(PolicyRevision::default_of_all))
}

/// What people agreed to under another policy, they did not agree to.
async fn void_promotions(tx: &mut Tx<'_>, ctx: &Context, project: ProjectId, revision: i64) -> Result<(), Error> {
    for mut promotion in promotion::store::open(tx, project).await? {
        let why = format!(
            "it was asked for under revision {} of the policy, and revision {revision} is in force",
            promotion.policy_revision
        );
        promotion::step(tx, ctx, &mut promotion, Step::Invalidate, why).await?;
    }
    Ok(())
}

/// The digest of a document.
fn hash(document: &str) -> String {
    Digest::of(Algorithm::Sha256, document.as_bytes()).to_string()
}

fn render(policy: &Policy) -> Result<String, Error> {
    let invalid = |reason: String| Error::PolicyInvalid { reason };
    let document = serde_json::to_string(policy).map_err(|error| invalid(error.to_string()))?;
    if document.len() > MAX_POLICY_BYTES {
        return Err(invalid(format!("it has {} bytes, and {MAX_POLICY_BYTES} are allowed", document.len())));
    }
    Ok(document)
}
