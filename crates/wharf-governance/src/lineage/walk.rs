//! Walks through the graph: level by level, each a statement or two, and bounded.

use std::collections::{BTreeMap, BTreeSet};

use super::rule::{By, Edge, MAX_DEPTH, distances};
use super::store::walk as store;
use crate::error::Error;
use wharf_db::Reading;

/// How many images above one are looked at.
pub(super) const MAX_STANDING: usize = 10_000;

/// What lies below an image: for each base how far down it is and how that is known.
pub(super) type Below = BTreeMap<i64, (u32, By)>;

/// What lies below images that were asked about together.
pub(super) struct Bases {
    edges: Vec<Edge>,
}

impl Bases {
    /// Walks down from `images`.
    pub(super) async fn of(from: &mut impl Reading, images: &[i64]) -> Result<Self, Error> {
        let (mut edges, mut seen) = (Vec::new(), images.iter().copied().collect::<BTreeSet<i64>>());
        let mut level = images.to_vec();
        for _ in 0..MAX_DEPTH {
            if level.is_empty() {
                break;
            }
            let found = store::bases(from, &level).await?;
            level = found.iter().map(|edge| edge.base).filter(|base| seen.insert(*base)).collect();
            edges.extend(found);
        }
        Ok(Self { edges })
    }

    /// What lies below one of them.
    pub(super) fn below(&self, image: i64) -> Below {
        distances(image, &self.edges)
    }

    /// Whether nothing is known that a base stands on.
    pub(super) fn is_root(&self, base: i64) -> bool {
        !self.edges.iter().any(|edge| edge.image == base && edge.base != base)
    }

    /// All bases of any of them.
    pub(super) fn all(&self) -> Vec<i64> {
        self.edges.iter().map(|edge| edge.base).collect::<BTreeSet<_>>().into_iter().collect()
    }
}

/// What stands on an image.
#[derive(Debug, Default)]
pub(super) struct Standing {
    /// Each image, and over how many others it stands on it at least.
    pub(super) images: BTreeMap<i64, u32>,
    /// Whether there are more.
    pub(super) is_cut: bool,
}

impl Standing {
    /// Walks up from `images`.
    pub(super) async fn on(from: &mut impl Reading, images: &[i64]) -> Result<Self, Error> {
        let mut standing = Self::default();
        let mut level = images.to_vec();
        for distance in 1..=MAX_DEPTH {
            if level.is_empty() || standing.is_cut {
                break;
            }
            let room = MAX_STANDING + images.len() + standing.images.len();
            let found = store::standing(from, &level, room + 1).await?;
            standing.is_cut = found.len() > room;
            level = found.into_iter().filter(|image| standing.add(*image, distance, images)).collect();
        }
        Ok(standing)
    }

    fn add(&mut self, image: i64, distance: u32, start: &[i64]) -> bool {
        if start.contains(&image) || self.images.contains_key(&image) {
            return false;
        }
        if self.images.len() >= MAX_STANDING {
            self.is_cut = true;
            return false;
        }
        self.images.insert(image, distance);
        true
    }
}
