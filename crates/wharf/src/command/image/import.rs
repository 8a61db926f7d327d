//! `wharf image import`: a base image out of a folder or an archive.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use wharf_images::import::Imported;
use wharf_oci::{ContentError, ContentErrorKind, ImageName};

use crate::command::client::output::Output;
use crate::command::registries::{self, Error};
use crate::command::serve::environment;
use crate::node::Node;

/// The moment of images whose content says none.
const EARLIEST: i64 = 315_532_800;

/// `wharf image import`.
#[derive(Debug, Args)]
pub(crate) struct Import {
    /// A folder that is a file system, or an archive of one: plain, gzip or zstd.
    #[arg(value_name = "FOLDER|TAR")]
    path: PathBuf,
    /// What the image is called on this node.
    #[arg(value_name = "NAME")]
    name: String,
    /// What it runs on. By default what this machine is.
    #[arg(long, value_name = "PLATFORM")]
    platform: Option<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    node: Node,
}

impl Import {
    pub(crate) fn run(self) -> Result<(), Error> {
        let environment = environment();
        let mut name: ImageName =
            self.name.parse().map_err(|source| Error::Name { text: self.name.clone(), source })?;
        if name.tag.is_none() {
            name.tag = "latest".parse().ok();
        }
        let platform = match &self.platform {
            Some(text) => wharf_build::request::platform(text)
                .map_err(|_| Error::Place { text: text.clone(), reason: "is no platform; it reads `linux/arm64`" })?,
            None => crate::command::build::own_platform(),
        };
        let epoch = environment.get("SOURCE_DATE_EPOCH").and_then(|text| text.parse().ok()).unwrap_or(EARLIEST);
        let created = jiff::Timestamp::from_second(epoch).map_or_else(|_| String::new(), |time| time.to_string());
        let imported = Imported { os: platform.os, architecture: platform.architecture, created: (created, epoch) };
        registries::run(async {
            let images = self.node.open(&environment).await.map_err(failed)?;
            let descriptor = images.import(&self.path, &imported).await.map_err(failed)?;
            images.name(&name.to_string(), &descriptor).await.map_err(failed)?;
            let document = json!({ "name": name.to_string(), "digest": descriptor.digest.to_string() });
            Ok(Output::new(self.json).told(&document, &format!("{name} is {}", descriptor.digest))?)
        })
    }
}

/// A failure of this node's images, in the words of all that move content.
pub(super) fn failed(error: wharf_images::Error) -> Error {
    let kind = match error.kind() {
        wharf_context::Kind::Exhausted => ContentErrorKind::Exhausted,
        wharf_context::Kind::Denied => ContentErrorKind::Denied,
        wharf_context::Kind::NotFound => ContentErrorKind::NotFound,
        wharf_context::Kind::Invalid => ContentErrorKind::Invalid,
        wharf_context::Kind::Unauthenticated => ContentErrorKind::Unauthenticated,
        wharf_context::Kind::Conflict => ContentErrorKind::Conflict,
        wharf_context::Kind::Throttled | wharf_context::Kind::Unavailable => ContentErrorKind::Unavailable,
        wharf_context::Kind::Internal => ContentErrorKind::Internal,
    };
    Error::Content(ContentError::caused(kind, "cannot use this node's images", error))
}
