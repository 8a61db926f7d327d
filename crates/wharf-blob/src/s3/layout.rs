//! Names: what lies where in the bucket.

use object_store::path::Path;

use super::place::Mark;
use crate::key::{StorageKey, UploadKey};

/// The names below one prefix.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    /// Ends with a slash, unless it is empty.
    prefix: String,
}

impl Layout {
    pub(super) fn new(prefix: &str) -> Self {
        let prefix = prefix.trim_matches('/');
        let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
        Self { prefix }
    }

    /// A blob.
    pub(super) fn blob(&self, key: StorageKey) -> Path {
        let [upper, lower] = key.fan_out();
        Path::from(format!("{}blobs/{upper:02x}/{lower:02x}/{key}", self.prefix))
    }

    /// What all blobs' names begin with.
    pub(super) fn blobs(&self) -> String {
        format!("{}blobs/", self.prefix)
    }

    /// The end of an upload's bytes, too small for a part.
    pub(super) fn tail(&self, upload: UploadKey, mark: Mark) -> Path {
        Path::from(format!("{}{}.tail", self.upload(upload), mark))
    }

    /// The note that an upload has parts, so that whoever gives it up finds them.
    pub(super) fn note(&self, upload: UploadKey, mark: Mark) -> Path {
        Path::from(format!("{}{}.parts", self.upload(upload), mark))
    }

    /// What the names of all that belongs to an open upload begin with.
    pub(super) fn upload(&self, upload: UploadKey) -> String {
        format!("{}{upload}/", self.uploads())
    }

    /// What the names of everything that belongs to open uploads begin with.
    pub(super) fn uploads(&self) -> String {
        format!("{}uploads/", self.prefix)
    }

    /// Where abilities are tried.
    pub(super) fn trial(&self, name: &str) -> Path {
        Path::from(format!("{}trials/{name}", self.prefix))
    }

    /// Which upload an object below [`Layout::uploads`] belongs to.
    pub(super) fn owner(&self, object: &Path) -> Option<UploadKey> {
        let rest = object.as_ref().strip_prefix(&self.uploads())?;
        rest.split_once('/')?.0.parse().ok()
    }

    /// Which blob an object is.
    pub(super) fn stored(&self, object: &Path) -> Option<StorageKey> {
        let key = object.filename()?.parse().ok()?;
        (self.blob(key) == *object).then_some(key)
    }
}

/// Whether an object below [`Layout::upload`] is a note of parts.
pub(super) fn is_note(object: &Path) -> bool {
    object.as_ref().ends_with(".parts")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back_as_what_they_stand_for_and_nothing_else_does() {
        let upload = UploadKey::generate();
        for prefix in ["", "registry", "/a/b/"] {
            let layout = Layout::new(prefix);
            let blob = layout.blob(upload.storage_key());
            assert_eq!(layout.stored(&blob), Some(upload.storage_key()));
            assert!(blob.as_ref().starts_with(&layout.blobs()));
            for object in [layout.tail(upload, Mark::generate()), layout.note(upload, Mark::generate())] {
                assert_eq!(layout.owner(&object), Some(upload));
                assert!(object.as_ref().starts_with(&layout.upload(upload)));
                assert_eq!(layout.stored(&object), None);
            }
            let elsewhere = Path::from(format!("{}00/00/{upload}", layout.blobs()));
            assert_eq!(layout.stored(&elsewhere), None, "not where its key says");
            assert_eq!(layout.owner(&blob), None);
        }
    }
}
