//! Which of a project's shards a transaction counts in.
//!
//! On PostgreSQL two transactions that write one row at once cost one of them a new attempt. So each transaction of this
//! process reserves a number for as long as it runs; those that were used last are used first, so that few rows are
//! made, and every process begins elsewhere. Collisions between processes are rare and harmless.

use std::sync::{Mutex, PoisonError};

use uuid::Uuid;

/// How many shards a project has at most: as many transactions as one process runs at once, with room for others.
const SHARDS: u8 = 64;

/// A shard for giving back, which no push counts in. Several may happen to have the same one; giving back is rare.
pub(crate) fn any_for_giving() -> i64 {
    i64::from(SHARDS + Uuid::now_v7().as_bytes()[15] % SHARDS)
}

/// The numbers that no transaction of this process uses.
#[derive(Debug)]
pub(crate) struct Shards {
    free: Mutex<Vec<u8>>,
    shared: u8,
}

impl Default for Shards {
    fn default() -> Self {
        // The last byte of such an id is random.
        let first = Uuid::now_v7().as_bytes()[15] % SHARDS;
        let free = (0..SHARDS).rev().map(|number| (number + first) % SHARDS).collect();
        Self { free: Mutex::new(free), shared: first }
    }
}

impl Shards {
    /// Reserves a number until the result is dropped. When none is left, several share one.
    pub(crate) fn reserve(&self) -> Reserved<'_> {
        let own = self.free().pop();
        Reserved { shards: self, own, number: own.unwrap_or(self.shared) }
    }

    fn free(&self) -> std::sync::MutexGuard<'_, Vec<u8>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A shard's number, for one transaction.
#[derive(Debug)]
pub(crate) struct Reserved<'s> {
    shards: &'s Shards,
    own: Option<u8>,
    number: u8,
}

impl Reserved<'_> {
    pub(crate) fn number(&self) -> i64 {
        i64::from(self.number)
    }
}

impl Drop for Reserved<'_> {
    fn drop(&mut self) {
        self.shards.free().extend(self.own);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn transactions_at_the_same_time_have_numbers_of_their_own_and_the_last_one_is_used_again() {
        let shards = Shards::default();
        let all: Vec<Reserved<'_>> = (0..SHARDS).map(|_| shards.reserve()).collect();
        assert_eq!(all.iter().map(Reserved::number).collect::<BTreeSet<_>>().len(), usize::from(SHARDS));
        assert!(all.iter().any(|taken| taken.number() == shards.reserve().number()), "one more shares");
        let last = all.last().map(Reserved::number);
        drop(all.into_iter().next_back());
        assert_eq!(Some(shards.reserve().number()).is_some(), last.is_some());
        let first = shards.reserve().number();
        assert_eq!(shards.reserve().number(), first, "what was given back is taken first");
    }
}
