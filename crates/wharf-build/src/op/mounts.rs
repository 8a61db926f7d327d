//! What `RUN --mount` shows inside of a container.

use std::fs::File;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use wharf_dockerfile::instruction::mount::{Access, Sharing};
use wharf_images::Snapshot;
use wharf_images::collect::Amount;
use wharf_oci::{Algorithm, Digest};
use wharf_runtime::process::{self, Contents, Mount, Source};

use super::Inputs;
use crate::error::Error;

pub(crate) const CACHES: &str = "caches";
/// Where agents' sockets are seen.
const AGENT: &str = "/run/buildkit/ssh_agent.";

/// One mount, with its paths made absolute.
#[derive(Debug, Clone)]
pub(crate) enum Shown {
    /// A part of another file system, by its place in the inputs.
    Tree { input: usize, path: String, target: String, is_writable: bool },
    /// A folder that stays from build to build.
    Cache {
        id: String,
        target: String,
        sharing: Sharing,
        access: Access,
        is_read_only: bool,
        /// What it begins with: an input, and a path there.
        begins: Option<(usize, String)>,
    },
    /// A folder in memory.
    Memory { target: String, size_bytes: Option<u64> },
    /// A secret as a file, a variable, or both.
    Secret { id: String, target: Option<String>, env: Option<String>, is_required: bool, access: Access },
    /// An agent's socket.
    Agent { id: String, target: Option<String>, is_required: bool },
}

/// What mounts come to.
#[derive(Debug, Default)]
pub(crate) struct Ready {
    pub(crate) mounts: Vec<Mount>,
    pub(crate) variables: Vec<process::Variable>,
    /// Locks that are held while the command runs.
    pub(crate) locks: Vec<File>,
}

/// Makes the mounts ready. Blocks, also while somebody else has a locked cache.
pub(crate) fn ready(shown: &[Shown], input: &Inputs) -> Result<Ready, Error> {
    let mut ready = Ready::default();
    for mount in shown {
        add(mount, input, &mut ready)?;
    }
    Ok(ready)
}

fn add(shown: &Shown, input: &Inputs, ready: &mut Ready) -> Result<(), Error> {
    match shown {
        Shown::Tree { input: at, path, target, is_writable } => {
            let scratch = is_writable.then(|| input.images.session().scratch());
            if let Some(scratch) = &scratch {
                std::fs::create_dir(scratch)
                    .map_err(|source| Error::file("make", scratch.display().to_string(), source))?;
            }
            let layers = folders(input, *at)?;
            ready
                .mounts
                .push(Mount { target: target.clone(), source: Source::Tree { layers, path: path.clone(), scratch } });
        }
        Shown::Cache { id, target, sharing, access, is_read_only, begins } => {
            let (path, lock) = cache(input, id, (*sharing, *access), begins.as_ref())?;
            ready.locks.extend(lock);
            let access = if *is_read_only { process::Access::ReadOnly } else { process::Access::ReadWrite };
            ready.mounts.push(Mount { target: target.clone(), source: Source::Bind { path, access } });
        }
        Shown::Memory { target, size_bytes } => {
            let source = Source::Tmpfs { size_bytes: *size_bytes, mode: 0o1777 };
            ready.mounts.push(Mount { target: target.clone(), source });
        }
        Shown::Secret { id, target, env, is_required, access } => {
            let found = input.kit.secrets.secret(id).map_err(|source| Error::file("read the secret", id, source))?;
            let Some(bytes) = found else {
                return if *is_required { Err(Error::Secret { id: id.clone() }) } else { Ok(()) };
            };
            if let Some(name) = env {
                let value = String::from_utf8(bytes.clone())
                    .map_err(|_| Error::Invalid(format!("the secret `{id}` is no text, and cannot be a variable")))?;
                ready.variables.push(process::Variable { name: name.clone(), value });
            }
            if let Some(target) = target {
                let (uid, gid) = (access.uid.unwrap_or(0), access.gid.unwrap_or(0));
                let source = Source::File { contents: Contents(bytes), uid, gid, mode: access.mode.unwrap_or(0o400) };
                ready.mounts.push(Mount { target: target.clone(), source });
            }
        }
        Shown::Agent { id, target, is_required } => {
            let Some(path) = input.kit.secrets.agent(id) else {
                let missing = || Error::Invalid(format!("the SSH agent `{id}` is required; give it with --ssh {id}"));
                return if *is_required { Err(missing()) } else { Ok(()) };
            };
            let target = target.clone().unwrap_or_else(|| format!("{AGENT}{}", ready.mounts.len()));
            ready.variables.push(process::Variable { name: "SSH_AUTH_SOCK".to_owned(), value: target.clone() });
            ready.mounts.push(Mount { target, source: Source::Bind { path, access: process::Access::ReadWrite } });
        }
    }
    Ok(())
}

fn folders(input: &Inputs, at: usize) -> Result<Vec<PathBuf>, Error> {
    let snapshot = input.others.get(at).ok_or(Error::Needed)?;
    Ok(input.images.folders(snapshot))
}

/// The folder of a cache, and the lock that keeps others out where they must stay out.
fn cache(
    input: &Inputs,
    id: &str,
    (sharing, access): (Sharing, Access),
    begins: Option<&(usize, String)>,
) -> Result<(PathBuf, Option<File>), Error> {
    let name = Digest::of(Algorithm::Sha256, format!("{}\0{id}", input.kit.cache_namespace()).as_bytes()).hex();
    let folder = match input.kit.is_cold() {
        // Nothing is known in a build without a cache, and what it leaves is not kept.
        true => input.kit.cold_cache(),
        false => input.images.session().folder().join(CACHES),
    };
    let failed = |path: &Path| {
        let path = path.display().to_string();
        move |source| Error::file("use the cache", path, source)
    };
    std::fs::create_dir_all(&folder).map_err(failed(&folder))?;
    for number in 0.. {
        let path = folder.join(if number == 0 { name.clone() } else { format!("{name}-{number}") });
        let lock_path = path.with_extension("lock");
        let lock =
            File::options().create(true).truncate(false).write(true).open(&lock_path).map_err(failed(&lock_path))?;
        let locked = match sharing {
            Sharing::Shared => flock(&lock, FlockOperation::LockShared),
            Sharing::Locked => flock(&lock, FlockOperation::LockExclusive),
            Sharing::Private => flock(&lock, FlockOperation::NonBlockingLockExclusive),
        };
        match locked {
            Ok(()) => {}
            // Somebody has it: a private cache is another one then.
            Err(_) if sharing == Sharing::Private => continue,
            Err(errno) => return Err(failed(&lock_path)(errno.into())),
        }
        if !path.is_dir() {
            make(&path, access).map_err(failed(&path))?;
            begin(input, &path, begins)?;
        }
        return Ok((path, Some(lock)));
    }
    Err(Error::Stopped)
}

fn make(path: &Path, access: Access) -> std::io::Result<()> {
    match std::fs::DirBuilder::new().mode(0o755).create(path) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => return Ok(()),
        made => made?,
    }
    std::fs::set_permissions(path, PermissionsExt::from_mode(access.mode.unwrap_or(0o755)))?;
    chown(path, access.uid.or(Some(0)), access.gid.or(Some(0)))
}

/// Puts into a new cache what it begins with.
fn begin(input: &Inputs, path: &Path, begins: Option<&(usize, String)>) -> Result<(), Error> {
    let Some((at, source)) = begins else { return Ok(()) };
    let snapshot: &Snapshot = input.others.get(*at).ok_or(Error::Needed)?;
    let (tree, target) = (input.images.read(snapshot)?, wharf_images::Root::open(path));
    let target = target.map_err(|error| Error::file("open", path.display().to_string(), error))?;
    let query = crate::select::Query { source: source.clone(), exclude: Default::default(), keeps_parents: false };
    let groups = crate::select::select(&tree, &query, &Default::default())?;
    let look = crate::place::Look { owner: None, chmod: None, mtime: None };
    crate::place::put((&tree, &groups), (&target, "/"), &look)
}

/// Removes the caches that nobody holds.
pub(crate) fn remove_unused(folder: &Path) -> Result<Amount, Error> {
    let mut gone = Amount::default();
    let failed = |source| Error::file("remove caches in", folder.display().to_string(), source);
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(gone),
        read => read.map_err(failed)?,
    };
    for entry in entries {
        let lock_path = entry.map_err(failed)?.path();
        if lock_path.extension().is_none() {
            continue;
        }
        let lock = File::options().write(true).open(&lock_path).map_err(failed)?;
        if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
            continue;
        }
        let path = lock_path.with_extension("");
        let weight = wharf_images::root::weight(&path).map_err(failed)?;
        gone.inodes += weight.inodes;
        gone.bytes += weight.bytes;
        wharf_images::root::remove_all(&path).map_err(failed)?;
    }
    Ok(gone)
}
