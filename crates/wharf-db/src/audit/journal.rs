//! The journal: what happens too often, or too fast, for a row in a transaction of its own: refusals, log-ins, pulls.
//!
//! Noting costs a lock and no waiting: entries lie in memory, equal ones are counted together, and some seconds later they become rows
//! in batches. Room is bounded, in whole and for each address, so that nobody fills the log or the memory by being refused. What finds no
//! room is counted, and a row says how much that was. What is noted when the process dies is lost: what changes something is
//! never noted here, but written by [`Tx::audit`].

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use wharf_context::{Caller, Context, Grants, RequestId, Timestamp};

use super::{AuditEntry, Outcome};
use crate::db::Db;
use crate::error::Error;
use crate::transaction::Tx;

/// For how long entries of one address are counted against its share.
const SHARE_WINDOW: Duration = Duration::from_secs(60);
/// How many addresses are counted; beyond, none has a share of its own.
const MAX_ADDRESSES: usize = 50_000;
/// How many rows one transaction writes.
const BATCH: usize = 200;
/// How long an object's name may be.
const MAX_OBJECT_LETTERS: usize = 512;
/// What stands for the objects of entries that an address has no share left for.
const OTHERS: &str = "*";

/// How much room a journal has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Different entries between two flushes.
    pub entries: usize,
    /// Different entries of one address in a minute; more of them are one entry without an object.
    pub per_address: usize,
}

/// Entries on their way into the log.
#[derive(Debug)]
pub struct Journal {
    room: Room,
    pending: Mutex<Pending>,
    /// One flush at a time.
    flushing: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct Pending {
    entries: HashMap<Key, Noted>,
    /// Not told by a row yet.
    untold: u64,
    dropped_since_start: u64,
    shares: HashMap<IpAddr, usize>,
    shares_since: Instant,
}

/// What makes two entries equal.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    caller: Caller,
    remote: Option<IpAddr>,
    action: &'static str,
    resource: String,
    outcome: Outcome,
    details: String,
}

/// How often it was noted, and the first time.
#[derive(Debug)]
struct Noted {
    request_id: RequestId,
    details: Value,
    first_at: Timestamp,
    count: u64,
}

impl Journal {
    /// A journal with so much room.
    pub fn new(room: Room) -> Self {
        let pending = Pending {
            entries: HashMap::new(),
            untold: 0,
            dropped_since_start: 0,
            shares: HashMap::new(),
            shares_since: Instant::now(),
        };
        Self { room, pending: Mutex::new(pending), flushing: tokio::sync::Mutex::default() }
    }

    /// Notes an entry of this moment. Never waits, never fails.
    pub fn note(&self, entry: AuditEntry, at: Timestamp) {
        let (key, noted) = split(entry, at);
        let mut pending = self.pending();
        if let Some(known) = pending.entries.get_mut(&key) {
            known.count += 1;
            return;
        }
        let key = if pending.has_share(key.remote, self.room.per_address) { key } else { key.without_object() };
        pending.add(key, noted, self.room.entries);
    }

    /// How many entries found no room since the process started.
    pub fn dropped(&self) -> u64 {
        self.pending().dropped_since_start
    }

    /// Writes what was noted. What cannot be written stays for the next time, as far as there is room.
    pub async fn flush(&self, db: &Db) -> Result<(), Error> {
        let _turn = self.flushing.lock().await;
        let (entries, dropped) = {
            let mut pending = self.pending();
            (std::mem::take(&mut pending.entries), std::mem::take(&mut pending.untold))
        };
        let mut entries: Vec<(Key, Noted)> = entries.into_iter().collect();
        entries.sort_by_key(|(_, noted)| noted.first_at);
        let mut rest = entries.as_slice();
        let mut dropped_rest = dropped;
        let mut written = Ok(());
        while !rest.is_empty() || dropped_rest > 0 {
            let batch = &rest[..rest.len().min(BATCH)];
            written = db.transaction(async |tx| write(tx, batch, dropped_rest).await).await;
            if written.is_err() {
                break;
            }
            (rest, dropped_rest) = (&rest[batch.len()..], 0);
        }
        let written_count = entries.len() - rest.len();
        let left = entries.split_off(written_count);
        self.put_back(left, dropped_rest);
        written
    }

    fn put_back(&self, entries: Vec<(Key, Noted)>, dropped: u64) {
        let mut pending = self.pending();
        pending.untold += dropped;
        for (key, noted) in entries {
            pending.add(key, noted, self.room.entries);
        }
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pending {
    /// Whether an address may have one more entry of its own.
    fn has_share(&mut self, remote: Option<IpAddr>, share: usize) -> bool {
        let Some(remote) = remote else { return true };
        if self.shares_since.elapsed() >= SHARE_WINDOW {
            self.shares.clear();
            self.shares_since = Instant::now();
        }
        if self.shares.len() >= MAX_ADDRESSES && !self.shares.contains_key(&remote) {
            return false;
        }
        let used = self.shares.entry(remote).or_default();
        *used += 1;
        *used <= share
    }

    fn add(&mut self, key: Key, noted: Noted, room: usize) {
        if let Some(known) = self.entries.get_mut(&key) {
            known.count += noted.count;
            known.first_at = known.first_at.min(noted.first_at);
        } else if self.entries.len() < room {
            self.entries.insert(key, noted);
        } else {
            self.untold += noted.count;
            self.dropped_since_start += noted.count;
        }
    }
}

impl Key {
    fn without_object(self) -> Self {
        Self { resource: OTHERS.to_owned(), details: String::new(), ..self }
    }
}

fn split(entry: AuditEntry, at: Timestamp) -> (Key, Noted) {
    let AuditEntry { caller, request_id, remote, action, resource, outcome, details } = entry;
    let resource = plain(&resource);
    let key = Key { caller, remote, action, resource, outcome, details: details.to_string() };
    (key, Noted { request_id, details, first_at: at, count: 1 })
}

/// A text that any database takes: what is noted often comes from a stranger.
fn plain(text: &str) -> String {
    let letters = text.chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter });
    letters.take(MAX_OBJECT_LETTERS).collect()
}

async fn write(tx: &mut Tx<'_>, batch: &[(Key, Noted)], dropped: u64) -> Result<(), Error> {
    for (key, noted) in batch {
        let entry = AuditEntry {
            caller: key.caller.clone(),
            request_id: noted.request_id,
            remote: key.remote,
            action: key.action,
            resource: key.resource.clone(),
            outcome: key.outcome,
            details: noted.shown(key),
        };
        tx.audit(&entry).await?;
    }
    if dropped > 0 {
        let ctx = Context::new(Caller::system(), RequestId::generate(), None, Grants::default());
        let entry = AuditEntry::new(&ctx, "audit.drop", "audit").with_details(json!({ "dropped": dropped }));
        tx.audit(&entry.with_outcome(Outcome::Failed)).await?;
    }
    Ok(())
}

impl Noted {
    /// The details, with how often and since when, where it was more than once.
    fn shown(&self, key: &Key) -> Value {
        let mut details = if key.resource == OTHERS { json!({}) } else { self.details.clone() };
        if let Value::Object(members) = &mut details
            && self.count > 1
        {
            members.insert("count".to_owned(), self.count.into());
            members.insert("first_at_micros".to_owned(), self.first_at.0.into());
        }
        details
    }
}
