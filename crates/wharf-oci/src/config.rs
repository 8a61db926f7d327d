//! The config of an image: what a container of it runs, which layers it has, and how they came about.
//!
//! Written member for member as Docker and BuildKit write it, so that equal images have equal configs; what is not
//! said is left out. Members that nobody knows are not kept.
//! Spec: image-spec, config.md; moby, image/spec/spec.md, for `ArgsEscaped`, `Healthcheck`, `OnBuild` and `Shell`.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

use crate::digest::Digest;

/// An image's config.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageConfig {
    /// Which processors it runs on, as Go calls them.
    #[serde(default)]
    pub architecture: String,
    /// Who made it.
    #[serde(default, skip_serializing_if = "String::is_empty", deserialize_with = "or_default")]
    pub author: String,
    /// What a container of it runs.
    #[serde(default, deserialize_with = "or_default")]
    pub config: ContainerConfig,
    /// When it was made, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// How it came about, a line per instruction.
    #[serde(default, deserialize_with = "or_default")]
    pub history: Vec<History>,
    /// Which system it runs on.
    #[serde(default)]
    pub os: String,
    /// Which version of the system.
    #[serde(default, rename = "os.version", skip_serializing_if = "String::is_empty", deserialize_with = "or_default")]
    pub os_version: String,
    /// What of it.
    #[serde(default, deserialize_with = "or_default")]
    pub rootfs: RootFs,
    /// Which of these processors.
    #[serde(default, skip_serializing_if = "String::is_empty", deserialize_with = "or_default")]
    pub variant: String,
}

/// What a container of an image runs, unless somebody says otherwise.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ContainerConfig {
    /// Who runs it: `user[:group]`.
    #[serde(default, skip_serializing_if = "String::is_empty", deserialize_with = "or_default")]
    pub user: String,
    /// Ports that it listens on: `80/tcp`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "or_default")]
    pub exposed_ports: BTreeMap<String, Nothing>,
    /// Its environment: `NAME=value`.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "or_default")]
    pub env: Vec<String>,
    /// What runs.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "or_default")]
    pub entrypoint: Vec<String>,
    /// Its arguments, or what runs where there is no entry point.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "or_default")]
    pub cmd: Vec<String>,
    /// Folders whose content outlives a container.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "or_default")]
    pub volumes: BTreeMap<String, Nothing>,
    /// Where it runs.
    #[serde(default, skip_serializing_if = "String::is_empty", deserialize_with = "or_default")]
    pub working_dir: String,
    /// Labels.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "or_default")]
    pub labels: BTreeMap<String, String>,
    /// The signal that ends it.
    #[serde(default, skip_serializing_if = "String::is_empty", deserialize_with = "or_default")]
    pub stop_signal: String,
    /// Whether the command was written as one text; only Windows looks at it.
    #[serde(default, skip_serializing_if = "is_false", deserialize_with = "or_default")]
    pub args_escaped: bool,
    /// How to find out whether it is well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub healthcheck: Option<Healthcheck>,
    /// Instructions for images that are built on it.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "or_default")]
    pub on_build: Vec<String>,
    /// What runs commands that are one text.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "or_default")]
    pub shell: Vec<String>,
}

/// An empty object: the keys are what counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Nothing {}

/// How to find out whether a container is well. Times are nanoseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Healthcheck {
    /// `NONE`, or `CMD` or `CMD-SHELL` and what to run.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "or_default")]
    pub test: Vec<String>,
    /// From one look to the next.
    #[serde(default, skip_serializing_if = "is_zero", deserialize_with = "or_default")]
    pub interval: i64,
    /// How long a look may take.
    #[serde(default, skip_serializing_if = "is_zero", deserialize_with = "or_default")]
    pub timeout: i64,
    /// How long failures do not count.
    #[serde(default, skip_serializing_if = "is_zero", deserialize_with = "or_default")]
    pub start_period: i64,
    /// From one look to the next in that time.
    #[serde(default, skip_serializing_if = "is_zero", deserialize_with = "or_default")]
    pub start_interval: i64,
    /// How many failures make it unwell.
    #[serde(default, skip_serializing_if = "is_zero", deserialize_with = "or_default")]
    pub retries: i64,
}

/// Which layers an image has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RootFs {
    /// `layers`.
    #[serde(rename = "type", default = "layers")]
    pub kind: String,
    /// The digests of the uncompressed archives, the lowest first.
    #[serde(default, deserialize_with = "or_default")]
    pub diff_ids: Vec<Digest>,
}

impl Default for RootFs {
    fn default() -> Self {
        Self { kind: layers(), diff_ids: Vec::new() }
    }
}

/// One line of how an image came about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// By what.
    #[serde(default, skip_serializing_if = "String::is_empty", deserialize_with = "or_default")]
    pub created_by: String,
    /// By whom.
    #[serde(default, skip_serializing_if = "String::is_empty", deserialize_with = "or_default")]
    pub author: String,
    /// Made with what.
    #[serde(default, skip_serializing_if = "String::is_empty", deserialize_with = "or_default")]
    pub comment: String,
    /// Whether it made no layer.
    #[serde(default, skip_serializing_if = "is_false", deserialize_with = "or_default")]
    pub empty_layer: bool,
}

impl ImageConfig {
    /// Reads a config.
    pub fn parse(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        // What reads members by name also takes a list of their values.
        if !bytes.trim_ascii_start().starts_with(b"{") {
            return Err(serde::de::Error::custom("it is not an object"));
        }
        serde_json::from_slice(bytes)
    }

    /// Writes it.
    pub fn render(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("texts, numbers and maps by text are always JSON")
    }
}

fn layers() -> String {
    "layers".to_owned()
}

fn is_false(value: &bool) -> bool {
    !value
}

fn is_zero(value: &i64) -> bool {
    *value == 0
}

/// Go writes `null` for what is empty.
fn or_default<'de, T: Default + Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_config_is_written_as_buildkit_writes_it() {
        let text = concat!(
            r#"{"architecture":"amd64","config":{"User":"1000","ExposedPorts":{"80/tcp":{}},"Env":["PATH=/bin"],"#,
            r#""Entrypoint":["/x"],"Cmd":["a"],"Volumes":{"/v":{}},"WorkingDir":"/w","Labels":{"a":"b"},"StopSignal":"SIGINT","#,
            r#""ArgsEscaped":true,"Healthcheck":{"Test":["CMD","x"],"Interval":5000000000,"Retries":3},"OnBuild":["RUN x"],"#,
            r#""Shell":["/bin/ash","-c"]},"created":"2020-01-01T00:00:00Z","history":[{"created":"2020-01-01T00:00:00Z","#,
            r#""created_by":"CMD [\"a\"]","comment":"buildkit.dockerfile.v0","empty_layer":true}],"os":"linux","#,
            r#""rootfs":{"type":"layers","diff_ids":[]}}"#
        );
        let config = ImageConfig::parse(text.as_bytes()).expect("a config");
        assert_eq!(String::from_utf8(config.render()).expect("UTF-8"), text);
    }

    #[test]
    fn what_go_leaves_null_is_empty() {
        let text = r#"{"architecture":"amd64","os":"linux","config":{"Env":null,"Cmd":null,"Labels":null,"ArgsEscaped":null},"history":null,
            "rootfs":{"type":"layers","diff_ids":null}}"#;
        let config = ImageConfig::parse(text.as_bytes()).expect("a config");
        assert_eq!(config.config, ContainerConfig::default());
        assert!(ImageConfig::parse(b"{}").is_ok() && ImageConfig::parse(b"[]").is_err());
    }
}
