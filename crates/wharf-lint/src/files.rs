//! Which files are linted: those that are named, and what looks like a Dockerfile in folders that are.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use wharf_dockerfile::ignore::{Ignore, file_names};

use crate::error::Error;

/// A larger file is no Dockerfile.
const MAX_BYTES: u64 = 4 << 20;
/// Folders are not followed deeper than this.
const MAX_DEPTH: usize = 64;

/// Something to lint.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Input {
    /// A file.
    File(PathBuf),
    /// Standard input.
    Standard,
}

impl Input {
    /// What it is called in findings.
    pub fn name(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Standard => "-".to_owned(),
        }
    }

    /// Its bytes.
    pub fn read(&self) -> Result<Vec<u8>, Error> {
        let path = match self {
            Self::File(path) => path.clone(),
            Self::Standard => PathBuf::from("-"),
        };
        let mut bytes = Vec::new();
        let read = match self {
            Self::File(path) => fs::File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes)),
            Self::Standard => io::stdin().take(MAX_BYTES + 1).read_to_end(&mut bytes),
        };
        match read {
            Err(source) => Err(Error::Read { path, source }),
            Ok(_) if bytes.len() as u64 > MAX_BYTES => Err(Error::TooLarge { path, limit: MAX_BYTES }),
            Ok(_) => Ok(bytes),
        }
    }

    /// The ignore file that counts for it, if it lies at the root of its build context.
    pub fn ignore(&self) -> Option<Ignore> {
        let Self::File(path) = self else { return None };
        let folder = path.parent().unwrap_or(Path::new(""));
        let names = file_names(&path.file_name()?.to_string_lossy());
        let path = names.into_iter().map(|name| folder.join(name)).find(|path| path.is_file())?;
        let mut text = String::new();
        fs::File::open(path).ok()?.take(MAX_BYTES).read_to_string(&mut text).ok()?;
        Some(Ignore::parse(&text))
    }

    /// Puts a mended text in the file's place. Of standard input it is told.
    pub fn write(&self, text: &str) -> Result<(), Error> {
        match self {
            Self::Standard => Ok(()),
            Self::File(path) => {
                let written = tempfile::NamedTempFile::new_in(
                    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")),
                )
                .and_then(|mut file| {
                    io::Write::write_all(&mut file, text.as_bytes())?;
                    file.as_file().set_permissions(fs::metadata(path)?.permissions())?;
                    file.persist(path).map(drop).map_err(|error| error.error)
                });
                written.map_err(|source| Error::Write { path: path.clone(), source })
            }
        }
    }
}

/// The files that `places` name.
pub fn find(places: &[PathBuf]) -> Result<Vec<Input>, Error> {
    if places.is_empty() {
        let names = ["Dockerfile", "Containerfile"];
        let found = names.iter().map(PathBuf::from).find(|path| path.is_file());
        return match found {
            Some(path) => Ok(vec![Input::File(path)]),
            None => in_folder(Path::new(".")),
        };
    }
    let mut inputs = Vec::new();
    for place in places {
        if place.as_os_str() == "-" {
            inputs.push(Input::Standard);
        } else if place.is_dir() {
            inputs.extend(in_folder(place)?);
        } else {
            inputs.push(Input::File(place.clone()));
        }
    }
    Ok(inputs)
}

fn in_folder(folder: &Path) -> Result<Vec<Input>, Error> {
    let mut inputs = Vec::new();
    walk(folder, 0, &mut inputs)?;
    if inputs.is_empty() {
        return Err(Error::NoFile { path: folder.to_owned() });
    }
    inputs.sort();
    Ok(inputs)
}

fn walk(folder: &Path, depth: usize, inputs: &mut Vec<Input>) -> Result<(), Error> {
    let list = |source| Error::List { path: folder.to_owned(), source };
    for entry in fs::read_dir(folder).map_err(list)? {
        let entry = entry.map_err(list)?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        // Links are not followed: they may lead in a circle, or out of the folder.
        let kind = entry.file_type().map_err(list)?;
        if kind.is_dir() && depth < MAX_DEPTH && !name.starts_with('.') && name != "node_modules" {
            walk(&entry.path(), depth + 1, inputs)?;
        } else if kind.is_file() && is_dockerfile(&name) {
            let path = entry.path();
            inputs.push(Input::File(path.strip_prefix("./").map_or_else(|_| path.clone(), Path::to_owned)));
        }
    }
    Ok(())
}

/// `Dockerfile`, `Dockerfile.dev`, `dev.Dockerfile`, `Containerfile` and the like, but not their ignore files.
fn is_dockerfile(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let has_stem = |stem: &str| {
        name == stem
            || name.strip_prefix(stem).is_some_and(|rest| rest.starts_with(['.', '-']))
            || name.strip_suffix(stem).is_some_and(|rest| rest.ends_with('.'))
    };
    (has_stem("dockerfile") || has_stem("containerfile")) && !name.ends_with(".dockerignore") && !name.ends_with(".md")
}

#[cfg(test)]
mod tests {
    use super::is_dockerfile;

    #[test]
    fn dockerfiles_are_known_by_their_names() {
        for name in ["Dockerfile", "dockerfile", "Dockerfile.dev", "app.Dockerfile", "Containerfile", "Dockerfile-arm"]
        {
            assert!(is_dockerfile(name), "{name}");
        }
        for name in ["Dockerfile.dockerignore", "dockerfiles", "mydockerfile", "Dockerfile.md", "Makefile"] {
            assert!(!is_dockerfile(name), "{name}");
        }
    }
}
