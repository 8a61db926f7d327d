//! Idempotency keys: a request that is sent again with the same key gets the first answer, and nothing is done twice.
//!
//! The key is taken before the request is worked on and given back when it fails, so that it may be tried again. Where
//! the node ended in between, nobody knows whether it was done: the key stays taken, and who comes with it is told.

mod store;

use std::time::Duration;

use wharf_context::Context;
use wharf_oci::Digest;

use crate::error::Error;
use crate::governance::Governance;

/// For how long a key is remembered.
const REMEMBERED: Duration = Duration::from_secs(24 * 3600);
/// The longest answer that is kept, in bytes.
pub const MAX_ANSWER_BYTES: usize = 256 * 1024;

/// What is known of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// Nothing: work on the request, then say how it ended.
    First,
    /// It was answered.
    Answered(Answered),
    /// It came with another request.
    Other,
    /// The first request with it has no answer yet.
    Running,
}

/// An answer as it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// The status code.
    pub status: u16,
    /// Where the new thing is.
    pub location: Option<String>,
    /// The document, empty where there was none.
    pub document: String,
}

impl Governance {
    /// Takes a key for a request of this fingerprint, unless it is taken.
    pub async fn begin_request(&self, ctx: &Context, key: &str, fingerprint: &Digest) -> Result<Begun, Error> {
        self.db
            .transaction(async |tx| {
                let before = tx.now().minus(REMEMBERED);
                store::forget_before(tx, before).await?;
                store::begin(tx, (ctx.caller.name.as_str(), key), fingerprint).await
            })
            .await
    }

    /// Remembers the answer.
    pub async fn finish_request(&self, ctx: &Context, key: &str, answer: &Answered) -> Result<(), Error> {
        self.db.transaction(async |tx| store::finish(tx, (ctx.caller.name.as_str(), key), answer).await).await
    }

    /// Gives the key back: nothing was done.
    pub async fn forget_request(&self, ctx: &Context, key: &str) -> Result<(), Error> {
        self.db.transaction(async |tx| store::forget(tx, (ctx.caller.name.as_str(), key)).await).await
    }
}
