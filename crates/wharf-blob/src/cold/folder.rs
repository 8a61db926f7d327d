//! A cold place in a folder: a file per object, which takes its name when it is whole and durable.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use uuid::Uuid;

use super::{ColdObject, ColdPlace, ObjectName};
use crate::blocking;
use crate::body::Body;
use crate::error::Error;
use crate::reader::Reader;
use crate::store::BoxFuture;

/// How much is read at a time.
const PIECE_BYTES: usize = 256 * 1024;
/// What files are called that have no name yet. No object's name begins with a dot.
const UNFINISHED: &str = ".unfinished-";

/// A cold place in a folder.
#[derive(Debug, Clone)]
pub struct ColdFolder {
    path: PathBuf,
}

impl ColdFolder {
    /// Opens a folder, and makes it where it is missing. Blocks for a moment: call it at start.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let failed = |source| Error::OpenStore { path: path.to_owned(), source };
        std::fs::create_dir_all(path).map_err(failed)?;
        Ok(Self { path: path.canonicalize().map_err(failed)? })
    }

    fn place(&self, name: &ObjectName) -> PathBuf {
        self.path.join(name.as_str())
    }

    async fn put_object(&self, name: &ObjectName, body: Body) -> Result<u64, Error> {
        let (target, failed) = (self.place(name), failed("write", name));
        let unfinished = self.path.join(format!("{UNFINISHED}{}", Uuid::now_v7()));
        let written = self.write(name, body, &unfinished).await;
        let root = self.path.clone();
        let placed = blocking::run(move || match written {
            Ok(size_bytes) => place(&root, &unfinished, &target).map(|()| Ok(size_bytes)),
            Err(error) => unlink(&unfinished).map(|()| Err(error)),
        });
        placed.await?.map_err(failed)?
    }

    async fn write(&self, name: &ObjectName, mut body: Body, unfinished: &Path) -> Result<u64, Error> {
        let path = unfinished.to_owned();
        let mut file = blocking::run(move || File::create_new(path)).await?.map_err(failed("write", name))?;
        let mut size_bytes = 0;
        while let Some(piece) = body.next().await {
            let piece = piece.map_err(|source| Error::ObjectBody { name: name.to_string(), source })?;
            size_bytes += piece.len() as u64;
            let written = blocking::run(move || file.write_all(&piece).map(|()| file));
            file = written.await?.map_err(failed("write", name))?;
        }
        blocking::run(move || file.sync_all()).await?.map_err(failed("sync", name))?;
        Ok(size_bytes)
    }

    async fn read(&self, name: &ObjectName) -> Result<Reader, Error> {
        let path = self.place(name);
        let opened = blocking::run(move || {
            let file = File::open(path)?;
            let metadata = file.metadata()?;
            let is_file = metadata.is_file();
            if is_file { Ok((file, metadata.len())) } else { Err(io::Error::from(io::ErrorKind::NotFound)) }
        });
        let not_found = || Error::ObjectNotFound { name: name.to_string() };
        let (file, size_bytes) = match opened.await? {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(not_found()),
            opened => opened.map_err(failed("open", name))?,
        };
        let name = name.clone();
        let pieces = stream::try_unfold((file, name, size_bytes), |(mut file, name, left)| async move {
            if left == 0 {
                return Ok(None);
            }
            let count = usize::try_from(left).map_or(PIECE_BYTES, |left| left.min(PIECE_BYTES));
            let read = blocking::run(move || {
                let mut bytes = vec![0; count];
                file.read_exact(&mut bytes).map(|()| (Bytes::from(bytes), file))
            });
            let (bytes, file) = read.await?.map_err(failed("read", &name))?;
            Ok(Some((bytes, (file, name, left - count as u64))))
        });
        Ok(Reader::new(size_bytes, 0..size_bytes, pieces))
    }
}

/// Gives a file its name, and makes that durable.
fn place(root: &Path, unfinished: &Path, target: &Path) -> io::Result<()> {
    let folder = target.parent().unwrap_or(root);
    std::fs::create_dir_all(folder)?;
    std::fs::rename(unfinished, target)?;
    // Also the folders that were there: whoever made them may not have got as far as this.
    folder.ancestors().take_while(|folder| folder.starts_with(root)).try_for_each(sync)
}

fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn unlink(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Deletes an object, and the folders above it that become empty.
fn delete(root: &Path, target: &Path) -> io::Result<()> {
    unlink(target)?;
    let above = target.ancestors().skip(1).take_while(|folder| *folder != root);
    let kept = above.into_iter().find(|folder| std::fs::remove_dir(folder).is_err());
    match kept {
        Some(kept) if kept.exists() => sync(kept),
        Some(_) | None => sync(root),
    }
}

/// All files below a folder; none where it is not there.
fn walk(root: &Path, folder: &Path, found: &mut Vec<ColdObject>) -> io::Result<()> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let path = entry.path();
        let metadata = entry.metadata()?;
        if metadata.is_dir() {
            walk(root, &path, found)?;
            continue;
        }
        let name = path.strip_prefix(root).ok().and_then(|name| name.to_str()).and_then(|name| name.parse().ok());
        found.extend(name.map(|name| ColdObject { name, size_bytes: metadata.len() }));
    }
    Ok(())
}

fn failed(action: &'static str, name: &ObjectName) -> impl Fn(io::Error) -> Error + use<> {
    let name = name.to_string();
    move |source| Error::Object { action, name: name.clone(), source }
}

impl ColdPlace for ColdFolder {
    fn describe(&self) -> String {
        format!("file://{}", self.path.display())
    }

    fn put<'a>(&'a self, name: &'a ObjectName, body: Body) -> BoxFuture<'a, Result<u64, Error>> {
        Box::pin(self.put_object(name, body))
    }

    fn open<'a>(&'a self, name: &'a ObjectName) -> BoxFuture<'a, Result<Reader, Error>> {
        Box::pin(self.read(name))
    }

    fn size<'a>(&'a self, name: &'a ObjectName) -> BoxFuture<'a, Result<Option<u64>, Error>> {
        let path = self.place(name);
        Box::pin(async move {
            match blocking::run(move || std::fs::metadata(path)).await? {
                Ok(metadata) => Ok(metadata.is_file().then_some(metadata.len())),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(failed("inspect", name)(error)),
            }
        })
    }

    fn list<'a>(&'a self, folder: &'a ObjectName) -> BoxFuture<'a, Result<Vec<ColdObject>, Error>> {
        let (root, path) = (self.path.clone(), self.place(folder));
        Box::pin(async move {
            let walked = blocking::run(move || {
                let mut found = Vec::new();
                walk(&root, &path, &mut found).map(|()| found)
            });
            let mut found = walked.await?.map_err(failed("list", folder))?;
            found.sort_by(|a, b| a.name.cmp(&b.name));
            Ok(found)
        })
    }

    fn delete<'a>(&'a self, names: &'a [ObjectName]) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            for name in names {
                let (root, path) = (self.path.clone(), self.place(name));
                blocking::run(move || delete(&root, &path)).await?.map_err(failed("delete", name))?;
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cold::promises;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_folder_keeps_every_promise_of_a_cold_place() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = ColdFolder::open(&folder.path().join("cold")).expect("opens");
        promises(&place).await;
        let left = std::fs::read_dir(folder.path().join("cold")).expect("lists").count();
        assert_eq!(left, 0, "no file and no empty folder is left");
    }
}
