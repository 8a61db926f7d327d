//! What is known of one open connection: bytes, requests, and what its task was ordered to do.
//!
//! The connection's own task and its bodies write here; [`super::sweep`] reads and gives orders. Nothing here measures
//! time limits.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

/// What a connection's task is told to do, each stronger than the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Order {
    /// Go on.
    Serve,
    /// Take no further request; end when those in flight have ended.
    Close,
    /// End now.
    Cut,
}

/// One open connection.
#[derive(Debug)]
pub(crate) struct Connection {
    peer: Option<SocketAddr>,
    opened: Instant,
    read_bytes: AtomicU64,
    written_bytes: AtomicU64,
    requests: AtomicU64,
    in_flight: AtomicU32,
    idle_since_ms: AtomicU64,
    read_bytes_when_idle: AtomicU64,
    is_blocked: AtomicBool,
    held_frames: AtomicU32,
    order: AtomicU8,
    ordered: Notify,
}

/// What the sweeper sees of a connection at one moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Snapshot {
    /// Requests begun since the connection was opened.
    pub(crate) requests: u64,
    /// Requests that have not ended.
    pub(crate) in_flight: u32,
    /// Since when no request is in flight.
    pub(crate) idle_since: Instant,
    /// Whether bytes came after that.
    pub(crate) has_unanswered_bytes: bool,
    /// Bytes given to the socket.
    pub(crate) written_bytes: u64,
    /// Whether the client is what everything waits for: it takes no bytes.
    pub(crate) waits_for_reader: bool,
}

impl Connection {
    pub(crate) fn new(peer: Option<SocketAddr>) -> Self {
        Self {
            peer,
            opened: Instant::now(),
            read_bytes: AtomicU64::new(0),
            written_bytes: AtomicU64::new(0),
            requests: AtomicU64::new(0),
            in_flight: AtomicU32::new(0),
            idle_since_ms: AtomicU64::new(0),
            read_bytes_when_idle: AtomicU64::new(0),
            is_blocked: AtomicBool::new(false),
            held_frames: AtomicU32::new(0),
            order: AtomicU8::new(Order::Serve as u8),
            ordered: Notify::new(),
        }
    }

    /// The other end, where it has an address.
    pub(crate) fn peer(&self) -> Option<SocketAddr> {
        self.peer
    }

    pub(crate) fn add_read(&self, bytes: usize) {
        self.read_bytes.fetch_add(bytes as u64, Relaxed);
    }

    pub(crate) fn add_written(&self, bytes: usize) {
        self.written_bytes.fetch_add(bytes as u64, Relaxed);
        self.is_blocked.store(false, Relaxed);
    }

    /// The socket takes no more bytes for now.
    pub(crate) fn set_blocked(&self) {
        self.is_blocked.store(true, Relaxed);
    }

    /// A request begins; it ends when the result is dropped.
    pub(crate) fn begin_request(self: &Arc<Self>) -> InFlight {
        self.requests.fetch_add(1, Relaxed);
        self.in_flight.fetch_add(1, Relaxed);
        InFlight { connection: Arc::clone(self) }
    }

    /// What there is to see now.
    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot {
            requests: self.requests.load(Relaxed),
            in_flight: self.in_flight.load(Relaxed),
            idle_since: self.opened + Duration::from_millis(self.idle_since_ms.load(Relaxed)),
            has_unanswered_bytes: self.read_bytes.load(Relaxed) > self.read_bytes_when_idle.load(Relaxed),
            written_bytes: self.written_bytes.load(Relaxed),
            waits_for_reader: self.is_blocked.load(Relaxed) || self.held_frames.load(Relaxed) > 0,
        }
    }

    /// Gives the connection's task an order. Orders only get stronger.
    pub(crate) fn give(&self, order: Order) {
        self.order.fetch_max(order as u8, Relaxed);
        self.ordered.notify_one();
    }

    /// Waits for an order stronger than `obeyed`. Only the connection's own task calls this.
    pub(crate) async fn order_above(&self, obeyed: Order) -> Order {
        loop {
            let order = match self.order.load(Relaxed) {
                0 => Order::Serve,
                1 => Order::Close,
                _ => Order::Cut,
            };
            if order > obeyed {
                return order;
            }
            self.ordered.notified().await;
        }
    }
}

/// A request that has not ended.
#[derive(Debug)]
pub(crate) struct InFlight {
    connection: Arc<Connection>,
}

impl InFlight {
    /// A piece of the response was handed over and the next one was not asked for yet: the client has to take bytes.
    pub(crate) fn hold_frame(&self) {
        self.connection.held_frames.fetch_add(1, Relaxed);
    }

    /// The next piece is asked for.
    pub(crate) fn release_frame(&self) {
        self.connection.held_frames.fetch_sub(1, Relaxed);
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let connection = &self.connection;
        let idle_since = u64::try_from(connection.opened.elapsed().as_millis()).unwrap_or(u64::MAX);
        connection.idle_since_ms.store(idle_since, Relaxed);
        connection.read_bytes_when_idle.store(connection.read_bytes.load(Relaxed), Relaxed);
        connection.in_flight.fetch_sub(1, Relaxed);
    }
}
