//! Routes of the audit log.

use axum::routing::on;

use super::{Route, Verb, route};
use crate::audit;

/// Every route of them.
pub(super) const ROUTES: &[Route] = &[
    route!(Get "/audit" audit::list)
        .does("list_audit", "The audit log, newest first. A page may be short and not the last: `next` tells.")
        .lists::<audit::RecordBody>()
        .with_parameters(&["after", "limit", "person", "object", "action", "outcome", "from", "to"]),
    route!(Get "/audit/chain" audit::list_chain)
        .does("list_chain", "The sealed rows of the audit log with their hashes, in the order of the chain.")
        .lists::<audit::ChainedBody>(),
    route!(Get "/audit/range" audit::range)
        .does("audit_range", "Which rows of the chain are of a time, with some minutes before and after.")
        .gives::<audit::RangeBody>()
        .with_parameters(&["from", "to"]),
    route!(Get "/audit/checkpoints" audit::list_checkpoints)
        .does("list_checkpoints", "What was signed about the chain, in its order.")
        .lists::<audit::CheckpointBody>(),
    route!(Post "/audit/checkpoints" audit::create_checkpoint)
        .does(
            "create_checkpoint",
            "Seals what is written, signs where the chain stands, and gives the last checkpoint.",
        )
        .gives::<audit::LastCheckpointBody>(),
    route!(Get "/audit/keys" audit::list_keys)
        .does("list_audit_keys", "The keys that ever signed a checkpoint.")
        .gives::<audit::AuditKeysBody>(),
    route!(Get "/audit/verify" audit::verify)
        .does("verify_audit", "Verifies some thousand rows of the chain with their checkpoints, from `after` on.")
        .gives::<audit::VerifiedBody>()
        .with_parameters(&["after"]),
];
