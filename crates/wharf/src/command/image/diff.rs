//! `wharf image diff`: two images, from registries, layouts or archives.
//!
//! How file systems are compared is not known here: see `wharf_layer::compare`.

mod config;
mod report;

use clap::Args;
use serde_json::Value;
use wharf_client::copy::PlatformChoice;
use wharf_layer::{Limits, Side, compare};
use wharf_oci::{Content, ContentError, ContentErrorKind, Descriptor, Reference};

use self::report::Report;
use crate::command::registries::endpoint::{Reading, own_platform};
use crate::command::registries::place::Place;
use crate::command::registries::{self, Error, Registries, Session, document};

/// How deep indexes may list indexes.
const MAX_DEPTH: usize = 4;

/// `wharf image diff`.
#[derive(Debug, Args)]
pub(crate) struct Diff {
    /// One image: `registry.example.com/app:tag`, `oci:FOLDER[:TAG]`, `oci-archive:FILE[:TAG]`, `docker-archive:FILE[:NAME]`.
    #[arg(value_name = "BEFORE")]
    before: String,
    /// The other image, written in the same way.
    #[arg(value_name = "AFTER")]
    after: String,
    /// Of images for several platforms, compare this one: `linux/arm64`. By default the one of this machine, or the only one.
    #[arg(long, value_name = "PLATFORM")]
    platform: Option<PlatformChoice>,
    #[command(flatten)]
    registries: Registries,
}

/// One of both images.
#[derive(Debug)]
struct Picked {
    from: Reading,
    manifest: Descriptor,
    config: Value,
    layers: Vec<Descriptor>,
}

impl Diff {
    pub(crate) fn run(self) -> Result<(), Error> {
        let (before, after) = (Place::parse(&self.before)?, Place::parse(&self.after)?);
        let session = self.registries.open();
        registries::run(async {
            let before = Picked::open(&session, &before, (&self.before, self.platform.as_ref())).await?;
            let after = Picked::open(&session, &after, (&self.after, self.platform.as_ref())).await?;
            let compared = compare(before.side(), after.side(), Limits::default()).await;
            let files = compared.map_err(ContentError::from)?;
            let report = Report { before: &before, after: &after, files: &files };
            Ok(session.output.told(&report.document(), &report.sentences())?)
        })
    }
}

impl Picked {
    async fn open(
        session: &Session,
        place: &Place,
        (text, platform): (&str, Option<&PlatformChoice>),
    ) -> Result<Self, Error> {
        let mut from = Reading::open(session, place).await?;
        for _ in 0..MAX_DEPTH {
            let (manifest, read) = document::manifest(&from).await?;
            match read.content {
                Content::Image { config, layers } if document::is_image_config(&config.media_type) => {
                    let config = document::json(&*from.source, &config).await?;
                    return Ok(Self { from, manifest, config, layers });
                }
                Content::Image { .. } => break,
                Content::Index { manifests } => {
                    from.reference = Some(Reference::Digest(choose(&manifests, platform, text)?.digest));
                }
            }
        }
        Err(Error::Place { text: text.to_owned(), reason: "is no image with a file system" })
    }

    fn side(&self) -> Side<'_> {
        Side { source: &*self.from.source, layers: &self.layers }
    }
}

/// The image in an index that is meant.
fn choose<'m>(
    manifests: &'m [Descriptor],
    platform: Option<&PlatformChoice>,
    text: &str,
) -> Result<&'m Descriptor, ContentError> {
    if let (None, Some(only)) = (platform, only_image(manifests)) {
        return Ok(only);
    }
    let platform = platform.cloned().unwrap_or_else(own_platform);
    platform.choose(manifests).ok_or_else(|| {
        ContentError::new(ContentErrorKind::NotFound, format!("`{text}` has no image for the platform {platform}"))
    })
}

/// The one image of an index, which builders give attestations for a platform `unknown`.
fn only_image(manifests: &[Descriptor]) -> Option<&Descriptor> {
    let is_image = |entry: &&Descriptor| entry.platform.as_ref().is_none_or(|platform| platform.os != "unknown");
    let mut images = manifests.iter().filter(is_image);
    let first = images.next()?;
    images.next().is_none().then_some(first)
}
