//! What differs between the file systems of two images.
//!
//! Layers that both images begin with are read only if what is above them leaves a doubt, and every other one once.

use std::collections::HashMap;
use std::collections::btree_map::BTreeMap;
use std::sync::Arc;

use wharf_oci::{Descriptor, Digest, Source};

use crate::error::Error;
use crate::limits::Limits;
use crate::path::EntryPath;
use crate::scan::Scan;
use crate::tree::{File, Node, Tree};

/// How many changes all layers may have together: what has to fit into memory.
const MAX_CHANGES: usize = 4_000_000;

/// One of two images.
#[derive(Debug, Clone, Copy)]
pub struct Side<'s> {
    /// Where its layers are.
    pub source: &'s dyn Source,
    /// Its layers, the lowest first.
    pub layers: &'s [Descriptor],
}

/// A path that is not the same in both. One of both files is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Where.
    pub path: EntryPath,
    /// What was there.
    pub before: Option<Arc<File>>,
    /// What is there.
    pub after: Option<Arc<File>>,
}

/// Compares the file systems of two images, path by path.
pub async fn compare(before: Side<'_>, after: Side<'_>, limits: Limits) -> Result<Vec<Difference>, Error> {
    let is_same = |(one, other): &(&Descriptor, &Descriptor)| one.digest == other.digest;
    let shared = before.layers.iter().zip(after.layers).take_while(is_same).count();
    let mut scans = Scans { limits, scans: HashMap::new(), changes: 0 };
    scans.read(before, shared).await?;
    scans.read(after, shared).await?;
    if shared > 0 {
        if let Some(differences) = without_base(&scans, &before.layers[shared..], &after.layers[shared..]) {
            return Ok(differences);
        }
        scans.read(Side { layers: &before.layers[..shared], ..before }, 0).await?;
    }
    Ok(differences(&scans.tree(before.layers)?, &scans.tree(after.layers)?))
}

/// What differs, if that is clear whatever lies below: nothing is there on one side only, and no layer speaks of what it
/// does not have.
fn without_base(scans: &Scans, before: &[Descriptor], after: &[Descriptor]) -> Option<Vec<Difference>> {
    // Layers that cannot be unpacked alone may well be unpacked on others.
    let (before, after) = (scans.tree(before).ok()?, scans.tree(after).ok()?);
    let has_doubt = before.leans_on_base || after.leans_on_base;
    if has_doubt || before.root.is_said() != after.root.is_said() {
        return None;
    }
    let differences = differences(&before, &after);
    let is_clear = |difference: &Difference| match (&difference.before, &difference.after) {
        (Some(before), Some(after)) => before.is_directory() == after.is_directory(),
        _ => false,
    };
    differences.iter().all(is_clear).then_some(differences)
}

/// Layers that were read.
struct Scans {
    limits: Limits,
    scans: HashMap<Digest, Scan>,
    changes: usize,
}

impl Scans {
    async fn read(&mut self, side: Side<'_>, skipped: usize) -> Result<(), Error> {
        for layer in &side.layers[skipped..] {
            if self.scans.contains_key(&layer.digest) {
                continue;
            }
            let scan = Scan::of(side.source, layer, self.limits).await?;
            self.changes += scan.len();
            if self.changes > MAX_CHANGES {
                return Err(Error::Limit { what: "files in all layers", limit: MAX_CHANGES as u64 });
            }
            self.scans.insert(layer.digest, scan);
        }
        Ok(())
    }

    fn tree(&self, layers: &[Descriptor]) -> Result<Tree, Error> {
        Tree::of(layers.iter().filter_map(|layer| self.scans.get(&layer.digest)))
    }
}

fn differences(before: &Tree, after: &Tree) -> Vec<Difference> {
    let mut found = Vec::new();
    let root = EntryPath::root();
    note(&root, Some(&before.root), Some(&after.root), &mut found);
    walk(&root, Some(&before.root), Some(&after.root), &mut found);
    found
}

/// Compares what is in a folder.
fn walk(path: &EntryPath, before: Option<&Node>, after: Option<&Node>, found: &mut Vec<Difference>) {
    let mut names: BTreeMap<&[u8], (Option<&Node>, Option<&Node>)> = BTreeMap::new();
    for (name, node) in before.iter().flat_map(|node| &node.children) {
        names.entry(name).or_default().0 = Some(node);
    }
    for (name, node) in after.iter().flat_map(|node| &node.children) {
        names.entry(name).or_default().1 = Some(node);
    }
    for (name, (before, after)) in names {
        let path = path.join(name);
        note(&path, before, after, found);
        walk(&path, before, after, found);
    }
}

fn note(path: &EntryPath, before: Option<&Node>, after: Option<&Node>, found: &mut Vec<Difference>) {
    let (before, after) = (before.map(|node| &node.file), after.map(|node| &node.file));
    if before != after {
        found.push(Difference { path: path.clone(), before: before.cloned(), after: after.cloned() });
    }
}
