//! The audit log: what identity writes into it (names and roles, never a secret), and reading it.

use std::fmt;

use serde_json::Value;
use wharf_context::{Caller, Context, Grants, RequestId};
use wharf_db::Tx;
use wharf_db::audit::{AuditEntry, AuditFilter};

pub use wharf_db::audit::AuditRecord;

use crate::authority::Authority;
use crate::authority::rule::SystemRight;
use crate::error::Error;
use crate::identity::Identity;
use crate::page::{Page, PageRequest};

impl Identity {
    /// The audit log, newest first; only what was done to `resource`, where one is named.
    pub async fn list_audit(
        &self,
        ctx: &Context,
        resource: Option<&str>,
        page: &PageRequest,
    ) -> Result<Page<AuditRecord>, Error> {
        Authority::manage(&self.db, ctx, self.mode()).await?.require(SystemRight::ReadAudit)?;
        let before = page.after.as_deref().map(str::parse).transpose().map_err(|_| Error::BadPage)?;
        let filter = AuditFilter { resource: resource.map(str::to_owned), before };
        let rows = u32::try_from(page.rows()).unwrap_or(u32::MAX);
        let records = self.db.audit(&filter, rows).await?;
        Ok(page.cut(records, |record| record.id.to_string()))
    }
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
