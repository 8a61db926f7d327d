//! One copy, as several verbs make it: the flags, the copy itself, what is shown of it.

use clap::Args;
use indicatif::HumanBytes;
use serde_json::{Value, json};
use wharf_client::copy::PlatformChoice;
use wharf_client::{Copied, Options, copy};

use super::Session;
use super::endpoint::{Reading, Writing};
use super::error::Error;
use super::place::Place;
use super::progress::Progress;

/// What is copied, and how.
#[derive(Debug, Clone, Args)]
pub(crate) struct Transfer {
    /// Of an image for several platforms, copy only this one: `linux/arm64`, `linux/arm/v7`. All by default.
    #[arg(long, value_name = "PLATFORM")]
    platform: Option<PlatformChoice>,
    /// Copy what refers to the image, too: signatures, attestations, SBOMs.
    #[arg(long)]
    referrers: bool,
    /// How many blobs to copy at once.
    #[arg(long, value_name = "NUMBER", default_value = "4", value_parser = clap::value_parser!(u8).range(1..=64))]
    jobs: u8,
}

impl Transfer {
    /// Copies between two places, and shows what was copied.
    pub(crate) async fn run(self, session: &Session, from: Reading, to: &Place) -> Result<(), Error> {
        let to = Writing::open(session, to, &from)?;
        let options = Options {
            reference: from.reference.clone(),
            tags: to.tags.clone(),
            platform: self.platform.or(to.platform),
            with_referrers: self.referrers,
            jobs: self.jobs.into(),
        };
        let progress = Progress::new(session.is_json());
        let copied = copy(&*from.source, &*to.sink, &options, &|event| progress.show(event)).await;
        drop(progress);
        let copied = copied?;
        let tag = to.tags.first().map(|tag| format!(":{tag}")).unwrap_or_default();
        let destination = format!("{}{tag}", to.sink.describe());
        let document = document(&from.source.describe(), &destination, &copied);
        Ok(session.output.told(&document, &sentence(&destination, &copied))?)
    }
}

fn document(source: &str, destination: &str, copied: &Copied) -> Value {
    json!({
        "source": source,
        "destination": destination,
        "digest": copied.root.digest.to_string(),
        "media_type": copied.root.media_type,
        "size_bytes": copied.root.size,
        "manifests": copied.manifests,
        "blobs": {
            "existed": copied.existed_blobs,
            "mounted": copied.mounted_blobs,
            "copied": copied.copied_blobs,
        },
        "copied_bytes": copied.copied_bytes,
    })
}

fn sentence(destination: &str, copied: &Copied) -> String {
    let mut blobs = vec![format!("{} copied ({})", copied.copied_blobs, HumanBytes(copied.copied_bytes))];
    if copied.mounted_blobs > 0 {
        blobs.push(format!("{} mounted", copied.mounted_blobs));
    }
    if copied.existed_blobs > 0 {
        blobs.push(format!("{} there already", copied.existed_blobs));
    }
    format!("{destination} is {}\nblobs: {}; manifests: {}", copied.root.digest, blobs.join(", "), copied.manifests)
}
