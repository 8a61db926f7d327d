//! Image configs: what lineage, gates and search want to know of one, read strictly. Pure.
//!
//! Nothing in it is proof of anything: its author wrote it. Its DiffIDs are compared with the layers' bytes.
//! Spec: image-spec, config.md; Docker's configs have the same members.

use std::collections::BTreeMap;

use serde::Deserialize;
use wharf_context::Timestamp;
use wharf_oci::{Digest, json};

/// The largest config that is read, in bytes.
pub(crate) const MAX_CONFIG_BYTES: u64 = 8 * 1024 * 1024;
/// How many bytes of labels are kept of an image.
const MAX_LABEL_BYTES: usize = 64 * 1024;

/// Media types of configs that make a manifest an image.
const MEDIA_TYPES: [&str; 2] =
    ["application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json"];

/// What a config says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ImageConfig {
    /// `os/architecture[/variant]`.
    pub(crate) platform: String,
    /// When the image was made, as its author says.
    pub(crate) made_at: Option<Timestamp>,
    /// The user that processes run as; empty for root.
    pub(crate) run_as: String,
    /// Its labels, as many as are kept.
    pub(crate) labels: BTreeMap<String, String>,
    /// Paths of data folders.
    pub(crate) volumes: Vec<String>,
    /// Variables: `NAME=value`.
    pub(crate) environment: Vec<String>,
    /// The DiffIDs that it claims; `None` where one of them is no digest.
    pub(crate) diff_ids: Option<Vec<Digest>>,
}

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    architecture: Option<String>,
    #[serde(default)]
    os: Option<String>,
    #[serde(default)]
    variant: Option<String>,
    #[serde(default)]
    created: Option<String>,
    #[serde(default)]
    config: Option<Runtime>,
    #[serde(default)]
    rootfs: Option<Rootfs>,
}

#[derive(Default, Deserialize)]
struct Runtime {
    #[serde(default, rename = "User")]
    user: Option<String>,
    #[serde(default, rename = "Env")]
    env: Option<Vec<String>>,
    #[serde(default, rename = "Labels")]
    labels: Option<BTreeMap<String, Option<String>>>,
    #[serde(default, rename = "Volumes")]
    volumes: Option<BTreeMap<String, serde_json::Value>>,
}

#[derive(Deserialize)]
struct Rootfs {
    #[serde(default)]
    diff_ids: Option<Vec<String>>,
}

/// Whether a config of this media type makes a manifest an image.
pub(crate) fn is_of_image(media_type: &str) -> bool {
    MEDIA_TYPES.contains(&media_type)
}

impl ImageConfig {
    /// Reads a config; the sentence says why it is none.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let text = json::check(bytes).map_err(|error| error.to_string())?;
        // Serde reads a list as an object without members' names.
        if !text.trim_start().starts_with('{') {
            return Err("it is no object".to_owned());
        }
        let document: Document = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let runtime = document.config.unwrap_or_default();
        let claimed = document.rootfs.and_then(|rootfs| rootfs.diff_ids).unwrap_or_default();
        let diff_ids: Result<Vec<Digest>, _> = claimed.iter().map(|claim| claim.parse()).collect();
        Ok(Self {
            platform: platform([document.os, document.architecture, document.variant]),
            made_at: document.created.as_deref().and_then(moment),
            run_as: without_nul(runtime.user.unwrap_or_default()),
            labels: kept(runtime.labels.unwrap_or_default()),
            volumes: runtime.volumes.unwrap_or_default().into_keys().collect(),
            environment: runtime.env.unwrap_or_default(),
            diff_ids: diff_ids.ok(),
        })
    }
}

fn platform(parts: [Option<String>; 3]) -> String {
    let parts = parts.into_iter().flatten().filter(|part| !part.is_empty());
    let parts: Vec<String> =
        parts.map(|part| part.chars().take(64).filter(|letter| *letter != '\0').collect()).collect();
    parts.join("/")
}

fn moment(text: &str) -> Option<Timestamp> {
    let moment: jiff::Timestamp = text.parse().ok()?;
    Some(Timestamp(moment.as_microsecond()))
}

/// Neither database stores a NUL in text.
fn without_nul(text: String) -> String {
    if text.contains('\0') { text.replace('\0', "") } else { text }
}

/// Labels in the order of their names, until there are too many.
fn kept(labels: BTreeMap<String, Option<String>>) -> BTreeMap<String, String> {
    let mut bytes = 0;
    let fits = |(name, value): &(String, String)| {
        bytes += name.len() + value.len();
        bytes <= MAX_LABEL_BYTES
    };
    let named = labels.into_iter().map(|(name, value)| (without_nul(name), without_nul(value.unwrap_or_default())));
    named.take_while(fits).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_config_is_read_as_clients_write_it() {
        let diff_id = format!("sha256:{}", "a".repeat(64));
        let text = format!(
            r#"{{"architecture":"arm64","os":"linux","variant":"v8","created":"2026-11-20T10:00:00Z",
                "config":{{"User":"1000:1000","Env":["LANG=C.UTF-8"],"Labels":{{"team":"pay","empty":null}},"Volumes":{{"/data":{{}}}}}},
                "rootfs":{{"type":"layers","diff_ids":["{diff_id}"]}},"history":[]}}"#
        );
        let config = ImageConfig::parse(text.as_bytes()).expect("a config");
        assert_eq!((config.platform.as_str(), config.run_as.as_str()), ("linux/arm64/v8", "1000:1000"));
        assert_eq!(config.made_at, Some(Timestamp(1_795_168_800_000_000)));
        assert_eq!(config.labels["team"], "pay");
        assert_eq!((config.labels["empty"].as_str(), &config.volumes[..]), ("", &["/data".to_owned()][..]));
        assert_eq!(config.diff_ids.map(|claimed| claimed.len()), Some(1));
    }

    #[test]
    fn a_config_that_says_little_is_one_and_what_is_none_is_refused() {
        let config = ImageConfig::parse(br#"{"config":null,"rootfs":{"diff_ids":["md5:1"]}}"#).expect("a config");
        assert_eq!((config.platform.as_str(), config.diff_ids, config.made_at), ("", None, None));
        for bad in [&b"[]"[..], b"", b"\xff", br#"{"os":1}"#, br#"{"os":"a","os":"b"}"#, br#"{"config":{"Env":{}}}"#] {
            assert!(ImageConfig::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn labels_beyond_all_measure_are_cut_and_nuls_go() {
        let large = "x".repeat(MAX_LABEL_BYTES);
        let text = format!(r#"{{"config":{{"User":"a\u0000b","Labels":{{"a":"1","b":"{large}"}}}}}}"#);
        let config = ImageConfig::parse(text.as_bytes()).expect("a config");
        assert_eq!((config.run_as.as_str(), config.labels.len()), ("ab", 1));
    }
}
