//! What two repositories must hold, and what can be brought back: sets and lists, nothing clever.

use std::collections::{BTreeMap, BTreeSet};

use super::TAGS;
use crate::fixture::GRACE;

/// A tag that pointed to a layer's image until a moment.
#[derive(Debug, Clone, Copy)]
struct Past {
    at: (usize, usize),
    layer: u8,
    until: i64,
}

#[derive(Debug, Default)]
pub(super) struct Model {
    pub(super) now: i64,
    pub(super) tags: BTreeMap<(usize, usize), u8>,
    pub(super) manifests: BTreeSet<(usize, u8)>,
    /// The latest last.
    past: Vec<Past>,
    pub(super) bin: Vec<(usize, u8, i64)>,
}

impl Model {
    pub(super) fn at(now: i64) -> Self {
        Self { now, ..Self::default() }
    }

    pub(super) fn point(&mut self, at: (usize, usize), layer: u8) {
        if self.tags.get(&at) != Some(&layer) {
            self.untag(at);
        }
        self.tags.insert(at, layer);
        self.manifests.insert((at.0, layer));
    }

    pub(super) fn untag(&mut self, at: (usize, usize)) -> bool {
        let Some(layer) = self.tags.remove(&at) else { return false };
        self.past.push(Past { at, layer, until: self.now });
        true
    }

    pub(super) fn delete(&mut self, repository: usize, layer: u8) -> bool {
        for tag in 0..TAGS.len() {
            if self.tags.get(&(repository, tag)) == Some(&layer) {
                self.untag((repository, tag));
            }
        }
        self.bin.push((repository, layer, self.now));
        self.manifests.remove(&(repository, layer))
    }

    fn is_fresh(&self, moment: i64) -> bool {
        self.now - moment <= i64::try_from(GRACE.as_micros()).expect("an hour")
    }

    pub(super) fn is_binned(&self, repository: usize, layer: u8) -> bool {
        let mut binned = self.bin.iter().filter(|(owner, entry, _)| (*owner, *entry) == (repository, layer));
        !self.manifests.contains(&(repository, layer)) && binned.any(|(.., at)| self.is_fresh(*at))
    }

    /// The layer whose image a tag can be given back.
    pub(super) fn restorable(&self, at: (usize, usize)) -> Option<u8> {
        let is_held = |layer| self.manifests.contains(&(at.0, layer)) || self.is_binned(at.0, layer);
        let could = |past: &&Past| {
            let is_other = self.tags.get(&at) != Some(&past.layer);
            past.at == at && is_other && self.is_fresh(past.until) && is_held(past.layer)
        };
        self.past.iter().rev().find(could).map(|past| past.layer)
    }
}
