//! What is asked for: a Dockerfile, what it may see, and how it is to be built.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use wharf_dockerfile::Dockerfile;
use wharf_oci::Platform;

use crate::error::Error;
pub use crate::select::Ignore;

/// One build.
#[derive(Debug, Clone)]
pub struct Request {
    /// The Dockerfile.
    pub dockerfile: Arc<Dockerfile>,
    /// What the file is called in messages.
    pub name: String,
    /// What COPY and ADD see.
    pub context: Context,
    /// What else they see, by names that stand for stages and images.
    pub named: BTreeMap<String, Named>,
    /// The stage that is wanted; the last one where it is not said.
    pub target: Option<String>,
    /// Values for `ARG`.
    pub arguments: BTreeMap<String, String>,
    /// Labels beside those of the file.
    pub labels: BTreeMap<String, String>,
    /// For what it is built.
    pub platform: Platform,
    /// On what it is built.
    pub own_platform: Platform,
    /// Seconds since 1970: the latest time that anything in the image has, and when it was made. Without it: that of the
    /// base image.
    pub epoch: Option<i64>,
    /// Which operations are done whether they are known or not.
    pub no_cache: NoCache,
    /// Whether registries are asked for bases that are here.
    pub pull: Pull,
    /// The network of RUN where it says none.
    pub network: Network,
    /// What the file may ask for beside.
    pub allowed: Allowed,
    /// Whether how it was made goes with the image.
    pub provenance: bool,
    /// The repository and commit of the context, if it is a checkout.
    pub source: Option<(String, String)>,
    /// What runs see as lines of `/etc/hosts`: names and addresses.
    pub hosts: Vec<(String, std::net::IpAddr)>,
}

/// Files that a build may take.
#[derive(Debug, Clone, Default)]
pub struct Context {
    /// The folder; none where the Dockerfile came alone.
    pub folder: Option<PathBuf>,
    /// What of it is not seen.
    pub ignore: Ignore,
}

/// What a name stands for.
#[derive(Debug, Clone)]
pub enum Named {
    /// A folder.
    Folder(PathBuf),
    /// An image.
    Image(String),
}

/// Which operations are done whether they are known or not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum NoCache {
    /// None.
    #[default]
    Nothing,
    /// All.
    Everything,
    /// Those of these stages.
    Stages(Vec<String>),
}

/// Whether registries are asked for bases that are here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pull {
    /// Only for what is not here.
    #[default]
    Missing,
    /// Each time.
    Always,
}

/// What a RUN sees of networks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Network {
    /// A way out, and nothing that comes in.
    #[default]
    Default,
    /// None.
    None,
    /// The machine's.
    Host,
}

/// What a Dockerfile may ask for beside what all may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Allowed {
    /// `RUN --network=host`.
    pub host_network: bool,
    /// `RUN --security=insecure`.
    pub insecure: bool,
}

/// Reads `linux/arm/v7`.
pub fn platform(text: &str) -> Result<Platform, Error> {
    let parts: Vec<&str> = text.split('/').collect();
    let (os, architecture, variant) = match parts[..] {
        [os, architecture] => (os, architecture, None),
        [os, architecture, variant] => (os, architecture, Some(variant)),
        [architecture] => ("linux", architecture, None),
        _ => return Err(Error::Invalid(format!("`{text}` is no platform; it reads `linux/arm64` or `linux/arm/v7`"))),
    };
    let architecture = match architecture {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    Ok(Platform {
        architecture: architecture.to_owned(),
        os: os.to_owned(),
        os_version: None,
        os_features: Vec::new(),
        variant: variant.map(str::to_owned),
        features: Vec::new(),
    })
}
