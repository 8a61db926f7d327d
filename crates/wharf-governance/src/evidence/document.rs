//! What evidence says: a history, in words that do not depend on any other form of it. Members may be added within `v1`;
//! none changes its meaning.

use serde_json::{Value, json};
use wharf_context::Timestamp;
use wharf_oci::statement;

use crate::environment::{Ended, Placement};
use crate::history::History;
use crate::promotion::Promotion;

/// The type of the predicate.
pub const PREDICATE_TYPE: &str = "https://wharf.dev/evidence/v1";

/// The statement about a digest.
pub(super) fn statement(history: &History, made_at: Timestamp) -> Value {
    let digest = &history.digest;
    json!({
        "_type": statement::TYPE,
        "subject": [{ "name": history.repository.as_str(), "digest": { digest.algorithm().name(): digest.hex() } }],
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "madeAt": moment(made_at),
            "repository": history.repository.as_str(),
            "pushed": history.pushed.as_ref().map(|pushed| json!({
                "by": pushed.by,
                "at": moment(pushed.at),
                "mediaType": pushed.media_type,
                "sizeBytes": pushed.size_bytes,
            })),
            "images": history.images.iter().map(|image| json!({
                "digest": image.digest.to_string(),
                "createdAt": image.created_at.map(moment),
                "labels": image.labels,
            })).collect::<Vec<_>>(),
            "tags": history.tags.iter().map(|spell| json!({
                "tag": spell.tag.to_string(),
                "by": spell.changed_by,
                "since": moment(spell.since),
                "until": spell.until.map(moment),
            })).collect::<Vec<_>>(),
            "promotions": history.promotions.iter().map(promotion).collect::<Vec<_>>(),
            "placements": history.placements.iter().map(placement).collect::<Vec<_>>(),
        },
    })
}

fn promotion(promotion: &Promotion) -> Value {
    json!({
        "id": promotion.id,
        "kind": promotion.kind.name(),
        "from": promotion.from.as_str(),
        "to": promotion.to.as_str(),
        "release": promotion.release,
        "state": promotion.state.name(),
        "digest": promotion.digest.to_string(),
        "items": promotion.items.iter().map(|item| format!("{}@{}", item.repository, item.digest)).collect::<Vec<_>>(),
        "requestedBy": promotion.requested_by,
        "requestedAt": moment(promotion.requested_at),
        "reason": promotion.reason,
        "policyRevision": promotion.policy_revision,
        "policyHash": promotion.policy_hash,
        "gates": promotion.gates,
        "decisions": promotion.decisions.iter().map(|decision| json!({
            "account": decision.account,
            "approves": decision.is_approval,
            "comment": decision.comment,
            "at": moment(decision.decided_at),
        })).collect::<Vec<_>>(),
        "endedAt": promotion.ended_at.map(moment),
        "endedBy": promotion.ended_by,
        "explanation": promotion.explanation,
    })
}

fn placement(placement: &Placement) -> Value {
    json!({
        "environment": placement.environment.as_str(),
        "tags": placement.tags.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "release": placement.release,
        "promotion": placement.promotion,
        "since": moment(placement.since),
        "until": placement.until.map(moment),
        "ended": placement.ended.map(Ended::name),
    })
}

/// RFC 3339, in UTC.
fn moment(at: Timestamp) -> String {
    jiff::Timestamp::from_microsecond(at.0).unwrap_or_default().to_string()
}
