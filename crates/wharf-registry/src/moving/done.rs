//! Which blobs a copy has seen to: a bit each, so that it can hold tens of millions.

use std::collections::HashMap;

/// A set of row numbers. They are given out one after another, so that most words are full.
#[derive(Debug, Default)]
pub(super) struct Done {
    words: HashMap<i64, u64>,
}

impl Done {
    pub(super) fn insert(&mut self, id: i64) {
        *self.words.entry(id.div_euclid(64)).or_default() |= bit(id);
    }

    pub(super) fn contains(&self, id: i64) -> bool {
        self.words.get(&id.div_euclid(64)).is_some_and(|word| word & bit(id) != 0)
    }
}

fn bit(id: i64) -> u64 {
    1 << id.rem_euclid(64)
}

#[cfg(test)]
mod tests {
    use super::Done;

    #[test]
    fn what_was_inserted_is_there_and_nothing_else() {
        let mut done = Done::default();
        let inserted = [i64::MIN, -65, -1, 0, 1, 63, 64, i64::MAX];
        inserted.iter().for_each(|id| done.insert(*id));
        assert!(inserted.iter().all(|id| done.contains(*id)));
        assert!([-64, -2, 2, 62, 65, i64::MAX - 1].iter().all(|id| !done.contains(*id)));
    }
}
