//! What a layer does, in memory and without contents: so that it is read once, however often it is looked at.

use std::io::Read;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use wharf_oci::{Algorithm, Descriptor, Digest, Source};

use crate::entry::{Entry, Kind};
use crate::error::Error;
use crate::feed::feed;
use crate::layer::{self, Change, Content};
use crate::limits::Limits;
use crate::path::EntryPath;
use crate::rootfs::{Contents, Wanted};

/// What one layer does, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scan {
    /// Each change, with the digest of the content of a regular file.
    pub(crate) changes: Vec<(Change, Option<Digest>)>,
}

impl Scan {
    /// Reads a layer's bytes. Blocks.
    pub fn read(input: Box<dyn Read + '_>, media_type: &str, limits: Limits) -> Result<Self, Error> {
        let nothing: Wanted = Arc::new(|_| false);
        Self::read_keeping(input, media_type, limits, (&nothing, &mut Contents::default()))
    }

    /// The same, and keeps the contents of files that are wanted.
    pub(crate) fn read_keeping(
        input: Box<dyn Read + '_>,
        media_type: &str,
        limits: Limits,
        (wanted, contents): (&Wanted, &mut Contents),
    ) -> Result<Self, Error> {
        let mut changes = Vec::new();
        layer::read(input, media_type, limits, &mut |change, content| {
            let digest = match size_of(&change) {
                None => None,
                Some((path, size)) if wanted(path) && contents.has_room(size) => Some(keep(content, contents)?),
                Some(_) => Some(digest(content)?),
            };
            changes.push((change, digest));
            Ok(())
        })?;
        Ok(Self { changes })
    }

    /// Reads a layer out of a source.
    pub async fn of(source: &dyn Source, layer: &Descriptor, limits: Limits) -> Result<Self, Error> {
        let media_type = layer.media_type.clone();
        feed(layer, source, &|_| {}, move |pieces| Self::read(Box::new(pieces), &media_type, limits)).await
    }

    /// How many changes it has.
    pub fn len(&self) -> usize {
        self.changes.len()
    }

    /// Whether the layer does nothing.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
}

/// The path and size of a file whose content follows.
fn size_of(change: &Change) -> Option<(&EntryPath, u64)> {
    match change {
        Change::Put(Entry { path, kind: Kind::File { size_bytes }, .. }) => Some((path, *size_bytes)),
        Change::Put(_) | Change::Hide(_) | Change::HideBelow(_) => None,
    }
}

fn keep(content: &mut Content<'_, '_>, contents: &mut Contents) -> Result<Digest, Error> {
    let mut bytes = Vec::new();
    while let Some(piece) = content.next_piece()? {
        bytes.extend_from_slice(piece);
    }
    let digest = Digest::of(Algorithm::Sha256, &bytes);
    contents.bytes += bytes.len() as u64;
    contents.kept.insert(digest, bytes.into());
    Ok(digest)
}

fn digest(content: &mut Content<'_, '_>) -> Result<Digest, Error> {
    let mut hasher = Sha256::new();
    while let Some(piece) = content.next_piece()? {
        hasher.update(piece);
    }
    Ok(Digest::from_hash(Algorithm::Sha256, &hasher.finalize()))
}
