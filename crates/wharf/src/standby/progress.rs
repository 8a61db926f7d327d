//! How far a standby has come: what is done up to where, and what beyond.

use std::collections::{BTreeSet, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use uuid::Uuid;
use wharf_blob::StorageKey;

/// Shared by everything that works for one standby.
#[derive(Debug)]
pub(super) struct Progress {
    state: Mutex<State>,
    changed: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct State {
    /// Whose numbers these are.
    lineage: Option<Uuid>,
    done: u64,
    /// What is done beyond that.
    beyond: BTreeSet<u64>,
    /// What the primary has not been told.
    untold: Vec<u64>,
    /// Bytes that are on their way.
    busy: HashSet<StorageKey>,
    /// The last number that the primary has given out, as far as is known.
    last: u64,
    is_following: bool,
    level_at: Option<Instant>,
    trouble: Option<String>,
}

/// What there is to see.
#[derive(Debug, Clone, Default)]
pub(super) struct View {
    pub(super) is_following: bool,
    pub(super) behind_items: u64,
    /// Since when it is not on a level, or not known to be.
    pub(super) behind: Option<Duration>,
    pub(super) trouble: Option<String>,
}

impl Progress {
    pub(super) fn new() -> Self {
        Self { state: Mutex::default(), changed: watch::Sender::new(0) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let changed = change(&mut self.state());
        self.changed.send_modify(|version| *version += 1);
        changed
    }

    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Follows from `done` on.
    pub(super) fn begin(&self, lineage: Uuid, done: u64) {
        self.change(|state| {
            let level_at = state.level_at;
            *state =
                State { lineage: Some(lineage), done, last: done, is_following: true, level_at, ..State::default() };
        });
    }

    /// Follows nobody for now.
    pub(super) fn end(&self, trouble: String) {
        self.change(|state| {
            state.is_following = false;
            state.trouble = Some(trouble);
        });
    }

    /// The primary has given out numbers up to `last`.
    pub(super) fn hear(&self, last: u64) {
        let mut state = self.state();
        state.last = state.last.max(last);
        state.look();
    }

    pub(super) fn finish(&self, numbers: &[u64]) {
        self.change(|state| {
            for number in numbers.iter().copied().filter(|number| *number > state.done) {
                state.beyond.insert(number);
                state.untold.push(number);
            }
            while state.beyond.remove(&(state.done + 1)) {
                state.done += 1;
            }
            state.look();
        });
    }

    /// Bytes come that nobody may delete before they are here.
    pub(super) fn set_busy(&self, key: StorageKey) {
        self.change(|state| state.busy.insert(key));
    }

    pub(super) fn set_idle(&self, key: StorageKey) {
        self.change(|state| state.busy.remove(&key));
    }

    /// Waits until none of `keys` is on its way.
    pub(super) async fn wait_for_idle(&self, keys: &[StorageKey]) {
        let mut changes = self.changes();
        while keys.iter().any(|key| self.state().busy.contains(key)) {
            if changes.changed().await.is_err() {
                return;
            }
        }
    }

    /// Up to where everything is done.
    pub(super) fn done(&self) -> u64 {
        self.state().done
    }

    /// Up to where everything is done, and what else is that the primary has not been told.
    pub(super) fn take_news(&self) -> (u64, Vec<u64>) {
        let mut state = self.state();
        let done = state.done;
        let more = std::mem::take(&mut state.untold).into_iter().filter(|number| *number > done).collect();
        (done, more)
    }

    /// Whether everything up to `number` of that lineage is done.
    pub(super) fn has(&self, lineage: Uuid, number: u64) -> bool {
        let state = self.state();
        state.lineage == Some(lineage) && state.done >= number
    }

    pub(super) fn view(&self) -> View {
        let state = self.state();
        let is_level = state.is_following && state.done >= state.last;
        View {
            is_following: state.is_following,
            behind_items: state.last.saturating_sub(state.done),
            behind: state.level_at.map(|at| if is_level { Duration::ZERO } else { at.elapsed() }),
            trouble: state.trouble.clone(),
        }
    }
}

impl State {
    fn look(&mut self) {
        if self.is_following && self.done >= self.last {
            self.level_at = Some(Instant::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_told_once_and_gaps_are_waited_for() {
        let progress = Progress::new();
        let lineage = Uuid::new_v4();
        progress.begin(lineage, 10);
        progress.finish(&[12, 13, 9]);
        assert_eq!(progress.take_news(), (10, vec![12, 13]));
        assert_eq!(progress.take_news(), (10, vec![]));
        progress.finish(&[11, 15]);
        assert_eq!(progress.take_news(), (13, vec![15]));
        assert!(progress.has(lineage, 13) && !progress.has(lineage, 14) && !progress.has(Uuid::nil(), 1));
    }

    #[test]
    fn a_standby_is_level_when_it_has_all_that_it_has_heard_of() {
        let progress = Progress::new();
        assert!(!progress.view().is_following && progress.view().behind.is_none());
        progress.begin(Uuid::nil(), 3);
        progress.hear(3);
        assert_eq!(progress.view().behind, Some(Duration::ZERO));
        progress.hear(5);
        assert_eq!(progress.view().behind_items, 2);
        assert!(progress.view().behind > Some(Duration::ZERO));
        progress.finish(&[4, 5]);
        assert_eq!(progress.view().behind, Some(Duration::ZERO));
        progress.end("cut".to_owned());
        assert!(progress.view().behind > Some(Duration::ZERO) && progress.view().trouble.as_deref() == Some("cut"));
    }
}
