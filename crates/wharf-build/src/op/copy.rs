//! COPY, and what of ADD is local: files of a context, of another file system or of the Dockerfile itself.

use std::io::Write as _;
use std::os::fd::AsFd as _;
use std::sync::Arc;

use serde_json::{Value, json};
use wharf_images::{Clamp, Metadata, Root, Snapshot, root};
use wharf_oci::ports::BoxFuture;
use wharf_oci::{Algorithm, Digest};

use super::{Inputs, Op, blocking};
use crate::chmod::Chmod;
use crate::error::Error;
use crate::op::folder::owner;
use crate::place::{self, Look};
use crate::select::{self, Group, Ignore, Query};
use crate::solve::Kit;

/// COPY or ADD.
#[derive(Debug)]
pub(crate) struct Copy {
    pub(crate) sources: Vec<Taken>,
    /// Absolute; with `/` at its end it is a folder.
    pub(crate) destination: String,
    /// `user[:group]`, looked up in the file system that is changed.
    pub(crate) chown: Option<String>,
    pub(crate) chmod: Option<String>,
    /// Whether it makes a layer that does not see those below.
    pub(crate) is_linked: bool,
    /// Whether archives are unpacked.
    pub(crate) is_unpacked: bool,
}

/// One source.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) origin: Origin,
    /// What of it, where it is not inline.
    pub(crate) query: Query,
    /// What is left out, as written.
    pub(crate) exclude: Vec<String>,
}

/// Where files come from.
#[derive(Debug, Clone)]
pub(crate) enum Origin {
    /// The context.
    Context,
    /// A named folder.
    Named(String),
    /// Another file system, by its place in the inputs.
    Input(usize),
    /// The Dockerfile itself: this is the file's content; its name is the source.
    Inline(Arc<str>),
}

impl Origin {
    /// The tree, and what of it is not seen.
    pub(crate) fn tree(
        &self,
        kit: &Kit,
        images: &wharf_images::Images,
        others: &[Snapshot],
    ) -> Result<(Root, Ignore), Error> {
        let open = |folder: &std::path::Path| {
            Root::open(folder).map_err(|source| Error::file("open the context", folder.display().to_string(), source))
        };
        match self {
            Self::Context => match &kit.request.context.folder {
                Some(folder) => Ok((open(folder)?, kit.request.context.ignore.clone())),
                None => Err(Error::Invalid("there is no build context; name a folder instead of `-`".to_owned())),
            },
            Self::Named(name) => match kit.request.named.get(name) {
                Some(crate::request::Named::Folder(folder)) => Ok((open(folder)?, Ignore::default())),
                Some(crate::request::Named::Image(_)) | None => Err(Error::Invalid(format!("`{name}` is no folder"))),
            },
            Self::Input(at) => {
                let snapshot = others.get(*at).ok_or(Error::Needed)?;
                Ok((images.read(snapshot)?, Ignore::default()))
            }
            Self::Inline(_) => Err(Error::Invalid("a heredoc is no folder".to_owned())),
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Context => "the build context".to_owned(),
            Self::Named(name) => format!("the context `{name}`"),
            Self::Input(_) => "what it is copied from".to_owned(),
            Self::Inline(_) => "the Dockerfile".to_owned(),
        }
    }

    fn has_owners(&self) -> bool {
        matches!(self, Self::Input(_))
    }
}

impl Taken {
    fn definition(&self) -> Value {
        let origin = match &self.origin {
            Origin::Context => json!("context"),
            Origin::Named(name) => json!({ "named": name }),
            Origin::Input(at) => json!(at),
            Origin::Inline(text) => json!({ "inline": &**text }),
        };
        let (source, exclude, parents) = (&self.query.source, &self.exclude, self.query.keeps_parents);
        json!({ "origin": origin, "source": source, "exclude": exclude, "parents": parents })
    }

    fn select(&self, tree: &Root, ignore: &Ignore) -> Result<Vec<Group>, Error> {
        let selected = select::select(tree, &self.query, ignore);
        let Err(Error::Missing { path, .. }) = selected else { return selected };
        let is_context = matches!(self.origin, Origin::Context);
        let hint = if is_context { "; is it hidden by the ignore file, or outside of the context?" } else { "" };
        Err(Error::Missing { path, place: self.origin.name(), hint })
    }

    /// The digest of all that it stands for. Of a file system of ours it is remembered: that never changes.
    pub(crate) async fn digest(&self, input: &Inputs) -> Result<Digest, Error> {
        if let Origin::Inline(text) = &self.origin {
            return Ok(Digest::of(Algorithm::Sha256, text.as_bytes()));
        }
        let other = if let Origin::Input(at) = self.origin { input.others.get(at) } else { None };
        let chain = other.and_then(Snapshot::chain);
        let definition = self.definition().to_string();
        if let Some(chain) = &chain
            && let Some(known) = input.kit.cache.selection(chain, &definition).await?
        {
            return Ok(known);
        }
        if let Origin::Input(at) = self.origin {
            input.kit.ready(&input.others[at]).await?;
        }
        let (origin, query, kit) = (self.origin.clone(), self.query.clone(), Arc::clone(&input.kit));
        let (images, others, exclude) = (input.images.clone(), input.others.clone(), self.exclude.clone());
        let digest = blocking(move || {
            let taken = Self { origin, query, exclude };
            let (tree, ignore) = taken.origin.tree(&kit, &images, &others)?;
            let groups = taken.select(&tree, &ignore)?;
            select::digest(&tree, &groups, &kit.memo, taken.origin.has_owners())
        })
        .await?;
        if let Some(chain) = &chain {
            input.kit.cache.put_selection(chain, &definition, &digest).await?;
        }
        Ok(digest)
    }
}

impl Op for Copy {
    fn definition(&self) -> Value {
        let sources: Vec<Value> = self.sources.iter().map(Taken::definition).collect();
        let (destination, chown, chmod) = (&self.destination, &self.chown, &self.chmod);
        let (link, unpack) = (self.is_linked, self.is_unpacked);
        json!({ "copy": sources, "to": destination, "chown": chown, "chmod": chmod, "link": link, "unpack": unpack })
    }

    fn content<'a>(&'a self, input: &'a Inputs) -> BoxFuture<'a, Result<Vec<(String, Digest)>, Error>> {
        Box::pin(async move {
            let mut digests = Vec::new();
            for taken in &self.sources {
                digests.push((taken.query.source.clone(), taken.digest(input).await?));
            }
            Ok(digests)
        })
    }

    fn execute<'a>(&'a self, input: &'a Inputs) -> BoxFuture<'a, Result<Snapshot, Error>> {
        Box::pin(async move {
            let draft = match self.is_linked {
                true => input.images.draft_apart(&input.parent)?,
                false => input.images.draft(&input.parent)?,
            };
            let draft = self.fill(input, draft).await?;
            Ok(input.images.commit(draft, Some(Clamp(input.instant.mtime()))).await?)
        })
    }
}

impl Copy {
    async fn fill(&self, input: &Inputs, draft: wharf_images::Draft) -> Result<wharf_images::Draft, Error> {
        let chmod = self.chmod.as_deref().map(|text| {
            Chmod::parse(text)
                .ok_or_else(|| Error::Invalid(format!("`--chmod={text}` is no mode; it reads `755` or `u=rwX,go=rX`")))
        });
        let (chmod, chown, mtime) = (chmod.transpose()?, self.chown.clone(), input.instant.mtime());
        let (kit, images, others) = (Arc::clone(&input.kit), input.images.clone(), input.others.clone());
        let (destination, parent, is_unpacked) = (self.destination.clone(), input.parent.clone(), self.is_unpacked);
        let sources: Vec<Taken> = self
            .sources
            .iter()
            .map(|taken| Taken {
                origin: taken.origin.clone(),
                query: taken.query.clone(),
                exclude: taken.exclude.clone(),
            })
            .collect();
        blocking(move || {
            let target = draft.root()?;
            let known = images.read(&parent)?;
            let owned = chown.as_deref().map(|text| owner(text, &known)).transpose()?;
            for taken in &sources {
                let owner = owned.or((!taken.origin.has_owners() || chown.is_some()).then_some((0, 0)));
                // A file of another stage belongs to root, too, unless it is said otherwise.
                let look = Look { owner: owner.or(Some((0, 0))), chmod: chmod.clone(), mtime: Some(mtime) };
                if let Origin::Inline(text) = &taken.origin {
                    inline((&taken.query.source, text), (&target, &destination), &look)?;
                    continue;
                }
                let (tree, ignore) = taken.origin.tree(&kit, &images, &others)?;
                let mut groups = taken.select(&tree, &ignore)?;
                if is_unpacked {
                    unpack((&tree, &mut groups), (&target, &destination), owned)?;
                }
                place::put((&tree, &groups), (&target, &destination), &look)?;
            }
            drop((target, known));
            Ok(draft)
        })
        .await
    }
}

/// Unpacks the archives among files into the destination, and leaves the rest to be put there.
fn unpack(
    (tree, groups): (&Root, &mut Vec<Group>),
    (target, destination): (&Root, &str),
    owner: Option<(u32, u32)>,
) -> Result<(), Error> {
    let mut left = Vec::new();
    for group in groups.drain(..) {
        let path = group.entries.first().map(|found| found.path.clone()).unwrap_or_default();
        let shown = || String::from_utf8_lossy(&path).into_owned();
        let open = || tree.file(&path).map_err(|source| Error::file("open", shown(), source));
        let is_archive = !group.is_folder && wharf_layer::layer::is_archive(Box::new(open()?));
        if !is_archive {
            left.push(group);
            continue;
        }
        let made = target.make_folder(destination.as_bytes(), &mut |_, _| Ok(()));
        let folder = made.map_err(|source| Error::file("make the folder", destination, source))?;
        wharf_images::unpack::unpack_archive(Box::new(open()?), &Root::new(folder), owner)?;
    }
    *groups = left;
    Ok(())
}

/// Puts a file whose content stands in the Dockerfile.
fn inline((name, text): (&str, &str), (target, destination): (&Root, &str), look: &Look) -> Result<(), Error> {
    let is_folder = destination.ends_with('/') || target.folder(destination.as_bytes()).is_ok();
    let path = if is_folder { format!("{}/{name}", destination.trim_end_matches('/')) } else { destination.to_owned() };
    let put = || -> std::io::Result<()> {
        let (uid, gid) = look.owner.unwrap_or((0, 0));
        let mode = look.chmod.as_ref().map_or(0o644, |chmod| chmod.apply(0o644, false));
        let mtime = look.mtime.unwrap_or_default();
        let metadata = Metadata { mode, uid, gid, mtime, xattrs: Default::default() };
        let folder = Metadata { mode: 0o755, ..metadata.clone() };
        let (parent, name) = place::split(path.as_bytes());
        let parent = target.make_folder(parent, &mut |parent, name| root::describe(parent, name, &folder))?;
        root::remove(parent.as_fd(), name)?;
        root::create(parent.as_fd(), name)?.write_all(text.as_bytes())?;
        root::describe(parent.as_fd(), name, &metadata)
    };
    put().map_err(|source| Error::file("write", path.clone(), source))
}
