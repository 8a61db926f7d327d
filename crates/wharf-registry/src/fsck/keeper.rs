//! Keeping a check one's own while it takes long, and slow enough for everybody else.

use std::pin::pin;
use std::time::Duration;

use tokio::time::Instant;
use wharf_db::{Db, Lease};

use crate::error::Error;

/// How long a node that died keeps others from going on.
const LEASE: Duration = Duration::from_secs(60);
const NAME: &str = "registry.fsck";

/// The right to walk the check, renewed while it is used.
#[derive(Debug)]
pub(super) struct Keeper {
    db: Db,
    lease: Lease,
    renewed_at: Instant,
    bytes_per_second: u64,
    /// When as many bytes may have been read as were.
    due_at: Instant,
}

impl Keeper {
    /// Takes the check over; `None` while another node is at it.
    pub(super) async fn take(db: &Db, bytes_per_second: u64) -> Result<Option<Self>, Error> {
        let lease = db.lease(NAME, LEASE).await?;
        let now = Instant::now();
        Ok(lease.map(|lease| Self { db: db.clone(), lease, renewed_at: now, bytes_per_second, due_at: now }))
    }

    pub(super) fn lease(&self) -> &Lease {
        &self.lease
    }

    /// To be called now and then. Fails when another node has taken over.
    pub(super) async fn keep(&mut self) -> Result<(), Error> {
        if self.renewed_at.elapsed() > LEASE / 4 {
            self.lease = self.db.renew(&self.lease, LEASE).await?;
            self.renewed_at = Instant::now();
        }
        Ok(())
    }

    /// Waits until so many more bytes may have been read.
    pub(super) async fn pace(&mut self, bytes: usize) -> Result<(), Error> {
        if self.bytes_per_second > 0 {
            let time = Duration::from_secs_f64(bytes as f64 / self.bytes_per_second as f64);
            // Time that was not used is not saved up: a burst would be what nobody wanted.
            self.due_at = self.due_at.max(Instant::now()) + time;
            while Instant::now() < self.due_at {
                self.keep().await?;
                tokio::time::sleep_until(self.due_at.min(Instant::now() + LEASE / 4)).await;
            }
        }
        self.keep().await
    }

    /// Does what may take long, and stays in charge meanwhile.
    pub(super) async fn during<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Error> {
        let mut work = pin!(work);
        loop {
            match tokio::time::timeout(LEASE / 4, &mut work).await {
                Ok(done) => return Ok(done),
                Err(_) => self.keep().await?,
            }
        }
    }

    pub(super) async fn give_back(self) -> Result<(), Error> {
        Ok(self.db.release(self.lease).await?)
    }
}
