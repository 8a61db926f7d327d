//! Rules of lineage. Pure: what is the newest of a base, how far something stands on something, what a policy allows.

use std::collections::{BTreeMap, BTreeSet};

use wharf_oci::Pattern;

use super::store::place::TagNote;

/// How many images may lie on each other: further down nobody looks. What is told of an image may lead in a circle.
pub(super) const MAX_DEPTH: u32 = 16;

/// That an image stands on another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Edge {
    pub(super) image: i64,
    pub(super) base: i64,
    pub(super) by: By,
}

/// How it is known that an image stands on another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum By {
    /// Its layers begin with all layers of the other: nobody can claim that.
    Layers,
    /// Its annotations say so.
    Annotation,
    /// Both.
    Both,
}

impl By {
    fn and(self, other: Self) -> Self {
        if self == other { self } else { Self::Both }
    }
}

/// The longest way from `start` to each image below it, in images, and how the last step to it is known.
pub(super) fn distances(start: i64, edges: &[Edge]) -> BTreeMap<i64, (u32, By)> {
    let mut merged: BTreeMap<(i64, i64), By> = BTreeMap::new();
    for edge in edges.iter().filter(|edge| edge.base != start && edge.base != edge.image) {
        merged.entry((edge.image, edge.base)).and_modify(|by| *by = by.and(edge.by)).or_insert(edge.by);
    }
    let mut found: BTreeMap<i64, (u32, By)> = BTreeMap::new();
    for _ in 0..MAX_DEPTH {
        let mut has_changed = false;
        for ((image, base), by) in &merged {
            let above = if *image == start { Some(0) } else { found.get(image).map(|(distance, _)| *distance) };
            let Some(distance) = above.map(|above| above + 1) else { continue };
            if distance <= MAX_DEPTH && found.get(base).is_none_or(|(known, _)| *known < distance) {
                found.insert(*base, (distance, *by));
                has_changed = true;
            }
        }
        if !has_changed {
            break;
        }
    }
    found
}

/// A manifest with tags in a base's repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Candidate {
    /// The manifest: an image or an index.
    pub(super) manifest: i64,
    /// The image itself, or those of the index.
    pub(super) images: BTreeSet<i64>,
    pub(super) tags: Vec<TagNote>,
}

impl Candidate {
    /// Since when the latest of its tags in `line` points to it, and that tag. A tag that points elsewhere by now, which was
    /// not noted here, has pointed there for less long.
    fn latest(&self, line: &Pattern) -> Option<(i64, &str)> {
        let tags = self.tags.iter().filter(|tag| tag.now && line.matches(&tag.tag));
        tags.map(|tag| (tag.since, tag.tag.as_str())).max()
    }

    /// Whether one of its tags was ever in `line`.
    pub(super) fn is_of(&self, line: &Pattern) -> bool {
        self.tags.iter().any(|tag| line.matches(&tag.tag))
    }
}

/// The newest manifest of a line, and its tag.
pub(super) fn newest<'c>(candidates: &'c [Candidate], line: &Pattern) -> Option<(&'c Candidate, &'c str)> {
    let in_line = candidates.iter().filter_map(|one| one.latest(line).map(|latest| (latest, one)));
    let ((_, tag), newest) = in_line.max_by_key(|(latest, one)| (*latest, one.manifest))?;
    Some((newest, tag))
}

/// What stands in the place of a base that is not the newest any more: the newest manifest of a line that the base is of, and
/// its tag. A line is what a pattern of tags stands for.
pub(super) fn newer<'c>(base: i64, candidates: &'c [Candidate], lines: &[Pattern]) -> Option<(&'c Candidate, &'c str)> {
    lines.iter().find_map(|line| {
        let is_of_line = candidates.iter().any(|one| one.images.contains(&base) && one.is_of(line));
        let (newest, tag) = newest(candidates, line)?;
        (is_of_line && !newest.images.contains(&base)).then_some((newest, tag))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edge(image: i64, base: i64, by: By) -> Edge {
        Edge { image, base, by }
    }

    #[test]
    fn a_base_is_as_far_as_the_longest_way_to_it() {
        let edges =
            [edge(1, 2, By::Layers), edge(2, 3, By::Layers), edge(1, 3, By::Annotation), edge(1, 2, By::Annotation)];
        let found = distances(1, &edges);
        assert_eq!(found, BTreeMap::from([(2, (1, By::Both)), (3, (2, By::Layers))]));
    }

    #[test]
    fn what_leads_in_a_circle_ends() {
        let edges =
            [edge(1, 2, By::Layers), edge(2, 3, By::Annotation), edge(3, 2, By::Annotation), edge(3, 1, By::Layers)];
        let found = distances(1, &edges);
        assert_eq!(found.keys().copied().collect::<Vec<_>>(), [2, 3]);
        assert!(found.values().all(|(distance, _)| *distance <= MAX_DEPTH));
    }

    fn candidate(manifest: i64, images: &[i64], tags: &[(&str, i64)]) -> Candidate {
        let note = |(tag, since): &(&str, i64)| TagNote { tag: (*tag).to_owned(), since: *since, now: true };
        Candidate { manifest, images: images.iter().copied().collect(), tags: tags.iter().map(note).collect() }
    }

    #[test]
    fn a_base_is_outdated_when_its_line_has_a_newer_one() {
        let line = |text: &str| text.parse::<Pattern>().expect("valid");
        let all = [line("**")];
        let old = candidate(1, &[1], &[("11.1", 10), ("11", 10)]);
        let new = candidate(2, &[2], &[("11.2", 20), ("11", 20)]);
        let other = candidate(3, &[3], &[("12.1", 30)]);
        let newest = |base, candidates: &[Candidate], lines: &[Pattern]| {
            newer(base, candidates, lines).map(|(newer, tag)| (newer.manifest, tag.to_owned()))
        };
        let two = [old.clone(), new.clone()];
        assert_eq!(newest(1, &two, &all), Some((2, "11.2".to_owned())));
        assert_eq!(newest(2, &two, &all), None);
        let three = [old, new, other];
        assert_eq!(newest(2, &three, &all), Some((3, "12.1".to_owned())), "one line for all");
        let lines = [line("11*"), line("12*")];
        assert_eq!(newest(2, &three, &lines), None, "two lines");
        assert_eq!(newest(1, &three, &lines), Some((2, "11.2".to_owned())));
        assert_eq!(newest(9, &three, &lines), None, "what has no tag is of no line");
    }

    #[test]
    fn a_tag_that_was_taken_away_makes_nothing_the_newest() {
        let line = ["**".parse::<Pattern>().expect("valid")];
        let mut withdrawn = candidate(2, &[2], &[("2", 20)]);
        withdrawn.tags[0].now = false;
        let candidates = [candidate(1, &[1], &[("1", 10)]), withdrawn];
        assert!(newer(1, &candidates, &line).is_none());
        assert_eq!(
            newer(2, &candidates, &line).map(|(newer, _)| newer.manifest),
            Some(1),
            "whoever stands on it goes back"
        );
    }

    #[test]
    fn the_platforms_of_an_index_are_as_new_as_the_index() {
        let line = ["**".parse::<Pattern>().expect("valid")];
        let candidates = [candidate(10, &[11, 12], &[("1", 1)]), candidate(20, &[21, 22], &[("2", 2)])];
        assert_eq!(newer(11, &candidates, &line).map(|(newer, _)| newer.manifest), Some(20));
        assert!(newer(22, &candidates, &line).is_none());
    }
}
