//! Exceptions: a gate's no does not count, for a reason, for a while, and somebody answers for it.

pub(crate) mod store;

use serde_json::json;
use wharf_context::action::{GrantException, SeeGovernance};
use wharf_context::{CallerId, Context, Timestamp, Warrant};
use wharf_db::AuditEntry;
use wharf_oci::{Digest, EnvironmentName, RepositoryName};

use crate::error::Error;
use crate::governance::Governance;
use crate::page::{Page, PageRequest};
use crate::promotion::check_text;

/// The longest name of whoever answers for an exception.
const MAX_OWNER_BYTES: usize = 256;

/// A gate's no that does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exception {
    /// Its number.
    pub id: i64,
    /// Which gate's.
    pub gate: String,
    /// For one repository only, by its name in development.
    pub repository: Option<RepositoryName>,
    /// For one digest only.
    pub digest: Option<Digest>,
    /// On the way into one environment only.
    pub environment: Option<EnvironmentName>,
    /// Why.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// Who granted it.
    pub granted_by: String,
    /// When.
    pub granted_at: Timestamp,
    /// Until when it holds.
    pub until: Timestamp,
    /// When somebody took it back.
    pub revoked_at: Option<Timestamp>,
    /// Who.
    pub revoked_by: Option<String>,
}

/// What is to be let through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewException {
    /// Which gate's no.
    pub gate: String,
    /// For one repository only.
    pub repository: Option<RepositoryName>,
    /// For one digest only.
    pub digest: Option<Digest>,
    /// On the way into one environment only.
    pub environment: Option<EnvironmentName>,
    /// Why.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// Until when.
    pub until: Timestamp,
}

impl Governance {
    /// Grants an exception.
    pub async fn grant_exception(
        &self,
        ctx: &Context,
        warrant: &Warrant<GrantException>,
        new: &NewException,
    ) -> Result<Exception, Error> {
        check_text(&new.reason)?;
        if new.reason.trim().is_empty() {
            return Err(Error::ReasonMissing);
        }
        if new.owner.trim().is_empty() || new.owner.len() > MAX_OWNER_BYTES || new.owner.contains('\0') {
            return Err(Error::OwnerMissing { max_bytes: MAX_OWNER_BYTES });
        }
        if !matches!(ctx.caller.id, CallerId::User(_)) {
            return Err(Error::NotAPerson);
        }
        let gate = self.gates.iter().find(|gate| gate.name() == new.gate);
        if gate.is_none_or(|gate| gate.is_compulsory()) {
            return Err(Error::GateUnknown { gate: new.gate.clone() });
        }
        self.db
            .transaction(async |tx| {
                if new.until <= tx.now() {
                    return Err(Error::EndPast);
                }
                let exception = store::insert(tx, ctx, warrant.project(), new).await?;
                let details = json!({
                    "gate": new.gate, "owner": new.owner, "reason": new.reason, "until": new.until.seconds(),
                    "repository": new.repository.as_ref().map(RepositoryName::as_str),
                    "digest": new.digest.map(|digest| digest.to_string()),
                    "environment": new.environment.as_ref().map(EnvironmentName::as_str),
                });
                let resource = format!("{}/{}", warrant.name(), exception.id);
                tx.audit(&AuditEntry::new(ctx, "exception.grant", resource).with_details(details)).await?;
                Ok(exception)
            })
            .await
    }

    /// Takes an exception back.
    pub async fn revoke_exception(
        &self,
        ctx: &Context,
        warrant: &Warrant<GrantException>,
        id: i64,
    ) -> Result<(), Error> {
        self.db
            .transaction(async |tx| {
                if !store::revoke(tx, ctx, warrant.project(), id).await? {
                    return Err(Error::ExceptionUnknown { id });
                }
                tx.audit(&AuditEntry::new(ctx, "exception.revoke", format!("{}/{id}", warrant.name()))).await?;
                Ok(())
            })
            .await
    }

    /// A project's exceptions, the newest first, those that have ended among them.
    pub async fn list_exceptions(
        &self,
        warrant: &Warrant<SeeGovernance>,
        page: &PageRequest,
    ) -> Result<Page<Exception>, Error> {
        let exceptions = store::list(&self.db, warrant.project(), (page.before()?, page.rows())).await?;
        Ok(page.cut(exceptions, |exception| exception.id.to_string()))
    }
}
