//! Digests of files that were read before.
//!
//! A file that has the same place, size and times of change as when it was read has the same content: the time of its
//! inode's change (`ctime`) nobody can set. What changed within the last moments before is read again, because two
//! changes within one tick of the clock look alike.

use std::collections::HashMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::fs::{FileType, Statx};
use wharf_images::Root;
use wharf_oci::Digest;

use super::Found;
use crate::error::Error;

/// How long before it was read a file must have been left alone, in seconds.
const SETTLED: i64 = 2;
const MAX_THREADS: usize = 8;
/// A file of more lines than this is begun anew.
const MAX_LINES: usize = 2_000_000;

type Key = (u32, u32, u64, u64, (i64, u32), (i64, u32));

/// What was read before, of one context.
#[derive(Debug, Default)]
pub(crate) struct Memo {
    path: Option<PathBuf>,
    known: Mutex<HashMap<Key, Digest>>,
    fresh: Mutex<Vec<(Key, Digest)>>,
    /// Seconds since 1970, when the build began.
    now: i64,
}

impl Memo {
    /// What the file at `path` remembers; a file that is broken remembers nothing.
    pub(crate) fn open(path: &Path, now: i64) -> Self {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let known = text.lines().take(MAX_LINES).filter_map(parse).collect();
        Self { path: Some(path.to_owned()), known: Mutex::new(known), fresh: Mutex::default(), now }
    }

    /// Writes down what was read anew.
    pub(crate) fn save(&self) {
        let fresh = std::mem::take(&mut *lock(&self.fresh));
        let Some(path) = self.path.as_ref().filter(|_| !fresh.is_empty()) else { return };
        let mut known = std::mem::take(&mut *lock(&self.known));
        if known.len() > MAX_LINES / 2 {
            known.clear();
        }
        known.extend(fresh);
        let write = || -> std::io::Result<()> {
            let scratch = path.with_extension(format!("{}", std::process::id()));
            let mut file = std::io::BufWriter::new(std::fs::File::create(&scratch)?);
            for (key, digest) in &known {
                let (major, minor, inode, size, (mtime, mtime_nanos), (ctime, ctime_nanos)) = key;
                writeln!(file, "{major} {minor} {inode} {size} {mtime} {mtime_nanos} {ctime} {ctime_nanos} {digest}")?;
            }
            file.into_inner().map_err(std::io::IntoInnerError::into_error)?;
            std::fs::rename(&scratch, path)
        };
        if let Err(error) = write() {
            tracing::warn!(path = %path.display(), %error, "the next build reads the whole context again");
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn parse(line: &str) -> Option<(Key, Digest)> {
    let mut words = line.split(' ');
    let mut next = || words.next();
    let key = (
        next()?.parse().ok()?,
        next()?.parse().ok()?,
        next()?.parse().ok()?,
        next()?.parse().ok()?,
        (next()?.parse().ok()?, next()?.parse().ok()?),
        (next()?.parse().ok()?, next()?.parse().ok()?),
    );
    Some((key, next()?.parse().ok()?))
}

fn key(stat: &Statx) -> Key {
    let (mtime, ctime) = (stat.stx_mtime, stat.stx_ctime);
    (
        stat.stx_dev_major,
        stat.stx_dev_minor,
        stat.stx_ino,
        stat.stx_size,
        (mtime.tv_sec, mtime.tv_nsec),
        (ctime.tv_sec, ctime.tv_nsec),
    )
}

/// The digest of each file's content; none for what has no content. What is not remembered is read, by several threads.
pub(crate) fn contents(tree: &Root, files: &[&Found], memo: &Memo) -> Result<Vec<Option<Digest>>, Error> {
    let mut digests: Vec<Option<Digest>> = {
        let known = lock(&memo.known);
        files.iter().map(|found| known.get(&key(&found.stat)).copied().filter(|_| is_file(found))).collect()
    };
    let left: Vec<usize> = (0..files.len()).filter(|at| is_file(files[*at]) && digests[*at].is_none()).collect();
    let next = AtomicUsize::new(0);
    let read = Mutex::new(Vec::with_capacity(left.len()));
    let work = || -> Result<(), Error> {
        while let Some(at) = left.get(next.fetch_add(1, Ordering::Relaxed)) {
            let found = files[*at];
            let shown = || String::from_utf8_lossy(&found.path).into_owned();
            let digest = super::content(tree, &found.path).map_err(|source| Error::file("read", shown(), source))?;
            lock(&read).push((*at, digest));
        }
        Ok(())
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(MAX_THREADS).min(left.len());
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        threads.into_iter().try_for_each(|thread| thread.join().map_err(|_| Error::Stopped)?)
    })?;
    let mut fresh = lock(&memo.fresh);
    for (at, digest) in std::mem::take(&mut *lock(&read)) {
        digests[at] = Some(digest);
        if files[at].stat.stx_ctime.tv_sec < memo.now - SETTLED {
            fresh.push((key(&files[at].stat), digest));
        }
    }
    Ok(digests)
}

fn is_file(found: &Found) -> bool {
    found.kind() == FileType::RegularFile
}
