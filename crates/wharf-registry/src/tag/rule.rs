//! When a tag may move. Pure.

use wharf_oci::{Digest, Reference, Tag};

use crate::error::Error;

/// What a client demands of the state before its change, all or nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Precondition {
    /// Nothing.
    #[default]
    None,
    /// `If-Match`: it points to one of these.
    Matches(Vec<Digest>),
    /// `If-Match: *`: it exists.
    Exists,
    /// `If-None-Match: *`: it does not exist.
    Absent,
}

/// Checks a precondition against what `reference` points to now.
pub(crate) fn check(precondition: &Precondition, reference: &Reference, current: Option<Digest>) -> Result<(), Error> {
    let holds = match precondition {
        Precondition::None => true,
        Precondition::Matches(digests) => current.is_some_and(|digest| digests.contains(&digest)),
        Precondition::Exists => current.is_some(),
        Precondition::Absent => current.is_none(),
    };
    if holds { Ok(()) } else { Err(Error::PreconditionFailed { reference: reference.clone(), current }) }
}

/// What putting a tag comes to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Move {
    /// It is new, or its owner may overwrite it.
    Point,
    /// It points there already.
    Stay,
}

/// Whether a tag may be pointed at `wanted`: creating takes Push, moving takes Overwrite.
pub(crate) fn may_point(
    tag: &Tag,
    current: Option<Digest>,
    wanted: Digest,
    may_overwrite: bool,
) -> Result<Move, Error> {
    match current {
        None => Ok(Move::Point),
        Some(digest) if digest == wanted => Ok(Move::Stay),
        Some(_) if may_overwrite => Ok(Move::Point),
        Some(_) => Err(Error::TagExists { tag: tag.clone() }),
    }
}

#[cfg(test)]
mod tests {
    use wharf_oci::Algorithm;

    use super::*;

    fn digest(content: &[u8]) -> Digest {
        Digest::of(Algorithm::Sha256, content)
    }

    #[test]
    fn creating_is_not_overwriting() {
        let tag: Tag = "v1".parse().expect("valid");
        let (a, b) = (digest(b"a"), digest(b"b"));
        assert_eq!(may_point(&tag, None, a, false).expect("new"), Move::Point);
        assert_eq!(may_point(&tag, Some(a), a, false).expect("same"), Move::Stay);
        assert_eq!(may_point(&tag, Some(a), b, true).expect("may"), Move::Point);
        assert!(matches!(may_point(&tag, Some(a), b, false), Err(Error::TagExists { .. })));
    }

    #[test]
    fn preconditions_compare_with_what_is_there() {
        let reference = Reference::Tag("v1".parse().expect("valid"));
        let (a, b) = (digest(b"a"), digest(b"b"));
        let holds = |precondition: Precondition, current| check(&precondition, &reference, current).is_ok();
        assert!(holds(Precondition::None, None) && holds(Precondition::None, Some(a)));
        assert!(holds(Precondition::Matches(vec![b, a]), Some(a)));
        assert!(!holds(Precondition::Matches(vec![b]), Some(a)) && !holds(Precondition::Matches(vec![a]), None));
        assert!(holds(Precondition::Exists, Some(a)) && !holds(Precondition::Exists, None));
        assert!(holds(Precondition::Absent, None) && !holds(Precondition::Absent, Some(a)));
    }
}
