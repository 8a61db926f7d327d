//! `wharf build cache` and `wharf build prune`: what builds left.

use clap::{Args, Subcommand};
use indicatif::HumanBytes;
use serde_json::json;
use wharf_images::collect::{Amount, Keep};

use super::Error;
use crate::command::client::output::{Column, Output};
use crate::command::registries;
use crate::command::serve::environment;
use crate::config::duration::Span;
use crate::config::size::Size;
use crate::node::Node;

const COLUMNS: [Column; 3] = [("MADE", "created_at", ""), ("LAYERS", "layers", ""), ("STEP", "step", "")];

/// `wharf build cache`.
#[derive(Debug, Subcommand)]
pub(crate) enum Cache {
    /// List what is known from builds before, the latest first.
    Ls(List),
}

/// `wharf build cache ls`.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    node: Node,
}

/// `wharf build prune`.
#[derive(Debug, Args)]
pub(crate) struct Prune {
    /// Let go of everything that no name needs, caches of RUN as well.
    #[arg(long, conflicts_with_all = ["keep_bytes", "keep_inodes", "keep_used_within"])]
    all: bool,
    /// Keep unpacked layers of so many bytes, such as `10GiB`.
    #[arg(long, value_name = "SIZE")]
    keep_bytes: Option<Size>,
    /// Keep so many files, folders and links in unpacked layers.
    #[arg(long, value_name = "NUMBER")]
    keep_inodes: Option<u64>,
    /// Keep what was used within this time, such as `7d`.
    #[arg(long, value_name = "TIME")]
    keep_used_within: Option<Span>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    node: Node,
}

impl Cache {
    pub(crate) fn run(self) -> Result<(), Error> {
        let Self::Ls(list) = self;
        registries::run(async { Ok(list.list().await) }).map_err(Error::Registry)?
    }
}

impl List {
    async fn list(self) -> Result<(), Error> {
        let images = self.node.open(&environment()).await.map_err(Error::Images)?;
        let entries = wharf_build::cache::entries(&images).await?;
        let moment = |micros: i64| {
            jiff::Timestamp::from_microsecond(micros).map_or_else(|_| String::new(), |time| format!("{time:.0}"))
        };
        let entries: Vec<_> = entries
            .iter()
            .map(|entry| {
                json!({
                    "step": entry.title,
                    "created_at": moment(entry.created_at),
                    "layers": if entry.is_there { "there" } else { "gone" },
                    "chain": entry.chain.map(|chain| chain.to_string()),
                })
            })
            .collect();
        told(Output::new(self.json).list(&entries, &COLUMNS))
    }
}

impl Prune {
    pub(crate) fn run(self) -> Result<(), Error> {
        registries::run(async { Ok(self.prune().await) }).map_err(Error::Registry)?
    }

    async fn prune(self) -> Result<(), Error> {
        let images = self.node.open(&environment()).await.map_err(Error::Images)?;
        let keep = match self.all {
            true => Keep { bytes: Some(0), ..Keep::default() },
            false => Keep {
                bytes: self.keep_bytes.map(|size| size.0),
                inodes: self.keep_inodes,
                used_within: self.keep_used_within.map(|span| span.0),
            },
        };
        let mut gone = wharf_build::cache::prune(&images, &keep).await?;
        if self.all {
            let caches = wharf_build::cache::remove_mounts(&images).await?;
            gone.bytes += caches.bytes;
            gone.inodes += caches.inodes;
        }
        let left = images.amount().await.map_err(Error::Images)?;
        let document = json!({ "gone": shown(&gone), "left": shown(&left) });
        let sentence = format!(
            "gone: {} layers ({}, {} inodes), {} blobs ({})\nleft: {} layers ({}, {} inodes), {} blobs ({})",
            gone.layers,
            HumanBytes(gone.bytes),
            gone.inodes,
            gone.blobs,
            HumanBytes(gone.blob_bytes),
            left.layers,
            HumanBytes(left.bytes),
            left.inodes,
            left.blobs,
            HumanBytes(left.blob_bytes),
        );
        told(Output::new(self.json).told(&document, &sentence))
    }
}

fn shown(amount: &Amount) -> serde_json::Value {
    json!({
        "layers": amount.layers,
        "bytes": amount.bytes,
        "inodes": amount.inodes,
        "blobs": amount.blobs,
        "blob_bytes": amount.blob_bytes,
    })
}

fn told(told: Result<(), crate::command::client::Error>) -> Result<(), Error> {
    told.map_err(|error| Error::Registry(registries::Error::LogIn(error)))
}
