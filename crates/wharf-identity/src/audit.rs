//! The audit log: what identity writes into it (names and roles, never a secret), reading it, and proving it.
//!
//! Reading order: this, `notes` (log-ins and refusals), `sealing` (numbers, hashes and
//! signatures), [`checkpoint`], [`document`], [`verify`], [`online`].

pub mod checkpoint;
pub mod document;
mod notes;
pub mod online;
pub(crate) mod sealing;
pub mod verify;

use std::fmt;

use serde_json::Value;
use wharf_context::{Caller, Context, Grants, RequestId, Timestamp};
use wharf_db::Tx;
use wharf_db::audit::{AuditEntry, Position};

pub use wharf_db::audit::{AuditFilter, AuditKey, AuditRecord, ChainHash, Checkpoint, Link, ObjectFilter, Outcome};

use crate::authority::rule::SystemRight;
use crate::error::Error;
use crate::identity::Identity;
use crate::page::{Page, PageRequest};

impl Identity {
    /// The audit log, newest first. A page may have fewer entries than were asked for and still not be the last.
    pub async fn list_audit(
        &self,
        ctx: &Context,
        filter: &AuditFilter,
        page: &PageRequest,
    ) -> Result<Page<AuditRecord>, Error> {
        self.read_audit(ctx).await?;
        let before = page.after.as_deref().map(position).transpose()?;
        let limit = u32::try_from(page.limit()).unwrap_or(u32::MAX);
        let found = self.db.audit(filter, before, limit).await?;
        let next = found.next.map(|next| format!("{}-{}", next.at.0, next.id));
        Ok(Page { entries: found.records, next })
    }

    /// The sealed rows, in the order of the chain.
    pub async fn list_chain(&self, ctx: &Context, page: &PageRequest) -> Result<Page<AuditRecord>, Error> {
        self.read_audit(ctx).await?;
        let after = sequence(page)?;
        let rows = u32::try_from(page.rows()).unwrap_or(u32::MAX);
        let records = self.db.list_chain(after, rows).await?;
        Ok(page.cut(records, |record| record.link.unwrap_or(Link::ORIGIN).sequence.to_string()))
    }

    /// The checkpoints, in the order of the chain.
    pub async fn list_checkpoints(&self, ctx: &Context, page: &PageRequest) -> Result<Page<Checkpoint>, Error> {
        self.read_audit(ctx).await?;
        let after = sequence(page)?;
        let rows = u32::try_from(page.rows()).unwrap_or(u32::MAX);
        let checkpoints = self.db.list_checkpoints(after, rows).await?;
        Ok(page.cut(checkpoints, |checkpoint| checkpoint.sequence.to_string()))
    }

    /// Every key that ever signed a checkpoint.
    pub async fn list_audit_keys(&self, ctx: &Context) -> Result<Vec<AuditKey>, Error> {
        self.read_audit(ctx).await?;
        Ok(self.db.list_audit_keys().await?)
    }

    /// Checks that the caller may read the log.
    async fn read_audit(&self, ctx: &Context) -> Result<(), Error> {
        self.check(ctx, SystemRight::ReadAudit).await
    }
}

fn position(text: &str) -> Result<Position, Error> {
    let parts = text.split_once('-').and_then(|(at, id)| Some((at.parse().ok()?, id.parse().ok()?)));
    let (at, id) = parts.ok_or(Error::BadPage)?;
    Ok(Position { at: Timestamp(at), id })
}

fn sequence(page: &PageRequest) -> Result<i64, Error> {
    page.after.as_deref().map_or(Ok(0), |after| after.parse().map_err(|_| Error::BadPage))
}

/// Writes one row in the transaction that does what it says.
pub(crate) async fn record(
    tx: &mut Tx<'_>,
    ctx: &Context,
    action: &'static str,
    resource: &impl fmt::Display,
    details: Value,
) -> Result<(), Error> {
    let details = if details.is_null() { Value::Object(serde_json::Map::new()) } else { details };
    tx.audit(&AuditEntry::new(ctx, action, resource.to_string()).with_details(details)).await?;
    Ok(())
}

/// The context of what wharf does by itself.
pub(crate) fn by_wharf() -> Context {
    Context::new(Caller::system(), RequestId::generate(), None, Grants::default())
}
