//! Bases: images by name, from this node or a registry.

use std::sync::Arc;

use wharf_client::copy::{Options, PlatformChoice, copy};
use wharf_images::Image;
use wharf_oci::{Content, Descriptor, ImageName, Manifest, Platform, Reference};

use super::Planner;
use crate::error::Error;
use crate::graph::{Node, NodeId, Work};
use crate::instant::Instant;
use crate::progress::{Event, Step};
use crate::request::Pull;

const DEFAULT_TAG: &str = "latest";
/// How many blobs are pulled at once.
const JOBS: usize = 4;

/// An image that was looked up.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) node: NodeId,
    pub(super) image: Arc<Image>,
}

impl Planner<'_> {
    /// The image of this name for a platform, as a node.
    pub(super) async fn base(&mut self, text: &str, platform: &Platform) -> Result<Known, Error> {
        let asked = format!("{text} {}", platform_text(platform));
        if let Some((_, known)) = self.bases.iter().find(|(name, _)| *name == asked) {
            return Ok(known.clone());
        }
        let image = Arc::new(self.find(text, platform).await?);
        let instant = Instant::of(self.epoch, image.config.document.created.as_deref());
        let node = self.graph.add(Node {
            work: Work::Base(Arc::clone(&image)),
            parent: None,
            inputs: Vec::new(),
            title: format!("FROM {text}"),
            span: None,
            is_forced: false,
            instant,
        });
        let known = Known { node, image };
        self.bases.push((asked, known.clone()));
        Ok(known)
    }

    async fn find(&self, text: &str, platform: &Platform) -> Result<Image, Error> {
        let mut name: ImageName = text.parse().map_err(|source| Error::Name { text: text.to_owned(), source })?;
        if name.reference().is_none() {
            name.tag = DEFAULT_TAG.parse().ok();
        }
        let full = full_name(&name);
        if self.request.pull == Pull::Missing
            && let Some(descriptor) = self.builder.images.find(&full).await?
            && let Some(image) = self.local(&descriptor, platform).await?
        {
            return Ok(image);
        }
        let step = Step { number: 0, title: format!("pull {name}") };
        self.tell(Event::Begun(step.clone()));
        let begun = std::time::Instant::now();
        match self.pulled(&name, &full, platform).await {
            Ok(image) => {
                self.tell(Event::Done(step, begun.elapsed()));
                Ok(image)
            }
            Err(error) => {
                self.tell(Event::Failed(step, error.to_string()));
                Err(error)
            }
        }
    }

    /// An image that is here, if it is for the platform and whole.
    async fn local(&self, descriptor: &Descriptor, platform: &Platform) -> Result<Option<Image>, Error> {
        let images = &self.builder.images;
        let manifest: Manifest = images.manifest(descriptor).await?;
        let descriptor = match &manifest.content {
            Content::Index { manifests } => match choice(platform)?.choose(manifests) {
                Some(chosen) => chosen.clone(),
                None => return Ok(None),
            },
            Content::Image { .. } => descriptor.clone(),
        };
        let image = images.image(&descriptor).await?;
        let document = &image.config.document;
        let is_right = document.os == platform.os && document.architecture == platform.architecture;
        Ok(is_right.then_some(image))
    }

    async fn pulled(&self, name: &ImageName, full: &str, platform: &Platform) -> Result<Image, Error> {
        let refused = |source| Error::Base { name: name.to_string(), source };
        let images = &self.builder.images;
        let source = self.builder.bases.open(name).await.map_err(refused)?;
        let sink = images.sink(&format!("{}/{}", name.registry, name.repository))?;
        let options = Options {
            reference: name.reference(),
            tags: Vec::new(),
            platform: Some(choice(platform)?),
            with_referrers: false,
            jobs: JOBS,
        };
        let copied = copy(&*source, &sink, &options, &ignore).await.map_err(refused)?;
        images.name(full, &copied.root).await?;
        let image = self.local(&copied.root, platform).await?;
        image.ok_or_else(|| Error::Platform { name: name.to_string(), platform: platform_text(platform) })
    }
}

/// Nobody is told how a pull goes on.
fn ignore(_: wharf_client::Event<'_>) {}

/// What an image is called on this node.
pub(crate) fn full_name(name: &ImageName) -> String {
    let repository = format!("{}/{}", name.registry, name.repository);
    match name.reference() {
        Some(Reference::Digest(digest)) => format!("{repository}@{digest}"),
        Some(Reference::Tag(tag)) => format!("{repository}:{tag}"),
        None => format!("{repository}:{DEFAULT_TAG}"),
    }
}

fn choice(platform: &Platform) -> Result<PlatformChoice, Error> {
    let text = platform_text(platform);
    text.parse()
        .map_err(|_| Error::Invalid(format!("`{text}` is no platform; it reads `linux/arm64` or `linux/arm/v7`")))
}

/// `linux/arm/v7`.
pub(crate) fn platform_text(platform: &Platform) -> String {
    let variant = platform.variant.as_ref().map(|variant| format!("/{variant}")).unwrap_or_default();
    format!("{}/{}{variant}", platform.os, platform.architecture)
}
