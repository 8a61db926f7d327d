//! Opening places: a source to read from, a sink to write to.

use wharf_client::copy::PlatformChoice;
use wharf_layer::layout::{Layout, LayoutSink};
use wharf_oci::{ContentError, ImageName, Reference, Sink, Source, Tag};

use super::Session;
use super::error::Error;
use super::place::Place;

/// The tag that is meant where none is said.
const DEFAULT_TAG: &str = "latest";

/// Something to read from, and what of it.
#[derive(Debug)]
pub(crate) struct Reading {
    pub(crate) source: Box<dyn Source>,
    pub(crate) reference: Option<Reference>,
    /// What it is called where it comes from, if it has a name of its own.
    pub(crate) name: Option<ImageName>,
}

/// Something to write to, and the tags there.
#[derive(Debug)]
pub(crate) struct Writing {
    pub(crate) sink: Box<dyn Sink>,
    pub(crate) tags: Vec<Tag>,
    /// Of an index only this is taken, because the place holds images only.
    pub(crate) platform: Option<PlatformChoice>,
}

impl Reading {
    /// Something that is one thing only and has no name.
    pub(crate) fn of(source: impl Source + 'static) -> Self {
        Self { source: Box::new(source), reference: None, name: None }
    }

    pub(crate) async fn open(session: &Session, place: &Place) -> Result<Self, Error> {
        let content = ContentError::from;
        let source: Box<dyn Source> = match place {
            Place::Registry(remote) => Box::new(session.mirrored(remote)?),
            Place::Layout { path, .. } => Box::new(Layout::open_folder(path).await.map_err(content)?),
            Place::Archive { path, .. } => Box::new(Layout::open_archive(path).await.map_err(content)?),
            Place::DockerArchive { path, .. } => Box::new(Layout::open_docker_archive(path).await.map_err(content)?),
        };
        let name = match place {
            Place::Registry(remote) => Some(remote.image.clone()),
            Place::DockerArchive { name, .. } => name.clone(),
            Place::Layout { .. } | Place::Archive { .. } => None,
        };
        Ok(Self { source, reference: place.reference(), name })
    }

    /// The tag that it has where it comes from.
    fn tag(&self) -> Option<Tag> {
        match (&self.reference, &self.name) {
            (Some(Reference::Tag(tag)), _) => Some(tag.clone()),
            (_, Some(name)) => name.tag.clone(),
            _ => None,
        }
    }
}

impl Writing {
    /// Opens a place to write `from` to. Without a tag of its own it keeps the one that it has.
    pub(crate) fn open(session: &Session, place: &Place, from: &Reading) -> Result<Self, Error> {
        let tag = match place.reference() {
            Some(Reference::Tag(tag)) => Some(tag),
            Some(Reference::Digest(_)) => {
                let reason = "is a digest, which the content has already; name a tag, or nothing";
                return Err(Error::Place { text: format!("{place:?}"), reason });
            }
            None => from.tag(),
        };
        let content = |error: wharf_layer::Error| Error::Content(error.into());
        let mut platform = None;
        let sink: Box<dyn Sink> = match place {
            Place::Registry(remote) => Box::new(session.repository(remote)?),
            Place::Layout { path, .. } => Box::new(LayoutSink::folder(path).map_err(content)?),
            Place::Archive { path, .. } => Box::new(LayoutSink::archive(path).map_err(content)?),
            Place::DockerArchive { path, name } => {
                platform = Some(own_platform());
                let name = name.as_ref().or(from.name.as_ref());
                let repository = name.map(|name| format!("{}/{}", name.registry, name.repository));
                Box::new(LayoutSink::docker_archive(path, repository).map_err(content)?)
            }
        };
        let latest = || DEFAULT_TAG.parse().expect("it is a tag");
        let tags = match place {
            Place::Registry(_) | Place::DockerArchive { .. } => vec![tag.unwrap_or_else(latest)],
            Place::Layout { .. } | Place::Archive { .. } => tag.into_iter().collect(),
        };
        Ok(Self { sink, tags, platform })
    }
}

/// What containers on this machine run on.
pub(crate) fn own_platform() -> PlatformChoice {
    let os = std::env::consts::OS;
    format!("{os}/{}", std::env::consts::ARCH).parse().expect("the names of this system are words")
}
