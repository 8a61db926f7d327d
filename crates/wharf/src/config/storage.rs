//! `[storage]`: where the blobs lie.

use std::path::PathBuf;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use url::Url;

use super::address;
use super::duration::Span;
use super::size::Size;

/// Keys of `[storage]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Storage {
    /// `file:PATH`, `s3://BUCKET/PREFIX` or `memory:` (for trials: gone when the server ends); without it, a folder in
    /// the data folder.
    pub(crate) url: Option<String>,
    /// Whether other nodes with the same database use the same folder. Without it, the folder is locked for this one.
    pub(crate) shared: bool,
    /// Whether clients are sent to the bucket for a blob's bytes.
    pub(crate) redirect: bool,
    /// Which clients are; without any, all.
    #[serde(deserialize_with = "address::list")]
    pub(crate) redirect_networks: Vec<IpNet>,
    /// For which blobs: those of so many bytes and more.
    pub(crate) redirect_min_size: Size,
    /// How long the URL that they get is good.
    pub(crate) redirect_valid: Span,
    /// The endpoint's URL, where it is not AWS's.
    pub(crate) s3_endpoint: Option<Url>,
    /// The endpoint's URL as clients reach it that are sent there.
    pub(crate) s3_public_endpoint: Option<Url>,
    /// The bucket's region.
    pub(crate) s3_region: Option<String>,
    /// Where the bucket's name stands in URLs.
    pub(crate) s3_style: Style,
    /// How the endpoint encrypts what it stores.
    pub(crate) s3_encryption: Encryption,
    /// The id of the key for `kms`; without it, the key service's default.
    pub(crate) s3_kms_key: Option<String>,
    /// The file with the key for `customer`: 32 bytes in base64.
    pub(crate) s3_customer_key_file: Option<PathBuf>,
    /// The storage class of blobs; without it, the bucket's.
    pub(crate) s3_storage_class: Option<String>,
    /// What lets the endpoint notice bytes that broke on their way.
    pub(crate) s3_checksum: Checksum,
    /// PEM files of certificate authorities that are believed at the endpoint besides the system's.
    pub(crate) s3_authorities: Vec<PathBuf>,
    /// How long connecting to the endpoint may take.
    pub(crate) s3_connect_timeout: Span,
    /// How long the endpoint may be silent.
    pub(crate) s3_idle_timeout: Span,
    /// How often a request is made again that failed for a passing reason.
    pub(crate) s3_retries: usize,
}

/// Where the bucket's name stands in URLs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Style {
    #[default]
    Auto,
    Path,
    Host,
}

/// How the endpoint encrypts what it stores.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Encryption {
    #[default]
    Bucket,
    S3,
    Kms,
    Customer,
}

/// What lets the endpoint notice bytes that broke on their way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Checksum {
    #[default]
    Auto,
    Signature,
    Crc64,
    Sha256,
}

/// Where the bytes go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// A folder.
    Files(PathBuf),
    /// A bucket, and what all names in it begin with.
    Bucket { bucket: String, prefix: String },
    /// This process, and nowhere when it ends.
    Memory,
}

impl Storage {
    /// What `url` says; [`super::check`] has seen that it says something, and [`super::merge`] that it is set.
    pub(crate) fn place(&self) -> Place {
        self.url.as_deref().and_then(Place::parse).expect("checked when the configuration was loaded")
    }
}

impl Place {
    pub(crate) fn parse(url: &str) -> Option<Self> {
        if url == "memory:" {
            return Some(Self::Memory);
        }
        if let Some(rest) = url.strip_prefix("s3://") {
            return Self::bucket(rest);
        }
        let path = url.strip_prefix("file:")?;
        let path = path.strip_prefix("//").unwrap_or(path);
        (!path.is_empty()).then(|| Self::Files(PathBuf::from(path)))
    }

    fn bucket(rest: &str) -> Option<Self> {
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let prefix = prefix.trim_matches('/');
        let is_plain = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
        let is_folder = |name: &str| !["", ".", ".."].contains(&name) && is_plain(name);
        let is_prefix = prefix.is_empty() || prefix.split('/').all(is_folder);
        let fits = bucket.len() >= 3 && is_plain(bucket) && is_prefix;
        fits.then(|| Self::Bucket { bucket: bucket.to_owned(), prefix: prefix.to_owned() })
    }
}

impl Default for Storage {
    fn default() -> Self {
        Self {
            url: None,
            shared: false,
            redirect: false,
            redirect_networks: Vec::new(),
            redirect_min_size: Size(0),
            redirect_valid: Span::seconds(20 * 60),
            s3_endpoint: None,
            s3_public_endpoint: None,
            s3_region: None,
            s3_style: Style::Auto,
            s3_encryption: Encryption::Bucket,
            s3_kms_key: None,
            s3_customer_key_file: None,
            s3_storage_class: None,
            s3_checksum: Checksum::Auto,
            s3_authorities: Vec::new(),
            s3_connect_timeout: Span::seconds(5),
            s3_idle_timeout: Span::seconds(30),
            s3_retries: 5,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_folder_a_bucket_or_memory() {
        let folder = |path: &str| Some(Place::Files(PathBuf::from(path)));
        let bucket =
            |bucket: &str, prefix: &str| Some(Place::Bucket { bucket: bucket.to_owned(), prefix: prefix.to_owned() });
        for (url, place) in [
            ("file:/srv/blobs", folder("/srv/blobs")),
            ("file:///srv/blobs", folder("/srv/blobs")),
            ("file:blobs", folder("blobs")),
            ("memory:", Some(Place::Memory)),
            ("file:", None),
            ("/srv/blobs", None),
            ("s3://bucket", bucket("bucket", "")),
            ("s3://bucket/", bucket("bucket", "")),
            ("s3://bucket/a/b-1/", bucket("bucket", "a/b-1")),
            ("s3://", None),
            ("s3://bucket/../x", None),
            ("s3://bucket/a//b", None),
            ("s3://key:secret@bucket/x", None),
        ] {
            assert_eq!(Place::parse(url), place, "{url}");
        }
    }
}
