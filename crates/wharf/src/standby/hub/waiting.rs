//! Who may be told what: a commit and stored bytes wait for the standby here, as long as they have to.

use std::time::Instant;

use bytes::Bytes;
use futures_util::{FutureExt as _, StreamExt as _};
use wharf_blob::{BoxFuture, StorageKey, followed};
use wharf_db::log::{Acknowledged, LogFollower};
use wharf_db::{LogBatch, log};

use super::{AWAY, FENCED, Hub};
use crate::config::standby::{StandbyMode, WhenAway};
use crate::standby::message::Item;

/// Bytes that go along with the news of them; larger ones are fetched.
const INLINE_BYTES: u64 = 64 << 10;

/// Whether something may be told.
#[derive(Debug)]
enum Verdict {
    Confirmed,
    Refused(&'static str),
    Wait(Instant),
}

impl Hub {
    /// Waits until what has `number` may be told to those who asked for it.
    async fn wait_for(self, number: u64) -> Result<(), &'static str> {
        let (mut changed, begun) = (self.inner.changed.subscribe(), Instant::now());
        loop {
            let verdict = self.judge(number, begun);
            match verdict {
                Verdict::Confirmed => return Ok(()),
                Verdict::Refused(why) => return Err(why),
                Verdict::Wait(until) => {
                    let until = tokio::time::Instant::from_std(until);
                    // Whether it was the time or a change: it is judged anew.
                    tokio::time::timeout_at(until, changed.changed()).await.ok();
                }
            }
        }
    }

    fn judge(&self, number: u64, begun: Instant) -> Verdict {
        let settings = &self.inner.settings;
        let mut state = self.state();
        if state.backlog.is_done(number) {
            return Verdict::Confirmed;
        }
        if state.is_fenced {
            return Verdict::Refused(FENCED);
        }
        let waits = settings.mode == StandbyMode::Synchronous
            && state.role.primary().is_some_and(|primary| primary.has_standby);
        if !waits {
            state.backlog.release(number);
            return Verdict::Confirmed;
        }
        let until = state.away_since.unwrap_or(begun) + settings.away_after.0;
        if Instant::now() < until {
            return Verdict::Wait(until);
        }
        if state.session.as_ref().is_some_and(|session| session.is_whole) {
            tracing::error!("the standby is connected and has confirmed nothing for too long: it counts as away");
            state.end_session();
            state.away_since = Instant::now().checked_sub(settings.away_after.0);
        }
        match settings.when_away {
            WhenAway::Refuse => Verdict::Refused(AWAY),
            WhenAway::Continue => {
                state.backlog.release(number);
                Verdict::Confirmed
            }
        }
    }

    async fn read_small(&self, key: StorageKey, size_bytes: u64) -> Option<Bytes> {
        if size_bytes > INLINE_BYTES {
            return None;
        }
        let mut reader = self.inner.store.open(&key, None).await.ok()?;
        let mut bytes = Vec::new();
        while let Some(piece) = reader.next().await {
            bytes.extend_from_slice(&piece.ok()?);
        }
        (bytes.len() as u64 == size_bytes).then(|| bytes.into())
    }

    async fn store_and_wait(&self, key: StorageKey, size_bytes: u64) -> Result<(), followed::NotFollowed> {
        let bytes = self.read_small(key, size_bytes).await;
        let item = Item::Stored { key, size_bytes, bytes };
        let number = self.change(|state| state.backlog.push(&item, Instant::now()));
        self.clone().wait_for(number).await.map_err(|why| followed::NotFollowed(why.to_owned()))
    }
}

impl LogFollower for Hub {
    fn committed(&self, batch: LogBatch) -> Option<Acknowledged> {
        let number = if batch.frames.is_empty() {
            self.state().last_batch
        } else {
            self.change(|state| {
                let item = Item::Batch { after: state.backlog.released(), batch };
                state.last_batch = state.backlog.push(&item, Instant::now());
                state.last_batch
            })
        };
        if self.inner.settings.mode == StandbyMode::Asynchronous {
            return None;
        }
        let waiting =
            self.clone().wait_for(number).map(|waited| waited.map_err(|why| log::NotFollowed(why.to_owned())));
        Some(waiting.boxed().shared())
    }

    fn broken(&self, why: &str) {
        self.change(|state| {
            tracing::error!(why, "what the standby has lacks something: it begins anew");
            state.end_session();
            state.backlog.begin_anew();
        });
    }
}

impl followed::Follower for Hub {
    fn stored(&self, key: StorageKey, size_bytes: u64) -> BoxFuture<'_, Result<(), followed::NotFollowed>> {
        Box::pin(self.store_and_wait(key, size_bytes))
    }

    fn deleted(&self, keys: &[StorageKey]) {
        let item = Item::Deleted(keys.to_vec());
        self.change(|state| state.backlog.push(&item, Instant::now()));
    }
}
