//! `wharf inspect`: what an image, index or artifact is made of.

use clap::Args;
use indicatif::HumanBytes;
use serde_json::{Value, json};
use wharf_oci::{Content, Descriptor, Manifest, Platform};

use super::registries::endpoint::Reading;
use super::registries::place::Place;
use super::registries::{self, Error, Registries, document};

/// `wharf inspect`.
#[derive(Debug, Args)]
pub(crate) struct Inspect {
    /// What to look at: `registry.example.com/app:tag`, `oci:FOLDER[:TAG]`, `oci-archive:FILE`, `docker-archive:FILE`.
    #[arg(value_name = "IMAGE")]
    place: String,
    /// Print the manifest exactly as it is stored.
    #[arg(long, conflicts_with = "config")]
    raw: bool,
    /// Print the config exactly as it is stored.
    #[arg(long)]
    config: bool,
    #[command(flatten)]
    registries: Registries,
}

/// What was found.
struct Found<'a> {
    name: String,
    descriptor: &'a Descriptor,
    manifest: &'a Manifest,
    document: Value,
    config: Value,
}

impl Inspect {
    pub(crate) fn run(self) -> Result<(), Error> {
        let session = self.registries.clone().open();
        let place = Place::parse(&self.place)?;
        registries::run(async {
            let from = Reading::open(&session, &place).await?;
            let (descriptor, bytes) = document::raw_manifest(&from).await?;
            if self.raw {
                return Ok(session.output.raw(&bytes)?);
            }
            let manifest = document::parse(&descriptor, &bytes)?;
            if self.config {
                return Ok(session.output.raw(&config_bytes(&from, &manifest, &self.place).await?)?);
            }
            let config = match &manifest.content {
                Content::Image { config, .. } if document::is_image_config(&config.media_type) => {
                    document::json(&*from.source, config).await?
                }
                Content::Image { .. } | Content::Index { .. } => Value::Null,
            };
            let document = serde_json::from_slice(&bytes).expect("it was parsed before");
            let name = from.source.describe();
            let found = Found { name, descriptor: &descriptor, manifest: &manifest, document, config };
            Ok(session.output.told(&found.document(), &found.sentences())?)
        })
    }
}

async fn config_bytes(from: &Reading, manifest: &Manifest, text: &str) -> Result<Vec<u8>, Error> {
    match &manifest.content {
        Content::Image { config, .. } => document::blob(&*from.source, config).await,
        Content::Index { .. } => {
            Err(Error::Place { text: text.to_owned(), reason: "is an index, which has no config" })
        }
    }
}

impl Found<'_> {
    fn document(&self) -> Value {
        json!({
            "name": self.name,
            "digest": self.descriptor.digest.to_string(),
            "media_type": self.descriptor.media_type,
            "artifact_type": self.manifest.artifact_type,
            "size_bytes": self.descriptor.size,
            "content_bytes": self.content_bytes(),
            "manifest": self.document,
            "config": self.config,
        })
    }

    /// What the blobs have together; an index says nothing about its images' blobs.
    fn content_bytes(&self) -> u64 {
        self.manifest.blobs().map(|blob| blob.size).sum()
    }

    fn sentences(&self) -> String {
        let line = |name: &str, text: &str| format!("{name:<14}{text}\n");
        let mut text = line("name", &self.name);
        text += &line("digest", &self.descriptor.digest.to_string());
        text += &line("media type", &self.descriptor.media_type);
        if let Some(artifact_type) = &self.manifest.artifact_type {
            text += &line("artifact type", artifact_type);
        }
        if let Some(subject) = &self.manifest.subject {
            text += &line("subject", &subject.digest.to_string());
        }
        if let Some(created) = self.config["created"].as_str() {
            text += &line("created", created);
        }
        match &self.manifest.content {
            Content::Image { layers, .. } => {
                let platform = self.config["architecture"].as_str().zip(self.config["os"].as_str());
                text += &platform
                    .map(|(architecture, os)| line("platform", &format!("{os}/{architecture}")))
                    .unwrap_or_default();
                text += &line("size", &HumanBytes(self.content_bytes()).to_string());
                text + &entries("layers", layers)
            }
            Content::Index { manifests } => text + &entries("manifests", manifests),
        }
    }
}

/// One line per descriptor.
fn entries(head: &str, descriptors: &[Descriptor]) -> String {
    let entry = |descriptor: &Descriptor| {
        let size = HumanBytes(descriptor.size).to_string();
        let platform = descriptor.platform.as_ref().map(platform);
        let what = platform.unwrap_or_else(|| descriptor.media_type.clone());
        format!("  {}  {size:>10}  {what}\n", descriptor.digest)
    };
    format!("{head}\n{}", descriptors.iter().map(entry).collect::<String>())
}

fn platform(platform: &Platform) -> String {
    let variant = platform.variant.as_ref().map(|variant| format!("/{variant}")).unwrap_or_default();
    format!("{}/{}{variant}", platform.os, platform.architecture)
}
