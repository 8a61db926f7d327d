//! The order of a check, and what one step of it yields.

use super::FsckCounts;
use super::rule::{Problem, Resolution};

/// What is looked at, one kind after the other. The numbers are the catalog's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Manifests,
    Tags,
    Blobs,
    Stored,
    Uploads,
}

impl Phase {
    pub(super) const LAST: Self = Self::Uploads;
    const ORDER: [Self; 5] = [Self::Manifests, Self::Tags, Self::Blobs, Self::Stored, Self::Uploads];

    pub(super) fn number(self) -> i64 {
        self as i64
    }

    pub(super) fn from_number(number: i64) -> Option<Self> {
        Self::ORDER.into_iter().find(|phase| phase.number() == number)
    }

    fn next(self) -> Option<Self> {
        Self::from_number(self.number() + 1)
    }
}

/// Where a check goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) phase: Phase,
    /// The last thing that was looked at, in a form of the phase's own; empty at its beginning.
    pub(super) place: String,
}

/// What a step has seen of its phase.
#[derive(Debug, Default)]
pub(super) struct Step {
    /// The last thing that was looked at; `None` when there was nothing more.
    pub(super) last: Option<String>,
    pub(super) counts: FsckCounts,
    pub(super) findings: Vec<NewFinding>,
}

/// What is written down after a step.
#[derive(Debug)]
pub(super) struct Done {
    /// Where to go on; `None` when all is done.
    pub(super) next: Option<Position>,
    pub(super) counts: FsckCounts,
    pub(super) findings: Vec<NewFinding>,
}

impl Step {
    pub(super) fn done(self, phase: Phase) -> Done {
        let next = match self.last {
            Some(place) => Some(Position { phase, place }),
            None => phase.next().map(|phase| Position { phase, place: String::new() }),
        };
        Done { next, counts: self.counts, findings: self.findings }
    }
}

/// Something that was just found.
#[derive(Debug, Clone)]
pub(super) struct NewFinding {
    pub(super) problem: Problem,
    pub(super) subject: String,
    pub(super) repository: Option<String>,
    pub(super) details: String,
    pub(super) resolution: Resolution,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_follow_one_another_to_the_end() {
        let mut seen = vec![Phase::Manifests];
        while let Some(next) = Step::default().done(seen[seen.len() - 1]).next {
            assert_eq!((next.place.as_str(), Phase::from_number(next.phase.number())), ("", Some(next.phase)));
            seen.push(next.phase);
        }
        assert_eq!(seen, Phase::ORDER);
    }

    #[test]
    fn a_phase_goes_on_until_nothing_is_left() {
        let step = Step { last: Some("7".to_owned()), ..Step::default() };
        assert_eq!(step.done(Phase::Blobs).next, Some(Position { phase: Phase::Blobs, place: "7".to_owned() }));
    }
}
