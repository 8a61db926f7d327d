//! The kinds of work: what each needs on a server, and one round of it.

mod lists;
mod pipe;
mod push;
mod read;
mod start;

pub(crate) use push::repository;
pub(crate) use read::manifest_by_tag;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;

use crate::content::{Image, LargeBlobs};
use crate::figure::{Quantity, Sample};
use crate::load::{Load, Outcome};
use crate::server::{Program, Server};

/// A server with what belongs to it.
#[derive(Debug)]
pub(crate) struct Side {
    pub(crate) program: Program,
    pub(crate) server: Server,
    pub(crate) folder: PathBuf,
}

/// What a manifest is asked for by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    Tag,
    Digest,
}

/// A kind of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    PullBlob { kibibytes: u64 },
    PullImage,
    Manifest { by: By, is_head: bool },
    PushSmall,
    PutTag,
    Mount,
    PushLarge { mebibytes: u64 },
    WalkTags,
    TagsPage { of: usize },
    RepositoriesPage,
    ManyPulls,
    Start,
}

/// What a server has been given for a kind of work.
#[derive(Debug)]
pub(crate) enum Prepared {
    Nothing,
    /// Requests that are one operation together.
    Requests(Vec<Vec<u8>>),
    /// An image to be tagged, or whose blobs can be mounted.
    Image(Box<Image>),
    /// Blobs to be pushed.
    Large(LargeBlobs),
}

impl Work {
    /// Brings onto a server what the rounds need.
    pub(crate) async fn prepare(self, side: &Side) -> Result<Prepared> {
        let requests = match self {
            Self::PullBlob { kibibytes } => read::blob(side, kibibytes).await?,
            Self::PullImage => read::image(side).await?,
            Self::Manifest { by, is_head } => read::manifest(side, by, is_head).await?,
            Self::TagsPage { of } => lists::tags(side, of).await?,
            Self::WalkTags => lists::tags(side, crate::row::TAGS).await?,
            Self::RepositoriesPage => lists::repositories(side).await?,
            Self::PutTag | Self::Mount => return push::image(side).await.map(|image| Prepared::Image(Box::new(image))),
            Self::PushLarge { mebibytes } => return Ok(Prepared::Large(LargeBlobs::of(mebibytes))),
            Self::PushSmall | Self::ManyPulls | Self::Start => return Ok(Prepared::Nothing),
        };
        Ok(Prepared::Requests(requests))
    }

    /// One round on one server.
    pub(crate) async fn round(
        self,
        side: &Side,
        prepared: &Prepared,
        (clients, time): (usize, Duration),
    ) -> Result<Vec<Sample>> {
        let load = Load { connections: clients, time, is_warmed_up: true };
        match (self, prepared) {
            (Self::WalkTags, _) => lists::walk(side, load).await,
            (Self::ManyPulls, _) => read::many(side, clients).await,
            (Self::Start, _) => start::twice(side).await,
            (Self::PutTag, Prepared::Image(image)) => push::tags(side, load, image).await,
            (Self::Mount, Prepared::Image(image)) => push::mounts(side, load, image).await,
            (_, Prepared::Requests(requests)) => {
                let is_head = matches!(self, Self::Manifest { is_head: true, .. });
                read::repeat(side, load, requests, is_head).await
            }
            (_, Prepared::Large(blobs)) => push::large(side, load, blobs).await,
            (_, Prepared::Image(_) | Prepared::Nothing) => push::blobs(side, load).await,
        }
    }

    /// How often it is measured when others are `rounds` times. What takes minutes is measured less often.
    pub(crate) fn rounds(self, rounds: usize, clients: usize) -> usize {
        let takes_minutes = self == Self::PushLarge { mebibytes: 100 } && clients > 16;
        if takes_minutes { rounds.div_ceil(3) } else { rounds }
    }
}

/// One round of a floor that is no server.
pub(crate) use pipe::round as pipe_round;

/// The samples of a load on a server, whose highest mark of memory began with it.
fn samples(server: &Server, outcome: &Outcome) -> Result<Vec<Sample>> {
    Ok(vec![
        Sample::new(Quantity::Rate, outcome.rate()),
        Sample::new(Quantity::Cpu, outcome.server_micros()),
        Sample::new(Quantity::Peak, server.memory()?.peak_mebibytes()),
        Sample::new(Quantity::Generator, outcome.client_share()),
    ])
}
