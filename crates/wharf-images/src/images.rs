//! The images of one node, opened.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use wharf_context::Clock;
use wharf_db::{Db, Settings, Tables};
use wharf_layer::{Layout, LayoutSink};
use wharf_oci::Digest;

use crate::error::Error;
use crate::session::Session;

/// The images of one node. Clones share them.
#[derive(Debug, Clone)]
pub struct Images {
    session: Arc<Session>,
    db: Db,
    layout: Arc<Layout>,
}

impl Images {
    /// Opens what is in `folder`, and makes it where it is missing.
    pub async fn open(folder: &Path, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        let owned = std::path::absolute(folder).map_err(|source| Error::file("find", folder, source))?;
        let session = blocking(move || {
            let session = Session::open(&owned)?;
            prepare_content(&session.content())?;
            Ok(session)
        })
        .await?;
        let url = format!("sqlite:{}", session.folder().join("node.sqlite").display());
        let settings = Settings { tables: Tables::Node, pool_size: 1, ..Settings::new(url) };
        let db = Db::open(&settings, clock, Vec::new()).await?;
        let layout = Layout::open_folder(&session.content()).await?;
        Ok(Self { session: Arc::new(session), db, layout: Arc::new(layout) })
    }

    /// The node's database, for the tables of others that go with images.
    pub fn db(&self) -> &Db {
        &self.db
    }

    /// This process's use of the store.
    pub fn session(&self) -> &Arc<Session> {
        &self.session
    }

    /// All content, to be read by digests.
    pub fn source(&self) -> &Layout {
        &self.layout
    }

    /// Where a blob's bytes lie.
    pub(crate) fn blob_path(&self, digest: &Digest) -> PathBuf {
        self.session.content().join("blobs").join(digest.algorithm().name()).join(digest.hex())
    }
}

/// Makes an OCI layout that lists nothing: what its images are called stands in the database.
fn prepare_content(folder: &Path) -> Result<(), Error> {
    const FILES: [(&str, &str); 2] = [
        ("oci-layout", r#"{"imageLayoutVersion":"1.0.0"}"#),
        ("index.json", r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#),
    ];
    LayoutSink::folder(folder)?;
    let blobs = folder.join("blobs").join("sha256");
    std::fs::create_dir_all(&blobs).map_err(|source| Error::file("make", &blobs, source))?;
    for (name, text) in FILES {
        let path = folder.join(name);
        if !path.exists() {
            std::fs::write(&path, text).map_err(|source| Error::file("write", &path, source))?;
        }
    }
    Ok(())
}

/// Runs `work` where it may block.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.map_err(|_| Error::Stopped)?
}
