//! `--cache-from` and `--cache-to`: what other machines have made, and what they are given.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use wharf_build::cache::remote::{Imported, Mode, send};
use wharf_build::{Builder, Built, Event, Step};
use wharf_images::Images;
use wharf_layer::{Compression, Layout, LayoutSink};
use wharf_oci::{ContentError, Reference, Sink, Source, Tag};

use super::progress::Show;
use super::{Error, wrong};
use crate::command::registries::place::Remote;
use crate::command::registries::{self, Session};

const TAG: &str = "cache";
const DEFAULT_TAG: &str = "latest";

/// Where caches are taken from, and where they go.
#[derive(Debug)]
pub(crate) struct Caches {
    from: Vec<Place>,
    to: Vec<(Place, Mode)>,
}

#[derive(Debug)]
enum Place {
    Registry(Remote),
    Folder(PathBuf),
}

impl Caches {
    pub(crate) fn parse(from: &[String], to: &[String]) -> Result<Self, Error> {
        let from = from.iter().map(|text| place("--cache-from", text, ("src", "source")).map(|(place, _)| place));
        let to = to.iter().map(|text| place("--cache-to", text, ("dest", "destination")));
        Ok(Self { from: from.collect::<Result<_, _>>()?, to: to.collect::<Result<_, _>>()? })
    }

    /// What can be had; what cannot is told, and the build goes on without it.
    pub(crate) async fn open(&self, session: &Session, images: &Images, show: &Show) -> Vec<Arc<Imported>> {
        let mut imported = Vec::new();
        for place in &self.from {
            match place.read(session, images).await {
                Ok(read) => imported.push(Arc::new(read)),
                Err(error) => show.event(&Event::Warning(format!("a cache is left out: {error}"))),
            }
        }
        imported
    }

    /// Gives what was built.
    pub(crate) async fn send(&self, session: &Session, builder: &Builder, built: &[Built]) -> Result<(), Error> {
        for (place, mode) in &self.to {
            let (sink, tags) = place.sink(session)?;
            let step = Step { number: 0, title: format!("cache to {}", sink.describe()) };
            (builder.tell)(Event::Begun(step.clone()));
            let begun = std::time::Instant::now();
            for one in built {
                let to = (&*sink, tags.clone(), Compression::Gzip);
                send(&builder.images, &one.solved, *mode, to).await?;
            }
            (builder.tell)(Event::Done(step, begun.elapsed()));
        }
        Ok(())
    }
}

impl Place {
    async fn read(&self, session: &Session, images: &Images) -> Result<Imported, Error> {
        let content =
            |error: wharf_layer::Error| Error::Registry(registries::Error::Content(ContentError::from(error)));
        let (source, reference): (Arc<dyn Source>, Option<Reference>) = match self {
            Self::Registry(remote) => {
                let mirrored = session.mirrored(remote).map_err(Error::Registry)?;
                (Arc::new(mirrored), remote.image.reference())
            }
            Self::Folder(path) => {
                let layout = Layout::open_folder(path).await.map_err(content)?;
                (Arc::new(layout), TAG.parse().ok().map(Reference::Tag))
            }
        };
        Imported::open(images, source, reference.as_ref()).await.map_err(Error::from)
    }

    fn sink(&self, session: &Session) -> Result<(Box<dyn Sink>, Vec<Tag>), Error> {
        let content =
            |error: wharf_layer::Error| Error::Registry(registries::Error::Content(ContentError::from(error)));
        match self {
            Self::Registry(remote) => {
                let repository = session.repository(remote).map_err(Error::Registry)?;
                let tag = remote.image.tag.clone().or_else(|| DEFAULT_TAG.parse().ok());
                Ok((Box::new(repository), tag.into_iter().collect()))
            }
            Self::Folder(path) => {
                let sink = LayoutSink::folder(path).map_err(content)?;
                Ok((Box::new(sink), TAG.parse().ok().into_iter().collect()))
            }
        }
    }
}

fn place(flag: &'static str, text: &str, (name, long): (&str, &str)) -> Result<(Place, Mode), Error> {
    let remote = |text: &str| Remote::parse(text).map(Place::Registry).map_err(|_| wrong(flag, text, "is not a name"));
    if !text.contains('=') {
        return Ok((remote(text)?, Mode::Min));
    }
    let mut fields: BTreeMap<&str, &str> = BTreeMap::new();
    for field in text.split(',') {
        let (name, value) = field.split_once('=').ok_or_else(|| wrong(flag, text, "has a field without `=`"))?;
        fields.insert(name, value);
    }
    let mode = match fields.get("mode").copied() {
        None | Some("min") => Mode::Min,
        Some("max") => Mode::Max,
        Some(_) => return Err(wrong(flag, text, "has another mode than `min` and `max`")),
    };
    match fields.get("type").copied() {
        Some("registry") => {
            let name = fields.get("ref").ok_or_else(|| wrong(flag, text, "has no `ref`"))?;
            Ok((remote(name)?, mode))
        }
        Some("local") => {
            let path =
                fields.get(name).or_else(|| fields.get(long)).ok_or_else(|| wrong(flag, text, "names no folder"))?;
            Ok((Place::Folder(PathBuf::from(path)), mode))
        }
        _ => Err(wrong(flag, text, "has another type than `registry` and `local`")),
    }
}
