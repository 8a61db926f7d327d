//! `wharf push`: an image from a layout or an archive, a Helm chart, or any files as an artifact, into a registry.

use std::path::{Path, PathBuf};

use clap::Args;
use wharf_client::Artifact;
use wharf_client::artifact::{DEFAULT_FILE_TYPE, Part, Parts};
use wharf_layer::layout::Layout;
use wharf_oci::{ContentError, Reference};

use super::registries::chart::Chart;
use super::registries::endpoint::Reading;
use super::registries::place::{Place, Remote};
use super::registries::transfer::Transfer;
use super::registries::{self, Error, Registries, Session};

/// The type of an artifact of which nothing is said.
const UNKNOWN_ARTIFACT: &str = "application/vnd.unknown.artifact.v1";

/// `wharf push`.
#[derive(Debug, Args)]
#[command(override_usage = "wharf push [OPTIONS] SOURCE... DESTINATION")]
pub(crate) struct Push {
    /// What is pushed, and behind it where it goes (`registry.example.com/app:tag`). An OCI layout (folder or tar), a docker
    /// archive or a Helm chart (`.tgz`); or any files, `FILE[:TYPE/SUBTYPE]`, as one artifact.
    #[arg(value_name = "PLACE", required = true)]
    places: Vec<String>,
    /// Push the files as they are, as an artifact of this type.
    #[arg(long, value_name = "TYPE")]
    artifact_type: Option<String>,
    /// A note on the artifact. May be repeated.
    #[arg(long, value_name = "KEY=VALUE", value_parser = annotation)]
    annotation: Vec<(String, String)>,
    #[command(flatten)]
    transfer: Transfer,
    #[command(flatten)]
    registries: Registries,
}

impl Push {
    pub(crate) fn run(self) -> Result<(), Error> {
        let session = self.registries.clone().open();
        let Some((destination, sources @ [_, ..])) = self.places.split_last() else {
            let text = self.places.join(" ");
            return Err(Error::Place { text, reason: "is one place; name what is pushed, and where it goes" });
        };
        let destination = Place::Registry(Remote::parse(destination)?);
        registries::run(async {
            let from = self.reading(&session, sources).await?;
            self.transfer.clone().run(&session, from, &destination).await
        })
    }

    async fn reading(&self, session: &Session, sources: &[String]) -> Result<Reading, Error> {
        if let ([source], None) = (sources, &self.artifact_type) {
            if let Some(place) = Place::prefixed(source) {
                return Reading::open(session, &place?).await;
            }
            if let Some(reading) = image_or_chart(Path::new(source)).await? {
                return Ok(reading);
            }
        }
        let parts = Parts {
            artifact_type: Some(self.artifact_type.clone().unwrap_or_else(|| UNKNOWN_ARTIFACT.to_owned())),
            files: sources.iter().map(|source| part(source)).collect::<Result<_, _>>()?,
            annotations: self.annotation.iter().cloned().collect(),
            ..Parts::default()
        };
        Ok(Reading::of(Artifact::of(parts).await?))
    }
}

/// What a path holds by what it looks like and what is in it; `None` when it is just a file.
async fn image_or_chart(path: &Path) -> Result<Option<Reading>, Error> {
    let content = |error: wharf_layer::Error| Error::Content(ContentError::from(error));
    if path.is_dir() {
        return Ok(Some(Reading::of(Layout::open_folder(path).await.map_err(content)?)));
    }
    let name = path.to_string_lossy();
    if name.ends_with(".tgz") || name.ends_with(".tar.gz") {
        let Some(chart) = Chart::read(path)? else { return Ok(None) };
        let mut reading = Reading::of(Artifact::of(chart.parts).await?);
        reading.reference = Some(Reference::Tag(chart.tag));
        return Ok(Some(reading));
    }
    if !name.ends_with(".tar") {
        return Ok(None);
    }
    // An archive of `docker save` may be a layout, too; one reader knows both.
    Ok(Layout::open_docker_archive(path).await.ok().map(Reading::of))
}

/// `FILE` or `FILE:TYPE/SUBTYPE`.
fn part(text: &str) -> Result<Part, Error> {
    let typed = text.rsplit_once(':').filter(|(_, media_type)| media_type.contains('/') && !Path::new(text).exists());
    let (path, media_type) = typed.unwrap_or((text, DEFAULT_FILE_TYPE));
    let path = PathBuf::from(path);
    let title = path.file_name().and_then(|name| name.to_str()).map(str::to_owned);
    if title.is_none() {
        return Err(Error::Place { text: text.to_owned(), reason: "names no file" });
    }
    Ok(Part { path, media_type: media_type.to_owned(), title })
}

fn annotation(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("an annotation reads KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}
