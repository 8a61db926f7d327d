//! Local collection: what nobody has used for long goes, until the rest fits.
//!
//! It holds the store alone; while anything uses it, nothing is collected. Unpacked layers go from the top of their
//! chains, the least recently used first; blobs go that no name leads to. Whatever is gone can be pulled or built again.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use wharf_oci::{Content, Digest};

use crate::error::Error;
use crate::images::{Images, blocking};
use crate::root;
use crate::snapshot::store::{self, Weight};

/// What may stay.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Keep {
    /// So many bytes of unpacked layers.
    pub bytes: Option<u64>,
    /// So many files, folders and links in them.
    pub inodes: Option<u64>,
    /// What was used within this time; the rest goes.
    pub used_within: Option<Duration>,
}

/// What is there, or what went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Amount {
    /// Unpacked layers.
    pub layers: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Their files, folders and links.
    pub inodes: u64,
    /// Blobs of the content.
    pub blobs: u64,
    /// Their bytes.
    pub blob_bytes: u64,
}

impl Images {
    /// What there is.
    pub async fn amount(&self) -> Result<Amount, Error> {
        let weights = store::weights(self.db()).await?;
        let mut amount = Amount::default();
        weights.iter().for_each(|weight| amount.add(weight));
        for (_, size) in self.blobs()? {
            amount.blobs += 1;
            amount.blob_bytes += size;
        }
        Ok(amount)
    }

    /// Lets go what need not stay, and says what went.
    pub async fn collect(&self, keep: &Keep) -> Result<Amount, Error> {
        let session = std::sync::Arc::clone(self.session());
        let alone = session.alone()?;
        let mut gone = Amount::default();
        let oldest = keep.used_within.map(|within| {
            let micros = i64::try_from(within.as_micros()).unwrap_or(i64::MAX);
            self.db().clock().now().0.saturating_sub(micros)
        });
        for weight in chosen(store::weights(self.db()).await?, keep, oldest) {
            self.remove_layer(&weight).await?;
            gone.add(&weight);
        }
        let live = self.live().await?;
        for (digest, size) in self.blobs()?.into_iter().filter(|(digest, _)| !live.contains(digest)) {
            let path = self.blob_path(&digest);
            std::fs::remove_file(&path).map_err(|source| Error::file("remove", &path, source))?;
            gone.blobs += 1;
            gone.blob_bytes += size;
        }
        drop(alone);
        Ok(gone)
    }

    async fn remove_layer(&self, weight: &Weight) -> Result<(), Error> {
        let (folder, scratch) = (self.layer_folder(&weight.chain), self.session().scratch());
        blocking(move || {
            // First out of its place, in one step: a layer that is there is whole.
            match std::fs::rename(&folder, &scratch) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
                Err(source) => Err(Error::file("remove", &folder, source)),
                Ok(()) => root::remove_all(&scratch).map_err(|source| Error::file("remove", &scratch, source)),
            }
        })
        .await?;
        store::delete(self.db(), &weight.chain).await
    }

    /// All blobs and their sizes.
    fn blobs(&self) -> Result<Vec<(Digest, u64)>, Error> {
        let folder = self.session().content().join("blobs").join("sha256");
        let failed = |source| Error::file("list", &folder, source);
        let mut blobs = Vec::new();
        for entry in std::fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let digest = entry.file_name().to_str().and_then(|name| format!("sha256:{name}").parse().ok());
            if let Some(digest) = digest {
                blobs.push((digest, entry.metadata().map_err(failed)?.len()));
            }
        }
        Ok(blobs)
    }

    /// What names lead to.
    async fn live(&self) -> Result<HashSet<Digest>, Error> {
        let mut live = HashSet::new();
        let mut left: Vec<_> = self.names().await?.into_iter().map(|named| named.descriptor).collect();
        while let Some(descriptor) = left.pop() {
            if !live.insert(descriptor.digest) || !descriptor.is_manifest() {
                continue;
            }
            let Ok(manifest) = self.manifest(&descriptor).await else { continue };
            match manifest.content {
                Content::Index { manifests } => left.extend(manifests),
                Content::Image { .. } => {
                    live.extend(manifest.blobs().map(|blob| blob.digest));
                }
            }
        }
        Ok(live)
    }
}

impl Amount {
    fn add(&mut self, weight: &Weight) {
        self.layers += 1;
        self.bytes += weight.diff_bytes;
        self.inodes += weight.inodes;
    }
}

/// Which layers go, each after those above it. They come the least recently used first.
fn chosen(weights: Vec<Weight>, keep: &Keep, oldest: Option<i64>) -> Vec<Weight> {
    let mut total = Amount::default();
    let mut above: HashMap<Digest, usize> = HashMap::new();
    for weight in &weights {
        total.add(weight);
        weight.parent.iter().for_each(|parent| *above.entry(*parent).or_default() += 1);
    }
    let (mut left, mut gone) = (weights, Vec::new());
    loop {
        let is_over =
            keep.bytes.is_some_and(|most| total.bytes > most) || keep.inodes.is_some_and(|most| total.inodes > most);
        let goes = |weight: &Weight| {
            let is_free = above.get(&weight.chain).is_none_or(|count| *count == 0);
            is_free && (is_over || oldest.is_some_and(|oldest| weight.used_at.0 < oldest))
        };
        let Some(at) = left.iter().position(goes) else { return gone };
        let weight = left.remove(at);
        total.bytes = total.bytes.saturating_sub(weight.diff_bytes);
        total.inodes = total.inodes.saturating_sub(weight.inodes);
        if let Some(count) = weight.parent.and_then(|parent| above.get_mut(&parent)) {
            *count -= 1;
        }
        gone.push(weight);
    }
}

#[cfg(test)]
mod tests {
    use wharf_context::Timestamp;
    use wharf_oci::Algorithm;

    use super::*;

    fn digest(name: &str) -> Digest {
        Digest::of(Algorithm::Sha256, name.as_bytes())
    }

    fn weight(name: &str, parent: Option<&str>, used_at: i64) -> Weight {
        let (chain, parent, used_at) = (digest(name), parent.map(digest), Timestamp(used_at));
        Weight { chain, parent, diff_bytes: 10, inodes: 2, used_at }
    }

    #[test]
    fn the_least_recently_used_goes_first_and_no_layer_before_those_above() {
        let weights =
            || vec![weight("a", None, 1), weight("b", Some("a"), 2), weight("c", None, 3), weight("d", Some("a"), 4)];
        let chains = |keep: &Keep, oldest| {
            chosen(weights(), keep, oldest).into_iter().map(|weight| weight.chain).collect::<Vec<_>>()
        };
        let keep = |bytes, inodes| Keep { bytes, inodes, used_within: None };
        assert_eq!(chains(&keep(None, None), None), []);
        assert_eq!(chains(&keep(Some(40), Some(8)), None), []);
        assert_eq!(chains(&keep(Some(39), None), None), [digest("b")]);
        assert_eq!(chains(&keep(None, Some(4)), None), [digest("b"), digest("c")]);
        assert_eq!(chains(&keep(Some(0), None), None), ["b", "c", "d", "a"].map(digest));
        assert_eq!(chains(&keep(None, None), Some(3)), [digest("b")], "`a` is below what stays");
    }
}
