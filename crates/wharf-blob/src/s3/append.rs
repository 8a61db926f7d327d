//! Appending: bytes become parts while they come in, hashed on one thread while others send.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::future::{Either, select};
use tokio::task::JoinHandle;

use super::sending::Sending;
use super::{S3, place_of};
use crate::blocking;
use crate::body::Body;
use crate::error::Error;
use crate::fence::Claim;
use crate::key::UploadKey;
use crate::state::{Hasher, UploadState};
use crate::store::Appended;

/// So much is hashed at a time: small enough to stay in the processor's cache.
const HASHED_BYTES: usize = 1 << 20;

impl S3 {
    pub(super) async fn add(&self, upload: UploadKey, state: UploadState, body: Body) -> Appended {
        match self.try_add(upload, &state, body).await {
            Ok(appended) => appended,
            Err(error) => Appended { state, end: Err(error) },
        }
    }

    /// Fails where nothing of the body was kept.
    async fn try_add(&self, upload: UploadKey, state: &UploadState, body: Body) -> Result<Appended, Error> {
        let before = place_of(upload, state)?;
        if before.is_whole {
            return Err(Error::UploadLost { upload, expected_bytes: state.offset, found_bytes: 0 });
        }
        let claim = Arc::new(self.claim(upload, state).await?);
        let writer = claim.writers.last;
        let mut sending = Sending::new(Arc::clone(&self.bucket), self.layout.clone(), Arc::clone(&claim), before);
        let mut hashing = Hashing::new(state.hasher.clone());
        let received = receive(&claim, body, &mut sending, &mut hashing).await;
        let end = match received {
            Ok(end) => end,
            Err(error) => {
                sending.give_back().await;
                return Err(error);
            }
        };
        let offset = state.offset + hashing.arrived_bytes;
        let (hasher, place) = (hashing.end().await?, sending.place().to_bytes());
        Ok(Appended { state: UploadState { offset, writer, hasher, place }, end })
    }
}

/// Sends what comes until the body ends or breaks, and then what is left. Fails when nothing of it counts.
async fn receive(
    claim: &Claim,
    mut body: Body,
    sending: &mut Sending,
    hashing: &mut Hashing,
) -> Result<Result<(), Error>, Error> {
    let mut lost = Box::pin(claim.lost());
    let end = loop {
        match select(&mut lost, body.next()).await {
            Either::Left((error, _)) => return Err(error),
            Either::Right((Some(Ok(piece)), _)) => {
                hashing.push(piece.clone()).await?;
                sending.push(piece).await?;
            }
            Either::Right((Some(Err(source)), _)) => break Err(Error::Body { upload: claim.upload, source }),
            Either::Right((None, _)) => break Ok(()),
        }
    };
    sending.settle().await?;
    if claim.is_lost() { Err(Error::Superseded { upload: claim.upload }) } else { Ok(end) }
}

/// The hash of what comes in, on a thread that is only held while there is something to hash.
struct Hashing {
    running: JoinHandle<Hasher>,
    waiting: Vec<Bytes>,
    waiting_bytes: usize,
    arrived_bytes: u64,
}

impl Hashing {
    fn new(hasher: Hasher) -> Self {
        let running = tokio::spawn(async move { hasher });
        Self { running, waiting: Vec::new(), waiting_bytes: 0, arrived_bytes: 0 }
    }

    async fn push(&mut self, piece: Bytes) -> Result<(), Error> {
        self.arrived_bytes += piece.len() as u64;
        self.waiting_bytes += piece.len();
        self.waiting.push(piece);
        if self.waiting_bytes < HASHED_BYTES { Ok(()) } else { self.hash().await }
    }

    async fn hash(&mut self) -> Result<(), Error> {
        let mut hasher = blocking::outcome((&mut self.running).await)?;
        let pieces = std::mem::take(&mut self.waiting);
        self.waiting_bytes = 0;
        self.running = tokio::task::spawn_blocking(move || {
            pieces.iter().for_each(|piece| hasher.update(piece));
            hasher
        });
        Ok(())
    }

    async fn end(mut self) -> Result<Hasher, Error> {
        self.hash().await?;
        blocking::outcome(self.running.await)
    }
}
