//! The order of a rebuild. Pure.

use std::collections::{BTreeMap, BTreeSet};

/// In which wave each is rebuilt: after all that it stands on. What stands on each other in a circle comes last, in one wave.
pub(super) fn waves<T: Ord + Clone>(stands_on: &BTreeMap<T, BTreeSet<T>>) -> BTreeMap<T, u32> {
    let mut waves: BTreeMap<T, u32> = BTreeMap::new();
    let mut wave = 1;
    while waves.len() < stands_on.len() {
        let is_free = |bases: &BTreeSet<T>, own: &T| {
            bases.iter().all(|base| base == own || !stands_on.contains_key(base) || waves.contains_key(base))
        };
        let open = stands_on.iter().filter(|(one, _)| !waves.contains_key(*one));
        let mut next: Vec<T> =
            open.clone().filter(|(one, bases)| is_free(bases, one)).map(|(one, _)| one.clone()).collect();
        if next.is_empty() {
            next = open.map(|(one, _)| one.clone()).collect();
        }
        waves.extend(next.into_iter().map(|one| (one, wave)));
        wave += 1;
    }
    waves
}

/// What each waits for: of what it stands on, what is rebuilt in a wave before its own.
pub(super) fn awaited<T: Ord + Clone>(one: &T, bases: &BTreeSet<T>, waves: &BTreeMap<T, u32>) -> BTreeSet<T> {
    let own = waves.get(one).copied().unwrap_or(0);
    bases.iter().filter(|base| waves.get(*base).is_some_and(|wave| *wave < own)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(edges: &[(&'static str, &[&'static str])]) -> BTreeMap<&'static str, BTreeSet<&'static str>> {
        edges.iter().map(|(one, bases)| (*one, bases.iter().copied().collect())).collect()
    }

    #[test]
    fn bases_come_before_what_stands_on_them() {
        let stands_on =
            map(&[("app", &["runtime", "os"]), ("runtime", &["os"]), ("tool", &["elsewhere"]), ("os", &[])]);
        let waves = waves(&stands_on);
        assert_eq!(waves, BTreeMap::from([("os", 1), ("tool", 1), ("runtime", 2), ("app", 3)]));
        assert_eq!(awaited(&"app", &stands_on["app"], &waves), BTreeSet::from(["os", "runtime"]));
        assert!(awaited(&"tool", &stands_on["tool"], &waves).is_empty());
    }

    #[test]
    fn a_circle_ends_and_waits_for_nobody_in_it() {
        let stands_on = map(&[("a", &["b"]), ("b", &["a"]), ("c", &[]), ("self", &["self"])]);
        let waves = waves(&stands_on);
        assert_eq!(waves, BTreeMap::from([("c", 1), ("self", 1), ("a", 2), ("b", 2)]));
        assert!(awaited(&"a", &stands_on["a"], &waves).is_empty());
    }
}
