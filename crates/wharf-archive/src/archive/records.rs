//! Records: what the registry knows about an image when it leaves, as a document that is read without it.

use serde_json::{Value, json};
use wharf_context::Timestamp;
use wharf_db::audit::{AuditFilter, AuditRecord, ObjectFilter};
use wharf_governance::environment::Ended;
use wharf_governance::{Hold, Placement, Promotion};
use wharf_registry::{Registry, TagSpell};

use super::{Archive, Contents};
use crate::archives::Archives;
use crate::error::Error;

/// The most entries of one kind.
const MOST: u32 = 1_000;
/// The most names whose audit rows are looked for.
const MOST_NAMES: usize = 100;

impl Archives {
    /// All that is known about an image: its tags, its way through the environments, its holds, what it stands on, and the
    /// rows of the audit log about it; and who wanted it archived.
    pub(super) async fn records(&self, archive: &Archive, contents: &Contents) -> Result<Value, Error> {
        let (project, repository, digest) = (archive.project, &archive.repository, &archive.digest);
        let known = self.governance.records_of(project, (repository, digest), MOST).await?;
        let spells = Registry::tag_spells(&self.db, project, (repository, digest), MOST).await?;
        let bases = known.bases.iter();
        let bases = bases.map(|(base, distance)| json!({ "digest": base.to_string(), "distance": distance }));
        Ok(json!({
            "version": 1,
            "archive": archive.id,
            "repository": repository.as_str(),
            "digest": digest.to_string(),
            "reason": archive.reason,
            "requested_by": archive.requested_by,
            "requested_at": moment(archive.requested_at),
            "contents": contents,
            "tags": spells.iter().map(spell).collect::<Vec<_>>(),
            "promotions": known.promotions.iter().map(promotion_record).collect::<Vec<_>>(),
            "placements": known.placements.iter().map(placement).collect::<Vec<_>>(),
            "holds": known.holds.iter().map(hold_record).collect::<Vec<_>>(),
            "bases": bases.collect::<Vec<_>>(),
            "audit": self.audit_rows(archive, (contents, &known.promotions)).await?,
        }))
    }

    /// The rows of the audit log about an image: by its digest, by its tags, by its promotions.
    async fn audit_rows(
        &self,
        archive: &Archive,
        (contents, promotions): (&Contents, &[Promotion]),
    ) -> Result<Vec<Value>, Error> {
        let repository = &archive.repository;
        let mut names = vec![format!("{repository}@{}", archive.digest)];
        names.extend(contents.tags.iter().map(|tag| format!("{repository}:{}", tag.tag)));
        names.extend(promotions.iter().map(|promotion| promotion.id.clone()));
        let mut rows = Vec::new();
        for name in names.into_iter().take(MOST_NAMES) {
            let filter = AuditFilter { object: Some(ObjectFilter::Named(name)), ..AuditFilter::default() };
            rows.extend(self.db.audit(&filter, None, MOST).await?.records);
        }
        rows.sort_by_key(|row| (row.at, row.id));
        Ok(rows.iter().map(audit_row).collect())
    }
}

fn moment(at: Timestamp) -> Value {
    jiff::Timestamp::from_microsecond(at.0).map_or(Value::Null, |at| at.to_string().into())
}

fn moment_if_any(at: Option<Timestamp>) -> Value {
    at.map_or(Value::Null, moment)
}

fn spell(spell: &TagSpell) -> Value {
    let (since, until) = (moment(spell.since), moment_if_any(spell.until));
    json!({ "tag": spell.tag.as_str(), "changed_by": spell.changed_by, "since": since, "until": until })
}

fn promotion_record(promotion: &Promotion) -> Value {
    let decisions = promotion.decisions.iter().map(|decision| {
        json!({
            "account": decision.account, "is_approval": decision.is_approval, "comment": decision.comment,
            "decided_at": moment(decision.decided_at),
        })
    });
    json!({
        "promotion": promotion.id, "kind": promotion.kind.name(), "from": promotion.from.as_str(),
        "to": promotion.to.as_str(), "release": promotion.release, "state": promotion.state.name(),
        "requested_by": promotion.requested_by, "requested_at": moment(promotion.requested_at),
        "reason": promotion.reason, "policy_revision": promotion.policy_revision,
        "policy_hash": promotion.policy_hash, "gates": promotion.gates, "ended_at": moment_if_any(promotion.ended_at),
        "ended_by": promotion.ended_by, "explanation": promotion.explanation,
        "decisions": decisions.collect::<Vec<_>>(),
    })
}

fn placement(placement: &Placement) -> Value {
    json!({
        "environment": placement.environment.as_str(), "repository": placement.repository.as_str(),
        "tags": placement.tags.iter().map(|tag| tag.as_str()).collect::<Vec<_>>(), "release": placement.release,
        "promotion": placement.promotion, "since": moment(placement.since), "until": moment_if_any(placement.until),
        "ended": placement.ended.map(Ended::name),
    })
}

fn hold_record(hold: &Hold) -> Value {
    let lifted = hold.lifted.as_ref();
    json!({
        "hold": hold.id, "kind": hold.kind.name(), "target": hold.target(), "reason": hold.reason,
        "set_by": hold.set_by, "set_at": moment(hold.set_at), "until": moment_if_any(hold.until),
        "lifted_by": lifted.map(|lifted| &lifted.by), "lifted_at": moment_if_any(lifted.map(|lifted| lifted.at)),
        "lift_reason": lifted.map(|lifted| &lifted.reason),
    })
}

fn audit_row(row: &AuditRecord) -> Value {
    let details: Value = serde_json::from_str(&row.details).unwrap_or(Value::Null);
    json!({
        "at": moment(row.at), "sequence": row.link.map(|link| link.sequence), "caller": row.caller_name,
        "caller_kind": row.caller_kind, "remote": row.remote, "request_id": row.request_id, "action": row.action,
        "resource": row.resource, "outcome": row.outcome, "details": details,
    })
}
