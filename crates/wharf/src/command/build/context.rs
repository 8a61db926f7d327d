//! The context, the Dockerfile and the ignore file.

use std::io::{Cursor, Read as _};
use std::path::{Path, PathBuf};

use wharf_build::git::Remote;
use wharf_build::request::{Context, Ignore};
use wharf_dockerfile::ignore;
use wharf_images::{Images, Root};

use super::Error;

const STANDARD_INPUT: &str = "-";
/// No Dockerfile is larger.
const MAX_BYTES: u64 = 16 * 1024 * 1024;
/// So much is read to see whether it is an archive.
const HEAD_BYTES: u64 = 64 * 1024;

/// What was read before a build.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) dockerfile: Vec<u8>,
    /// What the Dockerfile is called in messages.
    pub(crate) name: String,
    pub(crate) context: Context,
}

/// Reads the Dockerfile, and what of the context is not seen. What is no folder becomes one that goes with the process.
pub(crate) fn read(context: &str, file: Option<&str>, images: &Images) -> Result<Read, Error> {
    if context == STANDARD_INPUT {
        return streamed(file, images);
    }
    match Remote::parse(context) {
        Some(Remote::Git(repository)) => {
            let scratch = images.session().scratch();
            let folder = repository.fetch(&repository.commit()?, &scratch, true)?;
            in_folder(folder, file, Outside::Hidden)
        }
        Some(Remote::File(_)) => {
            let source = std::io::Error::other("a context is a folder, a Git URL or `-`");
            Err(Error::Read { path: context.into(), source })
        }
        None => in_folder(PathBuf::from(context), file, Outside::Seen),
    }
}

/// Whether the Dockerfile may lie outside of the context.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outside {
    /// It is the caller's own file.
    Seen,
    /// The context is a stranger's, and says nothing of files here.
    Hidden,
}

/// A Dockerfile, or an archive with one in it.
fn streamed(file: Option<&str>, images: &Images) -> Result<Read, Error> {
    let failed = |source| Error::Read { path: STANDARD_INPUT.into(), source };
    let mut input = std::io::stdin().lock();
    let mut first = Vec::new();
    input.by_ref().take(HEAD_BYTES).read_to_end(&mut first).map_err(failed)?;
    if !wharf_layer::layer::is_archive(Box::new(&first[..])) {
        let dockerfile = bounded(Cursor::new(first).chain(input)).map_err(failed)?;
        return Ok(Read { dockerfile, name: "Dockerfile".to_owned(), context: Context::default() });
    }
    let folder = images.session().scratch();
    std::fs::create_dir(&folder).map_err(|source| Error::Write { path: folder.clone(), source })?;
    let root = Root::open(&folder).map_err(|source| Error::Write { path: folder.clone(), source })?;
    let whole = Box::new(Cursor::new(first).chain(input));
    wharf_images::unpack::unpack_archive(whole, &root, None).map_err(Error::Images)?;
    in_folder(folder, file, Outside::Hidden)
}

fn in_folder(folder: PathBuf, file: Option<&str>, outside: Outside) -> Result<Read, Error> {
    if !folder.is_dir() {
        let source = std::io::Error::other("it is no folder");
        return Err(Error::Read { path: folder, source });
    }
    let (dockerfile, name, path) = match file {
        Some(STANDARD_INPUT) => (standard_input()?, "Dockerfile".to_owned(), None),
        Some(path) => {
            // As docker: a path is the caller's; one that is not there is looked for in the context.
            let own = PathBuf::from(path);
            let path = if outside == Outside::Seen && own.is_file() { own } else { folder.join(path) };
            (file_at(&path)?, path.display().to_string(), Some(path))
        }
        None => {
            let path = folder.join("Dockerfile");
            (file_at(&path)?, "Dockerfile".to_owned(), Some(path))
        }
    };
    let ignore = ignore(&folder, path.as_deref())?;
    Ok(Read { dockerfile, name, context: Context { folder: Some(folder), ignore } })
}

/// `NAME.dockerignore` beside the Dockerfile, else `.dockerignore` in the context.
fn ignore(folder: &Path, dockerfile: Option<&Path>) -> Result<Ignore, Error> {
    let own = dockerfile.map(|path| {
        let mut name = path.as_os_str().to_owned();
        name.push(".dockerignore");
        PathBuf::from(name)
    });
    for path in own.into_iter().chain([folder.join(".dockerignore")]) {
        if path.is_file() {
            let text = String::from_utf8_lossy(&file_at(&path)?).into_owned();
            let patterns = ignore::Ignore::parse(&text);
            if let Some(diagnostic) = patterns.diagnostics.first() {
                let source = std::io::Error::other(diagnostic.render(&path.display().to_string(), &text));
                return Err(Error::Read { path, source });
            }
            return Ok(Ignore::new(patterns));
        }
    }
    Ok(Ignore::default())
}

fn file_at(path: &Path) -> Result<Vec<u8>, Error> {
    let failed = |source| Error::Read { path: path.to_owned(), source };
    let file = std::fs::File::open(path).map_err(failed)?;
    bounded(file).map_err(failed)
}

fn standard_input() -> Result<Vec<u8>, Error> {
    bounded(std::io::stdin().lock()).map_err(|source| Error::Read { path: STANDARD_INPUT.into(), source })
}

fn bounded(input: impl std::io::Read) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    input.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    let is_small = bytes.len() as u64 <= MAX_BYTES;
    if is_small { Ok(bytes) } else { Err(std::io::Error::other("it is larger than 16 MiB")) }
}
