//! Appending: one pass over the bytes, hashed on one thread while another writes them.

use std::fs::File;
use std::io::IoSlice;
use std::sync::Arc;

use futures_util::future::{Either, select};
use futures_util::{StreamExt, join};

use super::batch::{Batch, Gather};
use super::behind::Behind;
use super::lane::{Lane, Work};
use super::layout::Folder;
use super::{Durability, Files};
use crate::blocking;
use crate::body::Body;
use crate::error::Error;
use crate::fence::Claim;
use crate::key::UploadKey;
use crate::state::{Hasher, UploadState};
use crate::store::Appended;

/// How much is written at once. For larger writes recent kernels take larger folios of memory, and those are often fresh
/// ones, which a virtual machine has to ask its host for: measured on ext4, writes of 128 KiB and more went at 0.4 to 5 GB
/// for each second of processor time, from moment to moment; those of 64 KiB always at 3 to 4.
const WRITE_BYTES: usize = 64 * 1024;

impl Files {
    pub(super) async fn add(&self, upload: UploadKey, state: UploadState, body: Body) -> Appended {
        match self.try_add(upload, &state, body).await {
            Ok(appended) => appended,
            Err(error) => Appended { state, end: Err(error) },
        }
    }

    /// Fails where nothing of the body was kept.
    async fn try_add(&self, upload: UploadKey, state: &UploadState, body: Body) -> Result<Appended, Error> {
        let offset = state.offset;
        let claim = Arc::new(self.claim(upload, state).await?);
        let held = Arc::clone(&claim);
        let resume = self.blocking(move |layout| {
            // The claim is held here too: were this future dropped, a truncation that comes late would hit the bytes of
            // the next writer.
            layout.resume_upload(&held, offset)
        });
        let file = Arc::new(resume.await?.file);
        let mut lanes = Lanes {
            hash: Lane::new(Hash { hasher: state.hasher.clone() }),
            write: Lane::new(Write { file: Arc::clone(&file), claim: Arc::clone(&claim), offset }),
            behind: Behind::new(upload, Arc::clone(&file), &self.syncs_behind),
        };
        let end = receive(&claim, body, &mut lanes).await;
        if let Err(Error::Superseded { .. }) = end {
            return Err(Error::Superseded { upload });
        }
        let Lanes { hash, write, behind } = lanes;
        let (hash, written) = join!(hash.end(), self.settle(offset, write, behind));
        match (hash, written) {
            (Ok(hash), Ok(offset)) => {
                let (writer, place) = (claim.writers.last, state.place.clone());
                Ok(Appended { state: UploadState { offset, writer, hasher: hash.hasher, place }, end })
            }
            (Err(error), _) | (_, Err(error)) => {
                give_back(claim, file, offset).await;
                Err(error)
            }
        }
    }

    /// Waits until all is written and durable; returns the new end.
    async fn settle(&self, begin: u64, write: Lane<Write>, behind: Behind) -> Result<u64, Error> {
        let Write { file, claim, offset } = write.end().await?;
        let upload = claim.upload;
        if offset == begin || self.durability == Durability::None {
            return Ok(offset);
        }
        behind.end().await?;
        let synced = blocking::run(move || {
            let synced = file.sync_data();
            drop(claim);
            synced
        });
        // The first bytes also need the name that they lie under.
        let named = async { if begin == 0 { self.folders.sync(Folder::Uploads).await } else { Ok(()) } };
        let (synced, named) = join!(synced, named);
        synced?.map_err(|source| Error::Upload { action: "sync", upload, source })?;
        named.map(|()| offset)
    }
}

/// Where an append's batches go.
struct Lanes {
    hash: Lane<Hash>,
    write: Lane<Write>,
    behind: Behind,
}

impl Lanes {
    /// Hands on what has been gathered. Whether it can be of use.
    async fn push(&mut self, gather: &mut Gather) -> bool {
        let Some(batch) = gather.take().map(Arc::new) else { return true };
        self.behind.note(batch.size_bytes).await && self.hash.push(&batch).await && self.write.push(&batch).await
    }
}

/// Feeds both lanes until the body ends, breaks, another request takes over, or a lane has failed. What made it fail,
/// the lane tells at its end.
async fn receive(claim: &Claim, mut body: Body, lanes: &mut Lanes) -> Result<(), Error> {
    let mut lost = Box::pin(claim.lost());
    let mut gather = Gather::default();
    let end = loop {
        if gather.is_full() && !lanes.push(&mut gather).await {
            return Err(Error::Stopped);
        }
        match select(&mut lost, body.next()).await {
            Either::Left((error, _)) => return Err(error),
            Either::Right((Some(Ok(piece)), _)) => gather.add(piece),
            Either::Right((Some(Err(source)), _)) => break Err(Error::Body { upload: claim.upload, source }),
            Either::Right((None, _)) => break Ok(()),
        }
    };
    if lanes.push(&mut gather).await { end } else { Err(Error::Stopped) }
}

/// Drops what a failed append has written, so that a full disk is not kept full by what nobody will use.
async fn give_back(claim: Arc<Claim>, file: Arc<File>, offset: u64) {
    let upload = claim.upload;
    let truncated = blocking::run(move || {
        let truncated = file.set_len(offset);
        drop(claim);
        truncated
    });
    if let Ok(Err(error)) = truncated.await {
        tracing::warn!(%upload, %error, "cannot give back the space of a failed upload");
    }
}

/// The lane that hashes.
struct Hash {
    hasher: Hasher,
}

impl Work for Hash {
    fn take(&mut self, batch: &Batch) -> Result<(), Error> {
        batch.pieces.iter().for_each(|piece| self.hasher.update(piece));
        Ok(())
    }
}

/// The lane that writes.
struct Write {
    file: Arc<File>,
    claim: Arc<Claim>,
    offset: u64,
}

impl Work for Write {
    fn take(&mut self, batch: &Batch) -> Result<(), Error> {
        let upload = self.claim.upload;
        if self.claim.is_lost() {
            return Err(Error::Superseded { upload });
        }
        let mut write = Vec::new();
        let mut size_bytes = 0;
        for part in batch.pieces.iter().flat_map(|piece| piece.chunks(WRITE_BYTES)) {
            if size_bytes + part.len() > WRITE_BYTES {
                self.write(&mut std::mem::take(&mut write))?;
                size_bytes = 0;
            }
            size_bytes += part.len();
            write.push(IoSlice::new(part));
        }
        self.write(&mut write)
    }
}

impl Write {
    fn write(&mut self, slices: &mut [IoSlice<'_>]) -> Result<(), Error> {
        let upload = self.claim.upload;
        let written = write_all(&self.file, slices, &mut self.offset);
        written.map_err(|errno| Error::Upload { action: "write", upload, source: errno.into() })
    }
}

fn write_all(file: &File, mut slices: &mut [IoSlice<'_>], offset: &mut u64) -> Result<(), rustix::io::Errno> {
    while !slices.is_empty() {
        let written = match rustix::io::pwritev(file, slices, *offset) {
            Ok(0) => return Err(rustix::io::Errno::IO),
            Ok(written) => written,
            Err(rustix::io::Errno::INTR) => continue,
            Err(errno) => return Err(errno),
        };
        *offset += written as u64;
        IoSlice::advance_slices(&mut slices, written);
    }
    Ok(())
}
