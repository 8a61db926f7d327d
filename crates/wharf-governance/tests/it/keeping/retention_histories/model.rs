//! What a history has come to, and what the rules say of it, tag by tag.

use std::collections::{BTreeMap, BTreeSet};

use wharf_context::Timestamp;
use wharf_oci::{Digest, Tag};

use crate::keeping::fixture::{image, index, sha256};

pub(super) const APP: &str = "pay/app";
pub(super) const VIEW: &str = "t/pay/app";
pub(super) const TAGS: [&str; 6] = ["v1.0.0", "v1.1.0", "v2.0.0", "dev-1", "dev-2", "main"];
pub(super) const BASE: &str = "a";
pub(super) const ON_BASE: &str = "a/d";
pub(super) const IMAGES: [&str; 4] = [BASE, "b", "c", ON_BASE];
/// An index of these two.
pub(super) const LISTED: [&str; 2] = [BASE, "b"];
pub(super) const POLICIES: [&str; 11] = [
    r#"{"name":"all","action":"delete"}"#,
    r#"{"name":"old","action":"delete","older_than":"3d"}"#,
    r#"{"name":"newest","action":"protect","newest":2},{"name":"rest","action":"delete"}"#,
    r#"{"name":"releases","action":"protect","tags":["v*"],"newest":1,"by":"semver"},{"name":"rest","action":"delete","tags":["v*","dev-*"]}"#,
    r#"{"name":"beyond","action":"delete","tags":["dev-*","main"],"beyond":1}"#,
    r#"{"name":"young","action":"protect","younger_than":"1d"},{"name":"versions","action":"delete","tags":["v*"]}"#,
    r#"{"name":"left","action":"delete","was_placed_in":["t"],"left_for":"1d"},{"name":"rest","action":"delete","tags":["dev-*"]}"#,
    r#"{"name":"replaced","action":"protect","superseded_in":["t"],"superseded_within":"1d"},{"name":"tried","action":"delete","never_placed_in":["*"],"older_than":"1d"},{"name":"left","action":"delete","was_placed_in":["*"]}"#,
    r#"{"name":"idle","action":"delete","not_pulled_for":"1d"}"#,
    r#"{"name":"versions","action":"delete","superseded_for":"1d"}"#,
    r#"{"name":"bases","action":"protect","labels":{"layers":"a*"}},{"name":"rest","action":"delete"}"#,
];
const DAY: i64 = 86_400_000_000;

pub(super) fn digest_of(layers: &str) -> Digest {
    sha256(image(layers).as_bytes())
}

pub(super) fn list() -> Digest {
    sha256(index(&LISTED).as_bytes())
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Pointed {
    pub(super) digest: Digest,
    pub(super) since: Timestamp,
}

/// What the registry says of the images.
#[derive(Debug)]
pub(super) struct World {
    pub(super) now: Timestamp,
    pub(super) here: BTreeSet<Digest>,
    pub(super) lying: BTreeSet<Digest>,
    pub(super) pulled: BTreeMap<Digest, Timestamp>,
}

/// What stood in the environment, one after the other; the last stands there.
#[derive(Debug, Default)]
pub(super) struct Placed(Vec<Once>);

#[derive(Debug, Clone, Copy)]
struct Once {
    digest: Digest,
    before: Option<usize>,
    ended: Option<(Timestamp, bool)>,
}

impl Placed {
    pub(super) fn promote(&mut self, digest: Digest, now: Timestamp) {
        let before = self.0.len().checked_sub(1);
        self.end(now, false);
        self.0.push(Once { digest, before, ended: None });
    }

    pub(super) fn roll_back(&mut self, now: Timestamp) {
        let target = self.0[self.0.last().and_then(|last| last.before).expect("something was there")];
        self.end(now, true);
        self.0.push(Once { ended: None, ..target });
    }

    fn end(&mut self, now: Timestamp, is_rolled_back: bool) {
        if let Some(last) = self.0.last_mut() {
            last.ended = Some((now, is_rolled_back));
        }
    }

    /// What stands there, and what a rollback brings back.
    pub(super) fn needed(&self) -> BTreeSet<Digest> {
        let last = self.0.last();
        let target = last.and_then(|last| last.before).map(|at| self.0[at].digest);
        last.map(|last| last.digest).into_iter().chain(target).collect()
    }

    fn of<'p>(&'p self, digests: &'p [Digest]) -> impl Iterator<Item = &'p Once> {
        self.0.iter().filter(|once| digests.contains(&once.digest))
    }

    /// When something left, and whether by a rollback; `None` where it never stood there or stands there.
    fn left(&self, digests: &[Digest]) -> Option<(Timestamp, bool)> {
        if self.of(digests).any(|once| once.ended.is_none()) {
            return None;
        }
        self.of(digests).filter_map(|once| once.ended).max()
    }
}

/// What the history has come to.
#[derive(Debug, Default)]
pub(super) struct Model {
    pub(super) tags: BTreeMap<String, Pointed>,
    /// By the hold's number: a tag with what it pointed to, or a digest.
    pub(super) holds: BTreeMap<i64, (Option<String>, Digest)>,
    pub(super) running: BTreeSet<Digest>,
    pub(super) placed: Placed,
}

/// What a tag points to and is attached to, with all that this lists.
fn all_of(tag: &str, digest: Digest) -> Vec<Digest> {
    let mut all = vec![digest];
    all.extend(attached_to(tag));
    if all.contains(&list()) {
        all.extend(LISTED.map(digest_of));
    }
    all
}

fn attached_to(tag: &str) -> Option<Digest> {
    tag.parse::<Tag>().ok().and_then(|tag| tag.attached_to())
}

impl Model {
    pub(super) fn must_stay(&self, tag: &str, digest: Digest, world: &World) -> bool {
        let all = all_of(tag, digest);
        let is_held = self.holds.values().any(|(held, digest)| held.as_deref() == Some(tag) || all.contains(digest));
        let subject = attached_to(tag).unwrap_or(digest);
        let is_lying = all.iter().any(|digest| world.lying.contains(digest));
        let has_left = self.placed.of(&[subject]).next().is_some();
        let is_needed = all.iter().any(|digest| self.placed.needed().contains(digest));
        let is_base = attached_to(tag).is_none() && all.contains(&digest_of(BASE)) && self.carries(world);
        is_held
            || all.iter().any(|digest| self.running.contains(digest))
            || (is_lying && (is_needed || !has_left))
            || is_base
    }

    /// Whether what stands on the base must stay.
    fn carries(&self, world: &World) -> bool {
        let above = digest_of(ON_BASE);
        let is_known = world.here.contains(&above) || world.lying.contains(&above);
        let is_held = self.holds.values().any(|(_, digest)| *digest == above);
        is_known && (is_held || self.running.contains(&above) || world.lying.contains(&above))
    }

    pub(super) fn is_refused(&self, tag: &str, wanted: Digest) -> bool {
        let Some(now) = self.tags.get(tag).filter(|now| now.digest != wanted) else { return false };
        let all = all_of(tag, now.digest);
        self.holds.values().any(|(held, digest)| held.as_deref() == Some(tag) || all.contains(digest))
    }

    /// The ordinary tags that a policy lets go.
    pub(super) fn going(&self, policy: usize, world: &World) -> BTreeSet<String> {
        let ordinary = self.tags.iter().filter(|(tag, _)| !tag.starts_with("sha256-"));
        let gone = ordinary.filter(|(tag, at)| {
            let lies = all_of(tag, at.digest).iter().any(|digest| world.lying.contains(digest));
            // Only these two name the environment.
            let may_clear = !lies || matches!(policy, 6 | 7);
            !self.must_stay(tag, at.digest, world) && may_clear && self.goes(policy, tag, **at, world)
        });
        gone.map(|(tag, _)| tag.clone()).collect()
    }

    fn goes(&self, policy: usize, tag: &str, at: Pointed, world: &World) -> bool {
        let age = world.now.0 - at.since.0;
        let (is_version, is_dev) = (tag.starts_with('v'), tag.starts_with("dev-"));
        let all = all_of(tag, at.digest);
        let left = self.placed.left(&all);
        match policy {
            0 => true,
            1 => age > 3 * DAY,
            2 => self.rank(tag, |_| true) > 2,
            3 => {
                let highest = self.tags.keys().filter(|tag| tag.starts_with('v')).max();
                (is_version && highest.map(String::as_str) != Some(tag)) || is_dev
            }
            4 => (is_dev || tag == "main") && self.rank(tag, |tag| tag.starts_with("dev-") || tag == "main") > 1,
            5 => is_version && age > DAY,
            6 => {
                let lies = all.iter().any(|digest| world.lying.contains(digest));
                left.is_some_and(|(when, _)| world.now.0 - when.0 > DAY) || (is_dev && !lies)
            }
            7 => match left {
                Some((when, is_rolled_back)) => is_rolled_back || world.now.0 - when.0 > DAY,
                None => self.placed.of(&all).next().is_none() && age > DAY,
            },
            8 => {
                let pulled = all.iter().filter_map(|digest| world.pulled.get(digest)).max();
                world.now.0 - pulled.map_or(at.since, |pulled| (*pulled).max(at.since)).0 > DAY
            }
            9 => {
                // In the order of their texts, these versions are in the order of their numbers.
                let newer =
                    self.tags.iter().filter(|(other, _)| is_version && other.starts_with('v') && other.as_str() > tag);
                newer.map(|(_, now)| now.since.max(at.since)).min().is_some_and(|first| world.now.0 - first.0 > DAY)
            }
            _ => ![BASE, ON_BASE].map(digest_of).contains(&at.digest),
        }
    }

    fn rank(&self, tag: &str, group: impl Fn(&str) -> bool) -> usize {
        let mine = self.tags[tag].since;
        let others = self.tags.iter().filter(|(other, _)| !other.starts_with("sha256-") && group(other));
        others.filter(|(other, at)| (at.since, other.as_str()) > (mine, tag)).count() + 1
    }
}
