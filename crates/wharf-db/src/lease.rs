//! Leases: the right to do something alone, until a time.
//!
//! Time alone proves nothing: a process may be stopped for longer than its lease and go on afterwards. So each lease
//! has a token, and whoever changes something under it has the token checked in the same transaction.

mod store;

use std::time::Duration;

use uuid::Uuid;
use wharf_context::Timestamp;

use crate::db::Db;
use crate::error::Error;
use crate::transaction::Tx;

/// A lease that was obtained. It may have been lost since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    pub(crate) subject: Subject,
    pub(crate) token: Uuid,
    /// When it ends, unless it is renewed.
    pub expires_at: Timestamp,
}

/// What a lease is on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Subject {
    /// Something that has a name.
    Named(String),
    /// One job.
    Job(i64),
}

impl Lease {
    /// The name, for people.
    pub fn name(&self) -> String {
        match &self.subject {
            Subject::Named(name) => name.clone(),
            Subject::Job(id) => format!("job {id}"),
        }
    }
}

impl Db {
    /// Obtains the lease `name`; `None` while another holds it.
    pub async fn lease(&self, name: &str, duration: Duration) -> Result<Option<Lease>, Error> {
        self.transaction(async |tx| store::acquire(tx, name, duration).await).await
    }

    /// Makes a lease last for `duration` from now, also when its time was up and nobody has taken it.
    pub async fn renew(&self, lease: &Lease, duration: Duration) -> Result<Lease, Error> {
        self.transaction(async |tx| store::renew(tx, lease, duration).await).await
    }

    /// Gives a lease back. One that was lost is not touched.
    pub async fn release(&self, lease: Lease) -> Result<(), Error> {
        self.transaction(async |tx| store::release(tx, &lease).await).await
    }
}

impl Tx<'_> {
    /// Whether anybody holds the lease `name`. Asked after what it is about was read or changed, so that a lease that was
    /// obtained before that is seen.
    pub async fn is_leased(&mut self, name: &str) -> Result<bool, Error> {
        store::is_held(self, name).await
    }

    /// Makes a lease that has not ended last for `duration` from now. Fails with [`Error::LeaseLost`] where its time was
    /// up, even if nobody has taken it: others have worked as if there were none.
    pub async fn prolong_lease(&mut self, lease: &Lease, duration: Duration) -> Result<Lease, Error> {
        if self.is_leased(&lease.name()).await? {
            return store::renew(self, lease, duration).await;
        }
        Err(Error::LeaseLost { name: lease.name() })
    }

    /// Fails with [`Error::LeaseLost`] unless `lease` is still its holder's when this transaction commits.
    pub async fn check_lease(&mut self, lease: &Lease) -> Result<(), Error> {
        store::check(self, lease).await
    }
}
