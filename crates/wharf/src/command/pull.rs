//! `wharf pull`: an image from a registry into a layout or an archive, or an artifact's files into a folder.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use wharf_client::artifact::{self, TITLE};
use wharf_oci::{Content, Descriptor, Digest};

use super::registries::endpoint::Reading;
use super::registries::place::{Place, Remote};
use super::registries::transfer::Transfer;
use super::registries::{self, Error, Registries, Session, chart, document};

/// `wharf pull`.
#[derive(Debug, Args)]
pub(crate) struct Pull {
    /// What to pull: `registry.example.com/app:tag`.
    #[arg(value_name = "IMAGE")]
    image: String,
    /// Where it goes: `oci:FOLDER`, `oci-archive:FILE`, `docker-archive:FILE`; a folder for the files of an artifact. By
    /// default an image becomes a layout in a folder that is called like it, and files come here.
    #[arg(value_name = "DESTINATION")]
    destination: Option<String>,
    /// Replace files that are there.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    transfer: Transfer,
    #[command(flatten)]
    registries: Registries,
}

/// An artifact: its digest, and the layers that are files.
type Files = (Digest, Vec<Descriptor>);

impl Pull {
    pub(crate) fn run(self) -> Result<(), Error> {
        let session = self.registries.open();
        let remote = Remote::parse(&self.image)?;
        let named = self.destination.as_deref().and_then(Place::prefixed).transpose()?;
        registries::run(async {
            let from = Reading::open(&session, &Place::Registry(remote.clone())).await?;
            let to = match named {
                Some(place) => place,
                None => match look(&from).await? {
                    None => image_place(self.destination.as_deref(), &remote),
                    Some(files) => {
                        let folder = PathBuf::from(self.destination.as_deref().unwrap_or("."));
                        return save(&session, &from, &files, (&folder, self.force)).await;
                    }
                },
            };
            self.transfer.run(&session, from, &to).await
        })
    }
}

/// The files of an artifact; nothing of an image, whose layers are a file system.
async fn look(from: &Reading) -> Result<Option<Files>, Error> {
    let (root, manifest) = document::manifest(from).await?;
    let Content::Image { config, mut layers } = manifest.content else { return Ok(None) };
    if document::is_image_config(&config.media_type) {
        return Ok(None);
    }
    if config.media_type == chart::CONFIG {
        let config = document::json(&*from.source, &config).await?;
        let title = format!("{}-{}.tgz", text(&config["name"]), text(&config["version"]));
        for layer in layers.iter_mut().filter(|layer| layer.media_type == chart::CONTENT) {
            layer.annotations.entry(TITLE.to_owned()).or_insert_with(|| title.clone());
        }
    }
    layers.retain(|layer| layer.media_type != wharf_oci::media_type::OCI_EMPTY);
    Ok(Some((root.digest, layers)))
}

fn text(value: &serde_json::Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Where an image goes that was not told: a layout, or an archive where the path looks like one.
fn image_place(destination: Option<&str>, remote: &Remote) -> Place {
    let name = remote.image.repository.as_str();
    let path = PathBuf::from(destination.unwrap_or_else(|| name.rsplit('/').next().unwrap_or(name)));
    if path.extension().is_some_and(|extension| extension == "tar") {
        Place::Archive { path, reference: None }
    } else {
        Place::Layout { path, reference: None }
    }
}

async fn save(
    session: &Session,
    from: &Reading,
    (root, layers): &Files,
    (folder, replaces): (&Path, bool),
) -> Result<(), Error> {
    std::fs::create_dir_all(folder).map_err(|source| Error::Folder { path: folder.to_owned(), source })?;
    let saved = artifact::save(&*from.source, layers, folder, replaces).await?;
    let files = saved.iter().map(|file| {
        json!({
            "path": file.path.display().to_string(),
            "digest": file.descriptor.digest.to_string(),
            "size_bytes": file.descriptor.size,
            "media_type": file.descriptor.media_type,
        })
    });
    let document = json!({
        "source": from.source.describe(),
        "digest": root.to_string(),
        "files": files.collect::<Vec<_>>(),
    });
    let lines: String = saved.iter().map(|file| format!("{}\n", file.path.display())).collect();
    Ok(session.output.told(&document, &lines)?)
}
