//! Log-ins and refusals: noted in memory, counted together where they are equal, and written some seconds later.
//!
//! A log-in is noted where a password or secret was looked at: not for each request of a client that shows it again and again within some
//! minutes, nor for tokens.

use std::time::Duration;

use serde_json::json;
use wharf_context::{Caller, Context, Grants};
use wharf_db::audit::{AuditEntry, Outcome};

use crate::account::Account;
use crate::error::Error;
use crate::identity::Identity;
use crate::key::jws::TokenError;
use crate::login::Origin;

/// How often notes are written.
const EVERY: Duration = Duration::from_secs(2);

impl Identity {
    /// Notes that a request was refused: who wanted to do `action` to `resource`, and what they were told.
    pub fn note_refusal(&self, ctx: &Context, action: &'static str, resource: &str, status: u16) {
        let entry = AuditEntry::new(ctx, action, resource).with_outcome(Outcome::Denied);
        self.note(entry.with_details(json!({ "status": status })));
    }

    /// Writes what was noted so far. For the end of a process; while it runs, [`Identity::run_audit`] does it.
    pub async fn write_notes(&self) -> Result<(), Error> {
        Ok(self.journal.flush(&self.db).await?)
    }

    pub(super) async fn write_notes_for_ever(&self) {
        loop {
            tokio::time::sleep(EVERY).await;
            if let Err(error) = self.write_notes().await {
                super::sealing::tell(&error);
            }
        }
    }

    pub(crate) fn note_login(&self, account: &Account, (request_id, remote): Origin) {
        let caller = account.caller();
        let name = caller.name.clone();
        let ctx = Context::new(caller, request_id, remote, Grants::default());
        self.note(AuditEntry::new(&ctx, "login", name));
    }

    /// A log-in that was refused: nobody knows who that was, only as whom.
    pub(crate) fn note_refused_login(&self, name: &str, refused: &Result<Account, Error>, origin: Origin) {
        let reason = match refused {
            Err(Error::BadCredentials) => "wrong name or password",
            Err(Error::Throttled { .. }) => "throttled",
            Err(_) | Ok(_) => return,
        };
        let ctx = Context::new(Caller::anonymous(), origin.0, origin.1, Grants::default());
        let entry = AuditEntry::new(&ctx, "login", name).with_outcome(Outcome::Denied);
        self.note(entry.with_details(json!({ "reason": reason })));
    }

    /// A token that is not ours, or was changed. One that has ended is no refusal: clients show it until they are told.
    pub(crate) fn note_refused_token(&self, error: &Error, origin: Origin) {
        let Error::Token(error) = error else { return };
        if !matches!(error, TokenError::Expired) {
            let ctx = Context::new(Caller::anonymous(), origin.0, origin.1, Grants::default());
            let entry = AuditEntry::new(&ctx, "token.show", "token").with_outcome(Outcome::Denied);
            self.note(entry.with_details(json!({ "reason": error.to_string() })));
        }
    }

    fn note(&self, entry: AuditEntry) {
        self.journal.note(entry, self.clock.now());
    }
}
