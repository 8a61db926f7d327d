//! In which order manifests are stored.

use std::collections::HashMap;
use std::hash::Hash;

/// Levels of a graph without circles, the lowest first: whatever a thing names stands in a level below its own. What is
/// named and not in the graph counts for nothing.
pub(super) fn levels<K: Copy + Eq + Hash + Ord>(children: &HashMap<K, Vec<K>>) -> Vec<Vec<K>> {
    let mut heights = HashMap::new();
    let mut keys: Vec<K> = children.keys().copied().collect();
    keys.sort_unstable();
    for key in &keys {
        height(*key, children, &mut heights);
    }
    let mut levels = vec![Vec::new(); heights.values().max().map_or(0, |height| height + 1)];
    for key in keys {
        levels[heights[&key]].push(key);
    }
    levels
}

/// How many levels are below; the depth of what is copied is bounded, and so is this.
fn height<K: Copy + Eq + Hash>(key: K, children: &HashMap<K, Vec<K>>, known: &mut HashMap<K, usize>) -> usize {
    if let Some(height) = known.get(&key) {
        return *height;
    }
    let below = children[&key].iter().filter(|child| children.contains_key(child));
    let result = below.map(|child| height(*child, children, known) + 1).max().unwrap_or_default();
    known.insert(key, result);
    result
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_thing_stands_above_all_that_it_names() {
        let graph = [(1, vec![2, 3]), (2, vec![3, 9]), (3, vec![]), (4, vec![1]), (5, vec![])].into();
        assert_eq!(levels(&graph), [vec![3, 5], vec![2], vec![1], vec![4]]);
        assert_eq!(levels::<u8>(&HashMap::new()), Vec::<Vec<u8>>::new());
    }

    proptest! {
        #[test]
        fn every_graph_is_ordered(edges in prop::collection::vec((0..20_u8, 0..20_u8), 0..60)) {
            let mut graph: HashMap<u8, Vec<u8>> = (0..20).map(|key| (key, Vec::new())).collect();
            // From lower to higher numbers, so that there are no circles.
            for (one, other) in edges.into_iter().filter(|(one, other)| one != other) {
                graph.entry(one.min(other)).or_default().push(one.max(other));
            }
            let levels = levels(&graph);
            let level = |key: u8| levels.iter().position(|level| level.contains(&key)).expect("every key has one");
            for (key, children) in &graph {
                prop_assert!(children.iter().all(|child| level(*child) < level(*key)));
            }
        }
    }
}
