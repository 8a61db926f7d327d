//! Sending the audit log to a syslog receiver: sealed rows in the order of the chain, at least once, resumed where it stopped.
//!
//! One node at a time does it, under a lease; how far the receiver has been sent the log stands in the catalog. Over TCP and TLS, a
//! batch counts as sent when the receiver has read it to its end and closed; over UDP nobody can tell.
//!
//! Reading order: [`message`] (RFC 5424), [`receiver`] (RFC 5425, RFC 6587, RFC 5426), and the sending here.

pub(crate) mod message;
pub(crate) mod receiver;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use wharf_db::{Db, Lease};

use message::Sender;
use receiver::Receiver;

/// How long a node sends alone before it has to say that it still does.
const LEASE: Duration = Duration::from_secs(60);
/// How often new rows are looked for.
const EVERY: Duration = Duration::from_secs(1);
/// How long to wait when the receiver is away.
const PAUSE: Duration = Duration::from_secs(10);
/// How many rows go in one batch.
const BATCH: u32 = 1_000;
/// The lease's name.
const NAME: &str = "audit.syslog";

/// How far this node knows the receiver to be, for metrics.
#[derive(Debug, Clone, Default)]
pub(crate) struct Progress(Arc<AtomicI64>);

impl Progress {
    /// The number of the last row that was sent.
    pub(crate) fn sequence(&self) -> u64 {
        u64::try_from(self.0.load(Ordering::Relaxed)).unwrap_or_default()
    }
}

/// What is needed to send.
#[derive(Debug)]
pub(crate) struct Shipping {
    pub(crate) db: Db,
    pub(crate) receiver: Receiver,
    pub(crate) sender: Sender,
    pub(crate) progress: Progress,
}

impl Shipping {
    /// Sends until the future is dropped. A receiver that is away is tried again.
    pub(crate) async fn run(self) {
        loop {
            let pause = match self.send_alone().await {
                Ok(()) => EVERY,
                Err(error) => {
                    let error = format!("{error:#}");
                    tracing::warn!(
                        receiver = self.receiver.name(),
                        error,
                        "the audit log was not sent; it will be tried again"
                    );
                    PAUSE
                }
            };
            tokio::time::sleep(pause).await;
        }
    }

    /// Sends what is there, unless another node does.
    async fn send_alone(&self) -> anyhow::Result<()> {
        let Some(mut lease) = self.db.lease(NAME, LEASE).await? else { return Ok(()) };
        let sent = self.send_all(&mut lease).await;
        self.db.release(lease).await.ok();
        sent
    }

    async fn send_all(&self, lease: &mut Lease) -> anyhow::Result<()> {
        let mut position = self.db.shipped(self.receiver.name()).await?;
        self.progress.0.store(position, Ordering::Relaxed);
        loop {
            let rows = self.db.list_chain(position, BATCH).await?;
            let Some(last) = rows.last().and_then(|row| row.link) else { return Ok(()) };
            let messages: Vec<Vec<u8>> = rows.iter().map(|row| self.sender.message(row)).collect();
            // A receiver that is slower than the lease is long would be sent everything by two.
            tokio::time::timeout(LEASE / 2, self.receiver.send(&messages)).await??;
            self.db.set_shipped(lease, self.receiver.name(), last.sequence).await?;
            position = last.sequence;
            self.progress.0.store(position, Ordering::Relaxed);
            *lease = self.db.renew(lease, LEASE).await?;
        }
    }
}
