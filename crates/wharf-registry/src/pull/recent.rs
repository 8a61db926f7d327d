//! Which manifests were pulled lately, so that each is written once in an interval.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use wharf_context::Timestamp;
use wharf_oci::{Digest, RepositoryName};

use super::Mark;

/// How many manifests are remembered. Beyond, some are written more often than they need be.
const ROOM: usize = 200_000;

/// Manifests by repository.
#[derive(Debug)]
pub(super) struct Recent {
    interval: Duration,
    notes: Mutex<Notes>,
}

#[derive(Debug, Default)]
struct Notes {
    /// When each was last noted.
    seen: HashMap<RepositoryName, HashMap<Digest, Timestamp>>,
    count: usize,
    /// What is to be written.
    due: Vec<Mark>,
}

impl Recent {
    pub(super) fn new(interval: Duration) -> Self {
        Self { interval, notes: Mutex::default() }
    }

    pub(super) fn note(&self, repository: &RepositoryName, digest: &Digest, now: Timestamp) {
        let mut notes = self.notes();
        let seen = notes.seen.get(repository).and_then(|digests| digests.get(digest));
        // A clock that was turned back must not keep a manifest from being noted.
        if seen.is_some_and(|seen| *seen <= now && now < seen.plus(self.interval)) {
            return;
        }
        if notes.count >= ROOM {
            notes.seen.clear();
            notes.count = 0;
        }
        if notes.due.len() < ROOM {
            notes.due.push((repository.clone(), *digest, now));
        }
        if notes.seen.entry(repository.clone()).or_default().insert(*digest, now).is_none() {
            notes.count += 1;
        }
    }

    pub(super) fn take_due(&self) -> Vec<Mark> {
        std::mem::take(&mut self.notes().due)
    }

    /// What could not be written is due again.
    pub(super) fn put_back(&self, marks: &[Mark]) {
        let mut notes = self.notes();
        let room = ROOM.saturating_sub(notes.due.len());
        notes.due.extend(marks.iter().take(room).cloned());
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use wharf_oci::Algorithm;

    use super::*;

    #[test]
    fn a_manifest_is_due_once_in_an_interval() {
        let recent = Recent::new(Duration::from_secs(60));
        let (repository, digest) = ("p/app".parse().expect("a name"), Digest::of(Algorithm::Sha256, b"x"));
        let at = |seconds: i64| Timestamp(seconds * 1_000_000);
        for second in [0, 1, 59] {
            recent.note(&repository, &digest, at(second));
        }
        assert_eq!(recent.take_due(), [(repository.clone(), digest, at(0))]);
        recent.note(&repository, &digest, at(59));
        assert_eq!(recent.take_due(), []);
        recent.note(&repository, &digest, at(60));
        recent.note(&"p/other".parse().expect("a name"), &digest, at(60));
        assert_eq!(recent.take_due().len(), 2);
        recent.note(&repository, &digest, at(5));
        let due = recent.take_due();
        assert_eq!(due.len(), 1, "a clock that was turned back");
        recent.put_back(&due);
        assert_eq!(recent.take_due(), due);
    }
}
