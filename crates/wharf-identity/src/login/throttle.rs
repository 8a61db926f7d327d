//! Slows down who guesses passwords: failures are counted per account and per address.
//!
//! Each key has a bucket that holds one moment (the generic cell rate algorithm), so a table of them is bounded in
//! memory whatever strangers send. An attempt is charged before its password is looked at and refunded when it was
//! right, so that many at once get no more guesses than one after the other. An address from which an account has
//! logged in before has a bucket of its own for it: strangers who guess elsewhere do not lock the owner out.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use moka::sync::Cache;
use ring::hmac;
use wharf_context::Timestamp;

use crate::error::Error;
use crate::secret;
use crate::settings::Limit;

/// How many buckets of each sort are kept; the least used are forgotten beyond it.
const MAX_BUCKETS: u64 = 100_000;
/// How long an address counts as known after a log-in.
const KNOWN_FOR: Duration = Duration::from_secs(30 * 24 * 3600);

/// What a bucket belongs to: 16 bytes of a keyed hash, whatever the length of what was sent.
type Key = [u8; 16];

#[derive(Debug, Clone)]
struct Buckets {
    limit: Limit,
    // The moment at which the bucket is full again (its "theoretical arrival time"), in microseconds.
    full_at: Cache<Key, Arc<AtomicI64>>,
}

impl Buckets {
    fn new(limit: Limit) -> Self {
        let idle = limit.every.saturating_mul(limit.burst).saturating_mul(2);
        Self { limit, full_at: Cache::builder().max_capacity(MAX_BUCKETS).time_to_idle(idle).build() }
    }

    /// Takes one from the bucket, or says after which time there is one.
    fn take(&self, key: Key, now: Timestamp) -> Result<(), Duration> {
        let every = micros(self.limit.every);
        let room = every.saturating_mul(i64::from(self.limit.burst) - 1);
        let bucket = self.full_at.get_with(key, Arc::default);
        let taken = bucket.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |full_at| {
            let from = full_at.max(now.0);
            (from.saturating_sub(now.0) <= room).then(|| from.saturating_add(every))
        });
        taken.map(|_| ()).map_err(|full_at| {
            Duration::from_micros(full_at.saturating_sub(now.0).saturating_sub(room).max(1).unsigned_abs())
        })
    }

    fn give_back(&self, key: Key) {
        if let Some(bucket) = self.full_at.get(&key) {
            bucket.fetch_sub(micros(self.limit.every), Ordering::SeqCst);
        }
    }
}

fn micros(duration: Duration) -> i64 {
    // A thousand years are far from the end of an i64.
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX / 1_000_000)
}

/// The throttle of log-ins. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Throttle {
    accounts: Buckets,
    addresses: Buckets,
    known: Cache<Key, ()>,
    // Keyed, so that nobody can choose names that fall into one bucket.
    key: hmac::Key,
}

/// One attempt that was charged.
#[derive(Debug)]
pub(crate) struct Charge {
    account: Option<Key>,
    address: Option<Key>,
    pair: Option<Key>,
}

impl Throttle {
    pub(crate) fn new(account: Limit, address: Limit) -> Result<Self, Error> {
        Ok(Self {
            accounts: Buckets::new(account),
            addresses: Buckets::new(address),
            known: Cache::builder().max_capacity(MAX_BUCKETS).time_to_live(KNOWN_FOR).build(),
            key: hmac::Key::new(hmac::HMAC_SHA256, &secret::random::<32>()?),
        })
    }

    /// Charges an attempt to log in as `account`, whether or not there is one, from `remote`.
    pub(crate) fn charge(&self, account: &str, remote: Option<IpAddr>, now: Timestamp) -> Result<Charge, Error> {
        let name = account.to_ascii_lowercase();
        let address = remote.map(network);
        let pair = address.as_deref().map(|address| self.key(&[b"pair", name.as_bytes(), address]));
        let account = match pair.filter(|pair| self.known.contains_key(pair)) {
            Some(pair) => pair,
            None => self.key(&[b"account", name.as_bytes()]),
        };
        let address = address.map(|address| self.key(&[b"address", &address]));
        self.take(Charge { account: Some(account), address, pair }, now)
    }

    /// Charges a failed attempt with a secret that cannot be guessed, to the address alone.
    pub(crate) fn charge_address(&self, remote: Option<IpAddr>, now: Timestamp) -> Result<(), Error> {
        let address = remote.map(|remote| self.key(&[b"address", &network(remote)]));
        self.take(Charge { account: None, address, pair: None }, now).map(|_| ())
    }

    /// The password was right.
    pub(crate) fn refund(&self, charge: &Charge) {
        self.forgive(charge);
        if let Some(pair) = charge.pair {
            self.known.insert(pair, ());
        }
    }

    /// The password was not looked at.
    pub(crate) fn forgive(&self, charge: &Charge) {
        if let Some(account) = charge.account {
            self.accounts.give_back(account);
        }
        if let Some(address) = charge.address {
            self.addresses.give_back(address);
        }
    }

    fn take(&self, charge: Charge, now: Timestamp) -> Result<Charge, Error> {
        let throttled = |retry_after| Error::Throttled { retry_after };
        if let Some(address) = charge.address {
            self.addresses.take(address, now).map_err(throttled)?;
        }
        if let Some(account) = charge.account {
            self.accounts.take(account, now).map_err(throttled)?;
        }
        Ok(charge)
    }

    fn key(&self, parts: &[&[u8]]) -> Key {
        let mut context = hmac::Context::with_key(&self.key);
        for part in parts {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        let mut key = Key::default();
        key.copy_from_slice(&context.sign().as_ref()[..16]);
        key
    }
}

/// What counts as one address: an IPv4 address, or the /64 that one subscriber of IPv6 has.
fn network(address: IpAddr) -> Vec<u8> {
    match address.to_canonical() {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets()[..8].to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_700_000_000_000_000);
    const EVERY: Duration = Duration::from_secs(10);

    fn throttle() -> Throttle {
        Throttle::new(Limit { burst: 3, every: EVERY }, Limit { burst: 5, every: EVERY }).expect("random")
    }

    fn address(last: u8) -> Option<IpAddr> {
        Some(IpAddr::from([192, 0, 2, last]))
    }

    fn retry_after(result: Result<Charge, Error>) -> Duration {
        match result {
            Err(Error::Throttled { retry_after }) => retry_after,
            other => panic!("not throttled: {other:?}"),
        }
    }

    #[test]
    fn an_account_has_so_many_failures_and_then_one_after_each_interval() {
        let throttle = throttle();
        for last in 0..3 {
            throttle.charge("alice", address(last), NOW).expect("within the burst");
        }
        assert_eq!(retry_after(throttle.charge("ALICE", address(9), NOW)), EVERY);
        throttle.charge("alice", address(9), NOW.plus(EVERY)).expect("one more");
        assert_eq!(retry_after(throttle.charge("alice", address(9), NOW.plus(EVERY))), EVERY);
        throttle.charge("bob", address(9), NOW).expect("another account is not touched");
    }

    #[test]
    fn an_address_has_its_own_limit_over_all_accounts() {
        let throttle = throttle();
        for name in ["a", "b", "c", "d", "e"] {
            throttle.charge(name, address(1), NOW).expect("within the burst");
        }
        assert_eq!(retry_after(throttle.charge("f", address(1), NOW)), EVERY);
        assert!(throttle.charge_address(address(1), NOW).is_err());
        throttle.charge("f", address(2), NOW).expect("another address is not touched");
        throttle.charge("f", None, NOW).expect("a local caller has no address");
    }

    #[test]
    fn a_right_password_costs_nothing() {
        let throttle = throttle();
        for _ in 0..20 {
            let charge = throttle.charge("alice", address(1), NOW).expect("refunded each time");
            throttle.refund(&charge);
        }
    }

    #[test]
    fn strangers_do_not_lock_the_owner_out_of_a_known_address() {
        let throttle = throttle();
        let charge = throttle.charge("alice", address(1), NOW).expect("first");
        throttle.refund(&charge);
        for last in 2..5 {
            throttle.charge("alice", address(last), NOW).expect("a stranger guesses");
        }
        assert!(throttle.charge("alice", address(5), NOW).is_err());
        throttle.charge("alice", address(1), NOW).expect("the owner's own bucket");
    }

    #[test]
    fn a_subscriber_of_ipv6_is_one_address_and_a_mapped_ipv4_is_itself() {
        let of = |text: &str| network(text.parse().expect("an address"));
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1:2"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
    }
}
