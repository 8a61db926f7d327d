//! COPY, ADD and WORKDIR.

use std::sync::Arc;

use wharf_dockerfile::expand::{self, AddStep, CopyStep};
use wharf_dockerfile::ignore;
use wharf_dockerfile::{Instruction, Span};
use wharf_oci::Digest;

use super::Planner;
use super::stage::{Place, State};
use crate::error::Error;
use crate::git::Remote;
use crate::graph::{Node, NodeId, Work};
use crate::instant::Instant;
use crate::op::Op;
use crate::op::copy::{self, Origin, Taken};
use crate::op::download::Download;
use crate::op::fetch::Fetch;
use crate::op::folder::Folder;
use crate::request::Named;
use crate::select::{Ignore, Query};

/// Where files come from, before it is an operation's input.
pub(super) enum Whence {
    /// The context.
    Context,
    /// A named folder.
    Named(String),
    /// A file system.
    Node(NodeId),
}

impl Planner<'_> {
    /// COPY.
    pub(super) async fn copy(
        &mut self,
        state: &mut State,
        copy: CopyStep,
        (instruction, place): (&Instruction, Place<'_>),
    ) -> Result<(), Error> {
        let whence = match &copy.from {
            None => Whence::Context,
            Some(name) => self.whence(name, (instruction.span, place), Numbers::Count).await?,
        };
        let (origin, inputs) = match whence {
            Whence::Context => (Origin::Context, Vec::new()),
            Whence::Named(name) => (Origin::Named(name), Vec::new()),
            Whence::Node(node) => (Origin::Input(0), vec![node]),
        };
        let flags = Flags {
            origin,
            chown: copy.chown,
            chmod: copy.chmod,
            exclude: copy.exclude,
            keeps_parents: copy.parents,
            is_linked: copy.link,
            is_unpacked: false,
        };
        let places = (copy.sources, copy.destination.as_str());
        let (op, text) = operation(places, flags, &state.config.config.working_dir);
        self.put(state, (op, format!("COPY {text}"), inputs), (instruction, place));
        Ok(())
    }

    /// ADD: what is local, and what is fetched.
    pub(super) fn add(
        &mut self,
        state: &mut State,
        add: AddStep,
        (instruction, place): (&Instruction, Place<'_>),
    ) -> Result<(), Error> {
        let mut inputs = Vec::new();
        let (mut taken, mut text) = (Vec::new(), Vec::new());
        let is_remote = add
            .sources
            .iter()
            .any(|source| matches!(source, expand::Origin::Path(path) if Remote::parse(path).is_some()));
        let flags = Flags {
            origin: Origin::Context,
            chown: add.chown.clone(),
            chmod: add.chmod.clone(),
            exclude: add.exclude.clone(),
            keeps_parents: false,
            is_linked: add.link,
            // A download is one file, unless it is said otherwise; what is local is unpacked, unless it is said otherwise.
            is_unpacked: add.unpack.unwrap_or(!is_remote),
        };
        for source in &add.sources {
            let remote = match source {
                expand::Origin::Path(path) => Remote::parse(path).map(|remote| (path, remote)),
                expand::Origin::File { .. } => None,
            };
            let Some((path, remote)) = remote else { continue };
            text.push(path.clone());
            let checksum = add.checksum.clone();
            let node = self.fetched(remote, (checksum, add.keep_git_dir == Some(true)), (instruction, place))?;
            inputs.push(node);
            taken.push(take(Origin::Input(inputs.len() - 1), "/*".to_owned(), (&add.exclude, false)));
        }
        let is_local =
            |source: &expand::Origin| !matches!(source, expand::Origin::Path(path) if Remote::parse(path).is_some());
        let local = add.sources.into_iter().filter(is_local).collect();
        let (mut op, rest) = operation((local, &add.destination), flags, &state.config.config.working_dir);
        op.sources.splice(0..0, taken);
        text.push(rest);
        self.put(state, (op, format!("ADD {}", text.join(" ")), inputs), (instruction, place));
        Ok(())
    }

    /// What is fetched, as a file system with it alone.
    fn fetched(
        &mut self,
        remote: Remote,
        (checksum, keeps_git): (Option<String>, bool),
        (instruction, place): (&Instruction, Place<'_>),
    ) -> Result<NodeId, Error> {
        let title = match &remote {
            Remote::File(url) => format!("[fetch] {url}"),
            Remote::Git(repository) => format!("[fetch] {repository}"),
        };
        let op: Box<dyn Op> = match remote {
            Remote::File(url) => {
                let expected = checksum.map(|text| {
                    let wrong = || {
                        self.error(
                            place,
                            instruction.span,
                            format!("`--checksum={text}` is no digest; it reads `sha256:…`"),
                        )
                    };
                    text.parse::<Digest>().map_err(|_| wrong())
                });
                Box::new(Download::new(url, expected.transpose()?))
            }
            Remote::Git(repository) => Box::new(Fetch::new(repository, checksum, keeps_git)),
        };
        let (parent, instant) = (self.empty(), Instant::of(self.epoch, None));
        let span = place.is_own.then_some(instruction.span);
        let (work, inputs) = (Work::Op(op), Vec::new());
        Ok(self.graph.add(Node { work, parent: Some(parent), inputs, title, span, is_forced: false, instant }))
    }

    fn put(
        &mut self,
        state: &mut State,
        (op, text, inputs): (copy::Copy, String, Vec<NodeId>),
        (instruction, place): (&Instruction, Place<'_>),
    ) {
        let title = self.title(state, place, &text);
        let node = self.node(state, Box::new(op), (inputs, title, Some((place, instruction.span))));
        state.note_layer(&text, node);
    }

    /// WORKDIR.
    pub(super) fn workdir(
        &mut self,
        state: &mut State,
        written: &str,
        (instruction, place): (&Instruction, Place<'_>),
    ) {
        let path = absolute(&state.config.config.working_dir, written);
        let path = if path.len() > 1 { path.trim_end_matches('/').to_owned() } else { path };
        state.config.config.working_dir.clone_from(&path);
        let text = format!("WORKDIR {path}");
        if path == "/" {
            state.note(text);
            return;
        }
        let op = Folder { path, user: state.config.config.user.clone() };
        let title = self.title(state, place, &text);
        let node = self.node(state, Box::new(op), (Vec::new(), title, Some((place, instruction.span))));
        state.note_layer(&text, node);
    }

    /// What a name after `from` stands for: a named context, an earlier stage, its number where these count, an image.
    pub(super) async fn whence(
        &mut self,
        name: &str,
        (span, place): (Span, Place<'_>),
        numbers: Numbers,
    ) -> Result<Whence, Error> {
        match self.request.named.get(name).cloned() {
            Some(Named::Folder(_)) => return Ok(Whence::Named(name.to_owned())),
            Some(Named::Image(image)) => {
                let platform = self.request.platform.clone();
                return Ok(Whence::Node(self.base(&image, &platform).await?.node));
            }
            None => {}
        }
        let number = if numbers == Numbers::Count { name.parse::<usize>().ok() } else { None };
        let stage = self.earlier(name, place.stage).or(number.filter(|number| *number < place.stage));
        if let Some(stage) = stage {
            let state = self.stage(stage).await?;
            let node = match state.node {
                Some(node) => node,
                None => self.empty(),
            };
            return Ok(Whence::Node(node));
        }
        let is_later = self.names.iter().any(|known| known.as_deref() == Some(&*name.to_ascii_lowercase()));
        if is_later || number.is_some_and(|number| number < self.names.len()) {
            let message = format!("stage `{name}` needs to be defined before the current stage");
            return Err(self.error(place, span, message));
        }
        if name == "scratch" {
            return Ok(Whence::Node(self.empty()));
        }
        let platform = self.request.platform.clone();
        Ok(Whence::Node(self.base(name, &platform).await?.node))
    }

    /// The empty file system.
    pub(super) fn empty(&mut self) -> NodeId {
        let (inputs, instant) = (Vec::new(), Instant::of(self.epoch, None));
        let title = "scratch".to_owned();
        self.graph.add(Node { work: Work::Empty, parent: None, inputs, title, span: None, is_forced: false, instant })
    }
}

/// Whether a stage's number stands for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Numbers {
    /// It does.
    Count,
    /// A number is a name like others.
    AreNames,
}

/// What COPY and ADD have in common.
struct Flags {
    origin: Origin,
    chown: Option<String>,
    chmod: Option<String>,
    exclude: Vec<String>,
    keeps_parents: bool,
    is_linked: bool,
    is_unpacked: bool,
}

/// The operation, and how its history tells it.
fn operation((sources, written): (Vec<expand::Origin>, &str), flags: Flags, working_dir: &str) -> (copy::Copy, String) {
    let Flags { origin, chown, chmod, exclude, keeps_parents, is_linked, is_unpacked } = flags;
    let mut text = Vec::new();
    text.extend(keeps_parents.then(|| "--parents".to_owned()));
    text.extend(chown.as_ref().map(|chown| format!("--chown={chown}")));
    text.extend(chmod.as_ref().map(|chmod| format!("--chmod={chmod}")));
    text.extend(is_linked.then(|| "--link".to_owned()));
    let mut taken = Vec::new();
    for source in sources {
        match source {
            expand::Origin::Path(path) => {
                text.push(path.clone());
                taken.push(take(origin.clone(), path, (&exclude, keeps_parents)));
            }
            expand::Origin::File { name, content } => {
                text.push(format!("<<{name}"));
                taken.push(take(Origin::Inline(Arc::from(content)), name, (&exclude, false)));
            }
        }
    }
    text.push(written.to_owned());
    let destination = absolute(working_dir, written);
    (copy::Copy { sources: taken, destination, chown, chmod, is_linked, is_unpacked }, text.join(" "))
}

fn take(origin: Origin, source: String, (exclude, keeps_parents): (&[String], bool)) -> Taken {
    let patterns = Ignore::new(ignore::Ignore::of(exclude.iter().map(String::as_str)));
    Taken { origin, query: Query { source, exclude: patterns, keeps_parents }, exclude: exclude.to_vec() }
}

/// All of something, at `destination`.
pub(super) fn whole(origin: Origin, destination: &str, exclude: Vec<String>) -> copy::Copy {
    part(origin, ("/", destination), exclude)
}

/// A part of something, at `destination`.
pub(super) fn part(origin: Origin, (source, destination): (&str, &str), exclude: Vec<String>) -> copy::Copy {
    let taken = take(origin, source.to_owned(), (&exclude, false));
    let destination = destination.to_owned();
    copy::Copy { sources: vec![taken], destination, chown: None, chmod: None, is_linked: false, is_unpacked: false }
}

/// A path as one of a source's parts, for what RUN sees of it.
pub(super) fn seen(origin: Origin, path: &str) -> Taken {
    take(origin, path.to_owned(), (&[], false))
}

/// A path from the working directory on, without `.` and `..`; a slash at its end stays.
pub(super) fn absolute(working_dir: &str, path: &str) -> String {
    let is_folder = path.ends_with('/') || path.ends_with("/.") || path.ends_with("/..") || path == "." || path == "..";
    let whole = if path.starts_with('/') { path.to_owned() } else { format!("{working_dir}/{path}") };
    let mut names: Vec<&str> = Vec::new();
    for name in whole.split('/').filter(|name| !name.is_empty() && *name != ".") {
        if name == ".." {
            names.pop();
        } else {
            names.push(name);
        }
    }
    let joined = format!("/{}", names.join("/"));
    if is_folder && joined != "/" { format!("{joined}/") } else { joined }
}

#[cfg(test)]
mod tests {
    use super::absolute;

    #[test]
    fn paths_begin_at_the_working_directory_and_stay_below_the_root() {
        for (working_dir, path, expected) in [
            ("/", "a", "/a"),
            ("/app", "a/", "/app/a/"),
            ("/app", ".", "/app/"),
            ("/app", "/x/../y", "/y"),
            ("/app", "../../..", "/"),
            ("/app", "./a/./b", "/app/a/b"),
            ("", "x", "/x"),
        ] {
            assert_eq!(absolute(working_dir, path), expected);
        }
    }
}
