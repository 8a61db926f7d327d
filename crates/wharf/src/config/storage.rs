//! `[storage]`: where the blobs lie.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Keys of `[storage]`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Storage {
    /// `file:PATH` or `memory:` (for trials: gone when the server ends); without it, a folder in the data folder.
    pub(crate) url: Option<String>,
    /// Whether other nodes with the same database use the same folder. Without it, the folder is locked for this one.
    pub(crate) shared: bool,
}

/// Where the bytes go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// A folder.
    Files(PathBuf),
    /// This process, and nowhere when it ends.
    Memory,
}

impl Storage {
    /// What `url` says; [`super::check`] has seen that it says something, and [`super::merge`] that it is set.
    pub(crate) fn place(&self) -> Place {
        self.url.as_deref().and_then(Place::parse).expect("checked when the configuration was loaded")
    }
}

impl Place {
    pub(crate) fn parse(url: &str) -> Option<Self> {
        if url == "memory:" {
            return Some(Self::Memory);
        }
        let path = url.strip_prefix("file:")?;
        let path = path.strip_prefix("//").unwrap_or(path);
        (!path.is_empty()).then(|| Self::Files(PathBuf::from(path)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_folder_or_memory() {
        let folder = |path: &str| Some(Place::Files(PathBuf::from(path)));
        for (url, place) in [
            ("file:/srv/blobs", folder("/srv/blobs")),
            ("file:///srv/blobs", folder("/srv/blobs")),
            ("file:blobs", folder("blobs")),
            ("memory:", Some(Place::Memory)),
            ("file:", None),
            ("/srv/blobs", None),
            ("s3://bucket", None),
        ] {
            assert_eq!(Place::parse(url), place, "{url}");
        }
    }
}
