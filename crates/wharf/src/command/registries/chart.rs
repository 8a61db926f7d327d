//! Helm charts: what `helm push` would say about an archive.
//!
//! Spec: Helm's documents, "Use OCI-based registries".

use std::fs::File;
use std::path::Path;

use bytes::Bytes;
use serde_json::Value;
use wharf_client::artifact::{Part, Parts};
use wharf_layer::layer::{self, Change, Content};
use wharf_layer::{Kind, limits::Limits};
use wharf_oci::Tag;

use super::error::Error;

/// The type of a chart's config: its `Chart.yaml`, as JSON.
pub(crate) const CONFIG: &str = "application/vnd.cncf.helm.config.v1+json";
/// The type of a chart's archive.
pub(crate) const CONTENT: &str = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";
/// What our reader of archives calls a compressed tar.
const ARCHIVE: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
const MAX_CHART_YAML_BYTES: usize = 1024 * 1024;

/// A chart.
#[derive(Debug)]
pub(crate) struct Chart {
    pub(crate) parts: Parts,
    /// Its version, as a tag.
    pub(crate) tag: Tag,
}

impl Chart {
    /// Reads a chart's archive; `None` when there is no `Chart.yaml` in its one folder.
    pub(crate) fn read(path: &Path) -> Result<Option<Self>, Error> {
        let refused = |reason: String| Error::Chart { path: path.display().to_string(), reason };
        let file = File::open(path).map_err(|error| refused(error.to_string()))?;
        let mut found = None;
        let limits = Limits { total_bytes: 1024 * 1024 * 1024, ..Limits::default() };
        let read = layer::read(Box::new(file), ARCHIVE, limits, &mut |change, content| {
            if found.is_none() && is_chart_yaml(&change) {
                found = Some(whole(content)?);
            }
            Ok(())
        });
        match (read, found) {
            (Err(error), Some(_)) => Err(refused(error.to_string())),
            (_, None) => Ok(None),
            (Ok(()), Some(text)) => Self::of(path, &text).map(Some).map_err(refused),
        }
    }

    fn of(path: &Path, text: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(text).map_err(|_| "its `Chart.yaml` is not UTF-8".to_owned())?;
        let chart: Value = serde_saphyr::from_str(text).map_err(|error| format!("its `Chart.yaml`: {error}"))?;
        let member = |name: &str| chart[name].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        let required = |name: &str| member(name).ok_or_else(|| format!("its `Chart.yaml` has no `{name}`"));
        let (name, version) = (required("name")?, required("version")?);
        // Tags have no `+`, which versions may have; helm writes it so.
        let tag = version.replace('+', "_").parse().map_err(|_| format!("its version `{version}` makes no tag"))?;
        let annotation = |key: &str, value| (format!("org.opencontainers.image.{key}"), value);
        let mut parts = Parts {
            config: Some((CONFIG.to_owned(), Bytes::from(chart.to_string()))),
            files: vec![Part { path: path.to_owned(), media_type: CONTENT.to_owned(), title: None }],
            ..Parts::default()
        };
        parts.annotations.extend([annotation("title", name), annotation("version", version)]);
        parts.annotations.extend(member("description").map(|text| annotation("description", text)));
        Ok(Self { parts, tag })
    }
}

fn is_chart_yaml(change: &Change) -> bool {
    let Change::Put(entry) = change else { return false };
    let mut components = entry.path.components();
    let is_there = components.next_back() == Some(b"Chart.yaml") && components.count() == 1;
    is_there && matches!(entry.kind, Kind::File { .. })
}

/// The beginning of a file, as far as any `Chart.yaml` is long.
fn whole(content: &mut Content<'_, '_>) -> Result<Vec<u8>, wharf_layer::Error> {
    let mut whole = Vec::new();
    while let Some(piece) = content.next_piece()? {
        let room = MAX_CHART_YAML_BYTES - whole.len();
        whole.extend_from_slice(&piece[..piece.len().min(room)]);
    }
    Ok(whole)
}
