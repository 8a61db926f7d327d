//! The blob store that the configuration names.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use wharf_blob::s3::{self, Report, settings as s3_settings};
use wharf_blob::{Files, Memory, S3, Store};

use crate::config::Config;
use crate::config::aws::Aws;
use crate::config::source::Environment;
use crate::config::storage::{Checksum, Encryption, Place, Storage, Style};

/// Opens it. On S3, what the endpoint can do is tried and told to the log.
pub(crate) async fn open(config: &Config, environment: &Environment) -> anyhow::Result<Arc<dyn Store>> {
    Ok(match config.storage.place() {
        Place::Files(path) => {
            let files = Files::open(path.as_path());
            Arc::new(files.with_context(|| format!("open the blob store `{}`", path.display()))?)
        }
        Place::Bucket { bucket, prefix } => {
            let settings = bucket_settings(&config.storage, environment, (bucket, prefix))?;
            let (store, report) = S3::open(&settings).await.context("open the blob store")?;
            for finding in &report.findings {
                tracing::info!(bucket = settings.bucket, "S3 endpoint: {finding}");
            }
            Arc::new(store)
        }
        Place::Memory => Arc::new(Memory::new()),
    })
}

/// What the endpoint can do; `None` where bytes do not lie in a bucket.
pub(crate) async fn probe(config: &Config, environment: &Environment) -> anyhow::Result<Option<Report>> {
    match config.storage.place() {
        Place::Bucket { bucket, prefix } => {
            let settings = bucket_settings(&config.storage, environment, (bucket, prefix))?;
            Ok(Some(S3::probe(&settings).await.context("try the blob store")?))
        }
        Place::Files(_) | Place::Memory => Ok(None),
    }
}

/// The settings of a bucket: names are its own, all else is as for the bucket of blobs.
pub(super) fn bucket_settings(
    storage: &Storage,
    environment: &Environment,
    (bucket, prefix): (String, String),
) -> anyhow::Result<s3::Settings> {
    let aws = Aws::find(environment)?;
    let plain = |url: &url::Url| url.as_str().trim_end_matches('/').to_owned();
    let defaults = s3::Settings::new(bucket, aws.credentials);
    Ok(s3::Settings {
        prefix,
        endpoint: storage.s3_endpoint.as_ref().map(plain).or(aws.endpoint),
        public_endpoint: storage.s3_public_endpoint.as_ref().map(plain),
        region: storage.s3_region.clone().or(aws.region).unwrap_or(defaults.region),
        style: match storage.s3_style {
            Style::Auto => s3_settings::Style::Auto,
            Style::Path => s3_settings::Style::Path,
            Style::Host => s3_settings::Style::Host,
        },
        encryption: encryption(storage)?,
        storage_class: storage.s3_storage_class.clone(),
        checksum: match storage.s3_checksum {
            Checksum::Auto => s3_settings::Checksum::Auto,
            Checksum::Signature => s3_settings::Checksum::Signature,
            Checksum::Crc64 => s3_settings::Checksum::Crc64,
            Checksum::Sha256 => s3_settings::Checksum::Sha256,
        },
        authorities: storage.s3_authorities.clone(),
        connect_timeout: storage.s3_connect_timeout.0,
        idle_timeout: storage.s3_idle_timeout.0,
        retries: storage.s3_retries,
        ..defaults
    })
}

fn encryption(storage: &Storage) -> anyhow::Result<s3_settings::Encryption> {
    let read = |path: &Path| {
        let text = std::fs::read_to_string(path);
        text.with_context(|| format!("read the key in `{}`", path.display())).map(|text| text.trim().to_owned())
    };
    Ok(match (storage.s3_encryption, &storage.s3_customer_key_file) {
        (Encryption::Bucket, _) | (Encryption::Customer, None) => s3_settings::Encryption::Bucket,
        (Encryption::S3, _) => s3_settings::Encryption::Endpoint,
        (Encryption::Kms, _) => s3_settings::Encryption::Kms { key: storage.s3_kms_key.clone() },
        (Encryption::Customer, Some(path)) => s3_settings::Encryption::Ours { key: read(path)? },
    })
}
