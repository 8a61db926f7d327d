//! What was made before, by all that it depended on.
//!
//! The key of an operation is the digest of its definition, the chain that it changes and the digests of what it reads.
//! What it leads to is a chain of layers; whether these are still there is asked each time.

pub mod remote;
mod store;

use serde_json::{Value, json};
use wharf_db::Db;
use wharf_images::collect::{Amount, Keep};
use wharf_images::{Images, Snapshot};
use wharf_oci::{Algorithm, Digest};

use crate::error::Error;
use crate::instant::Instant;

/// What was made before, on this node.
#[derive(Debug, Clone)]
pub(crate) struct Cache {
    db: Db,
}

/// All that an operation's result depends on.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    pub(crate) digest: Digest,
    /// The same in words, for those who ask why.
    pub(crate) inputs: Value,
}

/// What is known of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Known {
    /// Nothing.
    Nothing,
    /// It leaves nothing: the file system is empty.
    Empty,
    /// It leads to this chain.
    Chain(Digest),
}

impl Key {
    pub(crate) fn new(definition: Value, parent: &Snapshot, content: &[(String, Digest)], instant: Instant) -> Self {
        let parent = parent.chain().map(|chain| chain.to_string());
        let content: Vec<Value> = content.iter().map(|(name, digest)| json!([name, digest.to_string()])).collect();
        let inputs = json!({ "does": definition, "on": parent, "reads": content, "time": instant.0 });
        Self { digest: Digest::of(Algorithm::Sha256, inputs.to_string().as_bytes()), inputs }
    }
}

impl Cache {
    pub(crate) fn new(db: Db) -> Self {
        Self { db }
    }

    /// What an operation leads to.
    pub(crate) async fn find(&self, key: &Key) -> Result<Known, Error> {
        store::find(&self.db, &key.digest).await
    }

    /// Notes what an operation leads to.
    pub(crate) async fn put(&self, key: &Key, title: &str, result: &Snapshot) -> Result<(), Error> {
        store::put(&self.db, key, title, result.chain().as_ref()).await
    }

    /// What is different from the last time that something of this title was made.
    pub(crate) async fn reason(&self, key: &Key, title: &str) -> Result<Option<String>, Error> {
        let before = store::last(&self.db, title).await?;
        Ok(before.and_then(|before| serde_json::from_str(&before).ok()).map(|before| difference(&before, &key.inputs)))
    }

    /// The digest of what was selected of a file system.
    pub(crate) async fn selection(&self, chain: &Digest, query: &str) -> Result<Option<Digest>, Error> {
        store::selection(&self.db, chain, query).await
    }

    /// Notes the digest of what was selected of a file system.
    pub(crate) async fn put_selection(&self, chain: &Digest, query: &str, digest: &Digest) -> Result<(), Error> {
        store::put_selection(&self.db, chain, query, digest).await
    }
}

/// One thing that was made before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What people saw of it.
    pub title: String,
    /// The chain that it leads to; none where that is empty.
    pub chain: Option<Digest>,
    /// Whether the layers are still there.
    pub is_there: bool,
    /// When, in microseconds since 1970.
    pub created_at: i64,
}

/// What was made before, the latest first.
pub async fn entries(images: &Images) -> Result<Vec<Entry>, Error> {
    let mut entries = store::list(images.db()).await?;
    for entry in &mut entries {
        entry.is_there = entry.chain.is_none_or(|chain| images.layer_folder(&chain).is_dir());
    }
    Ok(entries)
}

/// Lets go of layers and blobs that need not stay, and of what led to them; says what went.
pub async fn prune(images: &Images, keep: &Keep) -> Result<Amount, Error> {
    let gone = images.collect(keep).await?;
    let lost: Vec<Digest> =
        entries(images).await?.into_iter().filter(|entry| !entry.is_there).filter_map(|entry| entry.chain).collect();
    store::forget(images.db(), &lost).await?;
    Ok(gone)
}

/// Removes the caches of RUN that nobody holds; says what went.
pub async fn remove_mounts(images: &Images) -> Result<Amount, Error> {
    let folder = images.session().folder().join(crate::op::mounts::CACHES);
    crate::op::blocking(move || crate::op::mounts::remove_unused(&folder)).await
}

/// What of two operations' inputs is different, in words.
fn difference(before: &Value, now: &Value) -> String {
    let mut reasons = Vec::new();
    if before["does"] != now["does"] {
        let names = |value: &Value| {
            value.as_object().map(|object| object.keys().cloned().collect::<Vec<_>>()).unwrap_or_default()
        };
        let changed: Vec<String> =
            names(&now["does"]).into_iter().filter(|name| before["does"][name] != now["does"][name]).collect();
        reasons.push(format!("the instruction is another ({})", changed.join(", ")));
    }
    if before["on"] != now["on"] {
        reasons.push("what it stands on is another".to_owned());
    }
    for read in now["reads"].as_array().into_iter().flatten() {
        let was = before["reads"].as_array().into_iter().flatten().find(|was| was[0] == read[0]);
        if was != Some(read) {
            reasons.push(format!("`{}` has changed", read[0].as_str().unwrap_or_default()));
        }
    }
    if before["time"] != now["time"] {
        reasons.push("the moment of the image is another".to_owned());
    }
    if reasons.is_empty() { "its layers are no longer there".to_owned() } else { reasons.join("; ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_changed_is_told() {
        let inputs = |env: &str, on: &str, read: &str| json!({ "does": { "run": ["x"], "env": env }, "on": on, "reads": [["a", read]], "time": 1 });
        let before = inputs("1", "sha256:1", "sha256:2");
        for (now, reason) in [
            (inputs("2", "sha256:1", "sha256:2"), "the instruction is another (env)"),
            (inputs("1", "sha256:3", "sha256:2"), "what it stands on is another"),
            (inputs("1", "sha256:1", "sha256:3"), "`a` has changed"),
            (before.clone(), "its layers are no longer there"),
        ] {
            assert_eq!(difference(&before, &now), reason);
        }
    }
}
