//! What is measured: a list of measures, each with the work that it repeats.
//!
//! A measure prepares what it needs on both servers, then gives samples, one round on one server at a time.

mod push;
mod read;
mod start;

pub(crate) use push::{SMALL_BYTES, SMALL_LAYERS, mebibytes_of, repository};

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;

use crate::figure::{Sample, Unit};
use crate::load::{Load, Outcome};
use crate::server::{Program, Server};

/// A server with what belongs to it.
#[derive(Debug)]
pub(crate) struct Side {
    pub(crate) program: Program,
    pub(crate) server: Server,
    /// For servers of a measure's own.
    pub(crate) folder: PathBuf,
}

/// A piece of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Measure {
    ManifestByTag,
    ManifestByDigest,
    HeadBlob,
    GetBlob { mebibytes: u64 },
    PushLarge { mebibytes: u64 },
    PushBlob,
    PushImage,
    TagsPage,
    TagsAll,
    Start,
}

/// A measure on so many connections.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Case {
    pub(crate) measure: Measure,
    pub(crate) connections: usize,
}

/// What a measure needs in its rounds: the request that it repeats.
#[derive(Debug, Default)]
pub(crate) struct Prepared {
    request: Vec<u8>,
}

const fn case(measure: Measure, connections: usize) -> Case {
    Case { measure, connections }
}

/// All of them, in the order of the report.
pub(crate) const CASES: [Case; 19] = [
    case(Measure::ManifestByTag, 1),
    case(Measure::ManifestByTag, 32),
    case(Measure::ManifestByDigest, 1),
    case(Measure::ManifestByDigest, 32),
    case(Measure::HeadBlob, 1),
    case(Measure::HeadBlob, 32),
    case(Measure::GetBlob { mebibytes: 1024 }, 1),
    case(Measure::GetBlob { mebibytes: 1024 }, 4),
    case(Measure::GetBlob { mebibytes: 64 }, 1),
    case(Measure::GetBlob { mebibytes: 64 }, 4),
    case(Measure::PushLarge { mebibytes: 1024 }, 1),
    case(Measure::PushBlob, 1),
    case(Measure::PushBlob, 32),
    case(Measure::PushImage, 1),
    case(Measure::PushImage, 32),
    case(Measure::TagsPage, 1),
    case(Measure::TagsPage, 32),
    case(Measure::TagsAll, 1),
    case(Measure::Start, 1),
];

impl Case {
    /// Its name in the report, and what `--only` looks at.
    pub(crate) fn name(self) -> String {
        let what = match self.measure {
            Measure::ManifestByTag => "manifest GET by tag",
            Measure::ManifestByDigest => "manifest GET by digest",
            Measure::HeadBlob => "blob HEAD",
            Measure::GetBlob { mebibytes: 1024 } => "blob GET, 1 GiB from the page cache",
            Measure::GetBlob { .. } => "blob GET, 64 MiB from the page cache",
            Measure::PushLarge { .. } => "push of one blob of 1 GiB",
            Measure::PushBlob => "push of a blob of 4 KiB (POST, PUT)",
            Measure::PushImage => "push of a small image (3 × HEAD, POST, PATCH, PUT; manifest)",
            Measure::TagsPage => "tags list, 100 of 10,000 (`n=100`)",
            Measure::TagsAll => "tags list, all 10,000, page by page",
            Measure::Start => return "start on an empty folder, and again".to_owned(),
        };
        match self.connections {
            1 => format!("{what}, 1 connection"),
            several => format!("{what}, {several} connections"),
        }
    }

    /// Brings onto a server what the rounds need.
    pub(crate) async fn prepare(self, side: &Side) -> Result<Prepared> {
        let request = match self.measure {
            Measure::ManifestByTag => read::image(side, read::By::Tag).await?,
            Measure::ManifestByDigest => read::image(side, read::By::Digest).await?,
            Measure::HeadBlob => read::image(side, read::By::Blob).await?,
            Measure::GetBlob { mebibytes } => read::blob(side, mebibytes).await?,
            Measure::TagsPage => read::tags(side, "?n=100").await?,
            Measure::TagsAll => read::tags(side, "").await?,
            Measure::PushLarge { .. } | Measure::PushBlob | Measure::PushImage | Measure::Start => Vec::new(),
        };
        Ok(Prepared { request })
    }

    /// One round on one server.
    pub(crate) async fn round(self, side: &Side, prepared: &Prepared, time: Duration) -> Result<Vec<Sample>> {
        let load = Load { connections: self.connections, time, at_most: 2_000_000 };
        match self.measure {
            Measure::ManifestByTag | Measure::ManifestByDigest | Measure::TagsPage => {
                read::repeat(side, load, &prepared.request).await
            }
            Measure::HeadBlob => read::heads(side, load, &prepared.request).await,
            Measure::GetBlob { mebibytes } => read::stream(side, load, (&prepared.request, mebibytes)).await,
            Measure::TagsAll => read::all_tags(side, load).await,
            Measure::PushLarge { mebibytes } => push::large(side, mebibytes).await,
            Measure::PushBlob => push::blobs(side, load).await,
            Measure::PushImage => push::images(side, load).await,
            Measure::Start => start::twice(side).await,
        }
    }
}

/// Pushes an image and gives the request that asks for its manifest.
pub(crate) async fn manifest_by_tag(side: &Side) -> Result<Vec<u8>> {
    read::image(side, read::By::Tag).await
}

/// The samples of a load of small operations.
fn samples(rate: &'static str, outcome: &Outcome) -> Vec<Sample> {
    vec![
        Sample::new(rate, Unit::PerSecond, outcome.rate()),
        Sample::new("half are answered within", Unit::Milliseconds, outcome.percentile(50)),
        Sample::new("99 % are answered within", Unit::Milliseconds, outcome.percentile(99)),
        Sample::new("server's CPU for each", Unit::CpuMicroseconds, outcome.server_micros()),
        Sample::new("load generator's share of a core", Unit::Share, outcome.client_share()),
    ]
}
