//! `--check-repro`: whether a second build leaves the same bytes.

use wharf_build::{Builder, Built, Event, Request};
use wharf_layer::{Compression, Limits, Side};

use super::Error;

/// How many files are listed.
const MAX_LISTED: usize = 50;

/// Builds again and compares; the files that differ are the error.
pub(crate) async fn compare(builder: &Builder, built: &Built, again: Request) -> Result<(), Error> {
    let second = wharf_build::build(builder, again).await?;
    if second.config.digest == built.config.digest {
        (builder.tell)(Event::Warning("built twice, and both times the same".to_owned()));
        return Ok(());
    }
    let images = &builder.images;
    let before = built.layers(images, Compression::Plain).await?;
    let after = second.layers(images, Compression::Plain).await?;
    let side = |layers| Side { source: images.source(), layers };
    let compared = wharf_layer::compare(side(&before), side(&after), Limits::default()).await;
    let differences =
        compared.map_err(|error| Error::from(wharf_build::Error::from(wharf_images::Error::from(error))))?;
    let mut files: Vec<String> = differences.iter().take(MAX_LISTED).map(|found| format!("/{}", found.path)).collect();
    if differences.len() > MAX_LISTED {
        files.push(format!("and {} more", differences.len() - MAX_LISTED));
    }
    if files.is_empty() {
        files.push("no file differs; the order or the times of entries do".to_owned());
    }
    Err(Error::Differs { files: files.join("\n  ") })
}
