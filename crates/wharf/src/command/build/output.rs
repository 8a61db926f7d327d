//! `--output`, `--push` and `--tag`: where a build goes.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use wharf_build::Output;
use wharf_layer::{Compression, LayoutSink};
use wharf_oci::{ContentError, ImageName, Sink, Tag};

use super::{Error, wrong};
use crate::command::registries::place::Remote;
use crate::command::registries::{self, Session};

const DEFAULT_TAG: &str = "latest";

/// What was asked for.
#[derive(Debug)]
pub(crate) struct Wanted {
    names: Vec<ImageName>,
    places: Vec<Place>,
}

#[derive(Debug)]
struct Place {
    kind: Kind,
    compression: Compression,
}

#[derive(Debug)]
enum Kind {
    Registry(Vec<ImageName>),
    Layout(PathBuf),
    Archive(PathBuf),
    Docker(PathBuf),
    Tar(PathBuf),
    Folder(PathBuf),
}

impl Wanted {
    pub(crate) fn parse(outputs: &[String], tags: &[String], is_pushed: bool) -> Result<Self, Error> {
        let names = tags.iter().map(|tag| name("--tag", tag)).collect::<Result<Vec<_>, _>>()?;
        let mut places = Vec::new();
        for text in outputs {
            places.extend(place(text, &names)?);
        }
        if is_pushed {
            if names.is_empty() {
                return Err(wrong("--push", "", "needs a name; say it with --tag"));
            }
            places.push(Place { kind: Kind::Registry(names.clone()), compression: Compression::Gzip });
        }
        Ok(Self { names, places })
    }

    pub(crate) fn open(self, session: &Session) -> Result<Vec<Output>, Error> {
        let mut outputs = Vec::new();
        if !self.names.is_empty() {
            outputs.push(Output::Names(self.names.iter().map(full).collect()));
        }
        for place in self.places {
            place.open(session, &self.names, &mut outputs)?;
        }
        Ok(outputs)
    }
}

impl Place {
    fn open(self, session: &Session, names: &[ImageName], outputs: &mut Vec<Output>) -> Result<(), Error> {
        let compression = self.compression;
        let content =
            |error: wharf_layer::Error| Error::Registry(registries::Error::Content(ContentError::from(error)));
        let tags: Vec<Tag> = names.iter().filter_map(|name| name.tag.clone()).collect();
        let sink = |sink: Arc<dyn Sink>, tags| Output::Sink { sink, tags, compression };
        let output = match self.kind {
            Kind::Registry(names) => {
                for name in names {
                    let tags = name.tag.clone().into_iter().collect();
                    let remote = Remote { image: name, is_plain: false };
                    let repository = session.repository(&remote).map_err(Error::Registry)?;
                    outputs.push(sink(Arc::new(repository), tags));
                }
                return Ok(());
            }
            Kind::Layout(path) => sink(Arc::new(LayoutSink::folder(&path).map_err(content)?), tags),
            Kind::Archive(path) => sink(Arc::new(LayoutSink::archive(&path).map_err(content)?), tags),
            Kind::Docker(path) => {
                let repository = names.first().map(|name| format!("{}/{}", name.registry, name.repository));
                sink(Arc::new(LayoutSink::docker_archive(&path, repository).map_err(content)?), tags)
            }
            Kind::Tar(path) => {
                let output: Box<dyn Write + Send> = match path.as_os_str() == "-" {
                    true => Box::new(std::io::stdout()),
                    false => Box::new(File::create(&path).map_err(|source| Error::Write { path, source })?),
                };
                Output::Tar(output)
            }
            Kind::Folder(path) => Output::Folder(path),
        };
        outputs.push(output);
        Ok(())
    }
}

fn name(flag: &'static str, text: &str) -> Result<ImageName, Error> {
    let mut name: ImageName = text.parse().map_err(|_| wrong(flag, text, "is not an image's name"))?;
    if name.tag.is_none() {
        name.tag = DEFAULT_TAG.parse().ok();
    }
    Ok(name)
}

fn full(name: &ImageName) -> String {
    let tag = name.tag.as_ref().map_or(DEFAULT_TAG, Tag::as_str);
    format!("{}/{}:{tag}", name.registry, name.repository)
}

/// One `--output`; none where it is a name on this node only.
fn place(text: &str, tags: &[ImageName]) -> Result<Option<Place>, Error> {
    let bad = |reason| wrong("--output", text, reason);
    let mut fields: BTreeMap<&str, &str> = BTreeMap::new();
    // As docker: a word alone is a folder, and `-` an archive on standard output.
    if !text.contains('=') {
        let kind = if text == "-" { Kind::Tar(text.into()) } else { Kind::Folder(text.into()) };
        return Ok(Some(Place { kind, compression: Compression::Plain }));
    }
    for field in text.split(',') {
        let (name, value) = field.split_once('=').ok_or_else(|| bad("has a field without `=`"))?;
        fields.insert(name, value);
    }
    let path = || {
        let dest = fields.get("dest").or_else(|| fields.get("destination"));
        dest.map(PathBuf::from).ok_or_else(|| bad("has no `dest`"))
    };
    let default = match fields.get("type").copied().unwrap_or_default() {
        "docker" => Compression::Plain,
        _ => Compression::Gzip,
    };
    let compression = match fields.get("compression").copied() {
        None => default,
        Some("gzip") => Compression::Gzip,
        Some("zstd") => Compression::Zstd,
        Some("uncompressed") => Compression::Plain,
        Some(_) => return Err(bad("has another compression than `gzip`, `zstd` and `uncompressed`")),
    };
    let named = || match fields.get("name") {
        Some(names) => names.split(';').map(|text| name("--output", text)).collect::<Result<Vec<_>, _>>(),
        None => Ok(tags.to_vec()),
    };
    let kind = match fields.get("type").copied().unwrap_or_default() {
        "registry" => Kind::Registry(named()?),
        "image" if fields.get("push") == Some(&"true") => Kind::Registry(named()?),
        "image" => return Ok(None),
        "oci" if fields.get("tar") == Some(&"false") => Kind::Layout(path()?),
        "oci" => Kind::Archive(path()?),
        "docker" if fields.contains_key("dest") => Kind::Docker(path()?),
        "docker" => return Ok(None),
        "tar" => Kind::Tar(path()?),
        "local" => Kind::Folder(path()?),
        _ => return Err(bad("has another type than `registry`, `image`, `oci`, `docker`, `tar` and `local`")),
    };
    if matches!(&kind, Kind::Registry(names) if names.is_empty()) {
        return Err(bad("has no `name`, and there is no --tag"));
    }
    Ok(Some(Place { kind, compression }))
}
