//! The table `leases`, and the leases on rows of `jobs`.

use std::time::Duration;

use uuid::Uuid;

use super::{Lease, Subject};
use crate::error::Error;
use crate::params;
use crate::statement::Statement;
use crate::transaction::Tx;

const ACQUIRE: &str = "\
    INSERT INTO leases (name, token, expires_at) VALUES (?1, ?2, ?3) \
    ON CONFLICT (name) DO UPDATE SET token = excluded.token, expires_at = excluded.expires_at \
    WHERE leases.expires_at <= ?4";
const RENEW: &str = "UPDATE leases SET expires_at = ?3 WHERE name = ?1 AND token = ?2";
const RENEW_JOB: &str = "UPDATE jobs SET run_at = ?3 WHERE id = ?1 AND token = ?2";
const RELEASE: &str = "DELETE FROM leases WHERE name = ?1 AND token = ?2";
const RELEASE_JOB: &str = "UPDATE jobs SET token = NULL, run_at = ?3 WHERE id = ?1 AND token = ?2";
// On PostgreSQL the row is locked: whoever would take the lease waits for this transaction.
const CHECK: Statement = Statement::dialects(
    "SELECT 1 FROM leases WHERE name = ?1 AND token = ?2",
    "SELECT 1 FROM leases WHERE name = ?1 AND token = ?2 FOR SHARE",
);
const CHECK_JOB: Statement = Statement::dialects(
    "SELECT 1 FROM jobs WHERE id = ?1 AND token = ?2",
    "SELECT 1 FROM jobs WHERE id = ?1 AND token = ?2 FOR SHARE",
);

pub(super) async fn acquire(tx: &mut Tx<'_>, name: &str, duration: Duration) -> Result<Option<Lease>, Error> {
    let token = Uuid::new_v4();
    let expires_at = tx.now().plus(duration);
    let changed = tx.execute(ACQUIRE, &params![name, token.as_bytes(), expires_at, tx.now()]).await?;
    Ok((changed == 1).then(|| Lease { subject: Subject::Named(name.to_owned()), token, expires_at }))
}

pub(super) async fn renew(tx: &mut Tx<'_>, lease: &Lease, duration: Duration) -> Result<Lease, Error> {
    let expires_at = tx.now().plus(duration);
    let token = lease.token.as_bytes();
    let changed = match &lease.subject {
        Subject::Named(name) => tx.execute(RENEW, &params![name, token, expires_at]).await?,
        Subject::Job(id) => tx.execute(RENEW_JOB, &params![*id, token, expires_at]).await?,
    };
    if changed == 1 { Ok(Lease { expires_at, ..lease.clone() }) } else { Err(lost(lease)) }
}

pub(super) async fn release(tx: &mut Tx<'_>, lease: &Lease) -> Result<(), Error> {
    let token = lease.token.as_bytes();
    match &lease.subject {
        Subject::Named(name) => tx.execute(RELEASE, &params![name, token]).await.map(drop),
        Subject::Job(id) => tx.execute(RELEASE_JOB, &params![*id, token, tx.now()]).await.map(drop),
    }
}

pub(super) async fn is_held(tx: &mut Tx<'_>, name: &str) -> Result<bool, Error> {
    let now = tx.now();
    let held = tx.query_opt("SELECT 1 FROM leases WHERE name = ?1 AND expires_at > ?2", &params![name, now]).await?;
    Ok(held.is_some())
}

pub(super) async fn check(tx: &mut Tx<'_>, lease: &Lease) -> Result<(), Error> {
    let token = lease.token.as_bytes();
    let row = match &lease.subject {
        Subject::Named(name) => tx.query_opt(CHECK, &params![name, token]).await?,
        Subject::Job(id) => tx.query_opt(CHECK_JOB, &params![*id, token]).await?,
    };
    row.map(drop).ok_or_else(|| lost(lease))
}

fn lost(lease: &Lease) -> Error {
    Error::LeaseLost { name: lease.name() }
}
