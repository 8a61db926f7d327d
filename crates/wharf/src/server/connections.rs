//! All open connections: how many there may be, of whom, and which one makes room.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::connection::{Connection, Order};
use super::sweep::{Patience, Watch};

/// A connection must have been idle for this long to make room for another.
const EVICTABLE_AFTER: Duration = Duration::from_secs(1);

/// Who counts as one client: an IPv4 address, or a /64 of IPv6, which is what one household or machine gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Neighbour(IpAddr);

impl From<IpAddr> for Neighbour {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self(IpAddr::V4(address)),
            IpAddr::V6(address) => Self(IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)))),
        }
    }
}

/// Why a connection is not served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The server is full and nobody is idle.
    Full,
    /// This client has as many as it may.
    TooManyOfOne,
    /// The server is stopping.
    Stopping,
}

/// All open connections.
#[derive(Debug)]
pub(crate) struct Connections {
    most: usize,
    most_of_one: usize,
    state: Mutex<State>,
    emptied: Notify,
}

#[derive(Debug, Default)]
struct State {
    last_id: u64,
    open: HashMap<u64, (Arc<Connection>, Watch)>,
    of_one: HashMap<Neighbour, usize>,
    /// Who was idle at the last sweep, the longest idle last.
    evictable: Vec<u64>,
    is_stopping: bool,
}

impl Connections {
    pub(crate) fn new(most: usize, most_of_one: usize) -> Self {
        Self { most, most_of_one, state: Mutex::default(), emptied: Notify::new() }
    }

    /// Lets a connection in. `counted` says under whom it counts; nobody for local sockets and trusted proxies.
    pub(crate) fn admit(
        self: &Arc<Self>,
        peer: Option<SocketAddr>,
        counted: Option<Neighbour>,
    ) -> Result<Admitted, Refusal> {
        let mut state = self.state();
        if state.is_stopping {
            return Err(Refusal::Stopping);
        }
        let of_one = counted.and_then(|one| state.of_one.get(&one)).copied().unwrap_or(0);
        if of_one >= self.most_of_one {
            return Err(Refusal::TooManyOfOne);
        }
        if state.open.len() >= self.most && !state.evict() {
            return Err(Refusal::Full);
        }
        state.last_id += 1;
        let id = state.last_id;
        let connection = Arc::new(Connection::new(peer));
        state.open.insert(id, (Arc::clone(&connection), Watch::default()));
        if let Some(one) = counted {
            *state.of_one.entry(one).or_default() += 1;
        }
        Ok(Admitted { connections: Arc::clone(self), connection, id, counted })
    }

    /// Gives every connection the order that `patience` asks for.
    pub(crate) fn sweep(&self, now: Instant, patience: &Patience) {
        let mut state = self.state();
        let is_nearly_full = state.open.len() >= self.most - self.most / 8;
        let mut idle = Vec::new();
        for (id, (connection, watch)) in &mut state.open {
            let seen = connection.snapshot();
            let order = watch.judge(now, &seen, patience);
            if order > Order::Serve {
                connection.give(order);
            } else if is_nearly_full && seen.in_flight == 0 && now.duration_since(seen.idle_since) >= EVICTABLE_AFTER {
                idle.push((seen.idle_since, *id));
            }
        }
        idle.sort_unstable_by(|a, b| b.cmp(a));
        state.evictable = idle.into_iter().map(|(_, id)| id).collect();
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.state().open.len()
    }

    /// Lets nobody in any more and gives everyone an order.
    pub(crate) fn stop(&self, order: Order) {
        let mut state = self.state();
        state.is_stopping = true;
        for (connection, _) in state.open.values() {
            connection.give(order);
        }
    }

    /// Waits until there are none.
    pub(crate) async fn emptied(&self) {
        loop {
            let emptied = self.emptied.notified();
            if self.count() == 0 {
                return;
            }
            emptied.await;
        }
    }

    fn leave(&self, id: u64, counted: Option<Neighbour>) {
        let mut state = self.state();
        state.open.remove(&id);
        if let Some(one) = counted
            && let Some(count) = state.of_one.get_mut(&one)
        {
            *count -= 1;
            if *count == 0 {
                state.of_one.remove(&one);
            }
        }
        if state.open.is_empty() {
            self.emptied.notify_waiters();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing in here can panic halfway through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Cuts the longest idle connection, if there is one. It still counts until its task has noticed.
    fn evict(&mut self) -> bool {
        while let Some(id) = self.evictable.pop() {
            let Some((connection, _)) = self.open.get(&id) else { continue };
            let seen = connection.snapshot();
            if seen.in_flight == 0 && seen.idle_since.elapsed() >= EVICTABLE_AFTER {
                connection.give(Order::Cut);
                return true;
            }
        }
        false
    }
}

/// A connection that was let in. It leaves when this is dropped.
#[derive(Debug)]
pub(crate) struct Admitted {
    connections: Arc<Connections>,
    connection: Arc<Connection>,
    id: u64,
    counted: Option<Neighbour>,
}

impl Admitted {
    pub(crate) fn connection(&self) -> &Arc<Connection> {
        &self.connection
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.connections.leave(self.id, self.counted);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn neighbour(address: &str) -> Neighbour {
        address.parse::<IpAddr>().expect("an address").into()
    }

    #[test]
    fn one_client_cannot_take_all_connections() {
        let connections = Arc::new(Connections::new(10, 2));
        let one = Some(neighbour("10.0.0.1"));
        let held = [connections.admit(None, one).expect("first"), connections.admit(None, one).expect("second")];
        assert_eq!(connections.admit(None, one).err(), Some(Refusal::TooManyOfOne));
        assert!(connections.admit(None, Some(neighbour("10.0.0.2"))).is_ok(), "others come in");
        drop(held);
        assert!(connections.admit(None, one).is_ok(), "what was given back can be taken again");
    }

    #[test]
    fn addresses_of_one_ipv6_network_are_one_client() {
        assert_eq!(neighbour("2001:db8::1"), neighbour("2001:db8::2"));
        assert_ne!(neighbour("2001:db8::1"), neighbour("2001:db8:0:1::1"));
        assert_eq!(neighbour("::ffff:10.0.0.1"), neighbour("10.0.0.1"));
    }

    #[test]
    fn a_full_server_refuses_and_a_stopping_one_too() {
        let connections = Arc::new(Connections::new(1, 10));
        let held = connections.admit(None, None).expect("first");
        assert_eq!(connections.admit(None, None).err(), Some(Refusal::Full));
        drop(held);
        connections.stop(Order::Close);
        assert_eq!(connections.admit(None, None).err(), Some(Refusal::Stopping));
    }
}
