//! What a layer does, in memory and without contents: so that it is read once, however often it is looked at.

use std::io::Read;

use sha2::{Digest as _, Sha256};
use wharf_oci::{Algorithm, Descriptor, Digest, Source};

use crate::entry::Kind;
use crate::error::Error;
use crate::feed::feed;
use crate::layer::{self, Change, Content};
use crate::limits::Limits;

/// What one layer does, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scan {
    /// Each change, with the digest of the content of a regular file.
    pub(crate) changes: Vec<(Change, Option<Digest>)>,
}

impl Scan {
    /// Reads a layer's bytes. Blocks.
    pub fn read(input: Box<dyn Read + '_>, media_type: &str, limits: Limits) -> Result<Self, Error> {
        let mut changes = Vec::new();
        layer::read(input, media_type, limits, &mut |change, content| {
            let digest = has_content(&change).then(|| digest(content)).transpose()?;
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

fn has_content(change: &Change) -> bool {
    matches!(change, Change::Put(entry) if matches!(entry.kind, Kind::File { .. }))
}

fn digest(content: &mut Content<'_, '_>) -> Result<Digest, Error> {
    let mut hasher = Sha256::new();
    while let Some(piece) = content.next_piece()? {
        hasher.update(piece);
    }
    Ok(Digest::from_hash(Algorithm::Sha256, &hasher.finalize()))
}
