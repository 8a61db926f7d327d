//! Images made of a folder or an archive, such as mmdebstrap makes: one layer, and a config that says nothing but where
//! it runs.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::Path;

use wharf_layer::{Compression, Limits, Mtime, Packed, Packer, Writer};
use wharf_oci::config::{ContainerConfig, History, RootFs};
use wharf_oci::{Descriptor, ImageConfig, MediaType};

use crate::error::Error;
use crate::images::{Images, blocking};
use crate::pack::{self, Clamp};
use crate::root::Root;
use crate::snapshot::store;

const BUFFER_BYTES: usize = 1024 * 1024;
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
const PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What an imported image says of itself.
#[derive(Debug, Clone)]
pub struct Imported {
    /// The system and the processors that it runs on, as Go calls them.
    pub os: String,
    /// Which processors.
    pub architecture: String,
    /// When it was made, RFC 3339, and in seconds: files that are later get this time.
    pub created: (String, i64),
}

impl Images {
    /// Makes an image of what is in a folder, or of an archive, compressed or not.
    pub async fn import(&self, path: &Path, imported: &Imported) -> Result<Descriptor, Error> {
        let (path, scratch) = (path.to_owned(), self.session().scratch());
        let clamp = Clamp(Mtime { seconds: imported.created.1, nanoseconds: 0 });
        let (packed, scratch) = blocking(move || {
            let packed = if path.is_dir() { of_folder(&path, &scratch, clamp)? } else { of_archive(&path, &scratch)? };
            Ok((packed, scratch))
        })
        .await?;
        let target = self.blob_path(&packed.digest);
        std::fs::rename(&scratch, &target).map_err(|source| Error::file("place a blob as", &target, source))?;
        store::put_blob(self.db(), &packed.diff_id, Compression::Plain, (&packed.digest, packed.size_bytes)).await?;
        let layer = Descriptor::new(LAYER, packed.digest, packed.size_bytes);
        self.put_image(&config(imported, &packed), &[layer], &BTreeMap::new()).await
    }

    /// Keeps a config, and the manifest of an image with these layers.
    pub async fn put_image(
        &self,
        config: &ImageConfig,
        layers: &[Descriptor],
        annotations: &BTreeMap<String, String>,
    ) -> Result<Descriptor, Error> {
        let config = self.put_document("application/vnd.oci.image.config.v1+json", config.render()).await?;
        let manifest = wharf_oci::manifest::render_image(&config, layers, annotations);
        self.put_document(MediaType::OciManifest.as_str(), manifest).await
    }
}

fn config(imported: &Imported, packed: &Packed) -> ImageConfig {
    let created = Some(imported.created.0.clone());
    let history =
        History { created: created.clone(), created_by: "wharf image import".to_owned(), ..History::default() };
    ImageConfig {
        architecture: imported.architecture.clone(),
        os: imported.os.clone(),
        created,
        config: ContainerConfig {
            env: vec![PATH.to_owned()],
            cmd: vec!["/bin/sh".to_owned()],
            ..ContainerConfig::default()
        },
        history: vec![history],
        rootfs: RootFs { diff_ids: vec![packed.diff_id], ..RootFs::default() },
        ..ImageConfig::default()
    }
}

fn of_folder(path: &Path, scratch: &Path, clamp: Clamp) -> Result<Packed, Error> {
    let root = Root::open(path).map_err(|source| Error::file("open", path, source))?;
    let packer = Packer::new(new_file(scratch)?, Compression::Plain).map_err(Error::WriteLayer)?;
    let mut writer = Writer::new(BufWriter::with_capacity(BUFFER_BYTES, packer));
    pack::pack_foreign(&root, &mut writer, clamp)?;
    let packer = writer.finish().and_then(|writer| writer.into_inner().map_err(io::IntoInnerError::into_error));
    packer.and_then(Packer::finish).map(|(packed, _)| packed).map_err(Error::WriteLayer)
}

/// The archive as it is, uncompressed. Whether it can be unpacked shows when it is.
fn of_archive(path: &Path, scratch: &Path) -> Result<Packed, Error> {
    let file = File::open(path).map_err(|source| Error::file("open", path, source))?;
    let mut packer = Packer::new(new_file(scratch)?, Compression::Plain).map_err(Error::WriteLayer)?;
    wharf_layer::compression::uncompressed(Box::new(file), Limits::default(), &mut |piece| packer.write_all(piece))?;
    packer.finish().map(|(packed, _)| packed).map_err(Error::WriteLayer)
}

fn new_file(path: &Path) -> Result<File, Error> {
    File::create_new(path).map_err(|source| Error::file("make", path, source))
}
