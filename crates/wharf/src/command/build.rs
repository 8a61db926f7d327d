//! `wharf build`: an image out of a Dockerfile.
//!
//! Flags are docker's. How it is built is not known here: see `wharf_build`.

mod bases;
mod cache;
mod context;
mod error;
mod output;
mod progress;
mod remote;
mod repro;
mod secret;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Subcommand};
use serde_json::json;
use wharf_build::request::{Allowed, Named, Network, NoCache, Pull};
use wharf_build::{Builder, Built, Request, git};
use wharf_images::Images;
use wharf_oci::{Descriptor, Platform};

use self::bases::Registered;
pub(crate) use self::error::Error;
use self::output::Wanted;
use self::progress::{Look, Show};
use self::secret::Given;
use super::client::output::Output;
use super::registries::{self, Registries, Session};
use crate::node::Node;

/// `wharf build`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Build {
    #[command(subcommand)]
    verb: Option<Verb>,
    /// What COPY and ADD see: a folder, a Git URL (`https://….git#REFERENCE:FOLDER`), or `-`: a Dockerfile or an archive with
    /// one from standard input.
    #[arg(value_name = "CONTEXT", default_value = ".")]
    context: String,
    /// The Dockerfile. By default `Dockerfile` in the context; `-` is standard input.
    #[arg(short, long, value_name = "FILE")]
    file: Option<String>,
    /// What the image is called on this node, and in a registry with --push. May be repeated.
    #[arg(short, long, value_name = "NAME")]
    tag: Vec<String>,
    /// The stage to build. By default the last one.
    #[arg(long, value_name = "STAGE")]
    target: Option<String>,
    /// A value for ARG; without `=`, the variable's of that name. May be repeated.
    #[arg(long, value_name = "NAME[=VALUE]")]
    build_arg: Vec<String>,
    /// A label. May be repeated.
    #[arg(long, value_name = "NAME=VALUE")]
    label: Vec<String>,
    /// What it is built for: `linux/arm64`, several divided by commas. By default what this machine is.
    #[arg(long, value_name = "PLATFORM", value_delimiter = ',')]
    platform: Vec<String>,
    /// Where it goes, such as `type=oci,dest=FILE`, `type=docker,dest=FILE`, `type=tar,dest=FILE`, `type=local,dest=FOLDER`,
    /// `type=registry,name=NAME`. May be repeated.
    #[arg(short, long, value_name = "WHERE")]
    output: Vec<String>,
    /// Push it to where its names say.
    #[arg(long)]
    push: bool,
    /// Name it on this node only, as by default.
    #[arg(long, conflicts_with = "push")]
    load: bool,
    /// Do everything anew, with empty cache mounts.
    #[arg(long)]
    no_cache: bool,
    /// Do the instructions of this stage anew. May be repeated.
    #[arg(long, value_name = "STAGE")]
    no_cache_filter: Vec<String>,
    /// Take what other machines have made: `type=registry,ref=NAME`, `type=local,src=FOLDER`. May be repeated.
    #[arg(long, value_name = "CACHE")]
    cache_from: Vec<String>,
    /// Give what is made to other machines: `type=registry,ref=NAME[,mode=max]`, `type=local,dest=FOLDER`. May be repeated.
    #[arg(long, value_name = "CACHE")]
    cache_to: Vec<String>,
    /// Ask registries for bases that are here.
    #[arg(long)]
    pull: bool,
    /// What RUN sees of the network: `default`, `none` or `host`.
    #[arg(long, value_name = "NETWORK", default_value = "default")]
    network: String,
    /// What the Dockerfile may ask for: `network.host`, `security.insecure`. May be repeated.
    #[arg(long, value_name = "RIGHT")]
    allow: Vec<String>,
    /// A secret for RUN: `id=NAME[,src=FILE]`, `id=NAME,env=VARIABLE`. May be repeated.
    #[arg(long, value_name = "SECRET")]
    secret: Vec<String>,
    /// An SSH agent for RUN: `default`, or `NAME=SOCKET`. May be repeated.
    #[arg(long, value_name = "AGENT")]
    ssh: Vec<String>,
    /// A name that COPY --from and FROM know: `NAME=FOLDER`, `NAME=docker-image://IMAGE`. May be repeated.
    #[arg(long, value_name = "NAME=PLACE")]
    build_context: Vec<String>,
    /// A line for `/etc/hosts`: `NAME:ADDRESS`. May be repeated.
    #[arg(long, value_name = "NAME:ADDRESS")]
    add_host: Vec<String>,
    /// Build twice, the second time without the cache, and list the files that differ.
    #[arg(long)]
    check_repro: bool,
    /// Say with the image how it was made (SLSA provenance).
    #[arg(long)]
    provenance: bool,
    /// Do not label the image with the commit and the repository of the context.
    #[arg(long)]
    no_git_labels: bool,
    /// How it goes on: `auto`, `tty`, `plain`, `json`, `quiet`.
    #[arg(long, value_name = "LOOK", default_value = "auto")]
    progress: Look,
    /// Print the image's id only.
    #[arg(short, long)]
    quiet: bool,
    /// Write the image's id into this file.
    #[arg(long, value_name = "FILE")]
    iidfile: Option<PathBuf>,
    /// Write what was built into this file, as JSON.
    #[arg(long, value_name = "FILE")]
    metadata_file: Option<PathBuf>,
    #[command(flatten)]
    node: Node,
    #[command(flatten)]
    registries: Registries,
}

/// What can be done with what builds left.
#[derive(Debug, Subcommand)]
enum Verb {
    /// Let go of layers and caches.
    Prune(cache::Prune),
    /// What is known from builds before.
    #[command(subcommand)]
    Cache(cache::Cache),
}

impl Build {
    pub(crate) fn run(self) -> Result<(), Error> {
        match self.verb {
            Some(Verb::Prune(prune)) => return prune.run(),
            Some(Verb::Cache(cache)) => return cache.run(),
            None => {}
        }
        let session = Arc::new(self.registries.clone().open());
        registries::run(async { Ok(self.build(&session).await) }).map_err(Error::Registry)?
    }

    async fn build(&self, session: &Arc<Session>) -> Result<(), Error> {
        let images = self.node.open(session.environment()).await.map_err(Error::Images)?;
        let show = Arc::new(Show::new(if self.quiet { Look::Quiet } else { self.progress }));
        let told = Arc::clone(&show);
        let caches = remote::Caches::parse(&self.cache_from, &self.cache_to)?;
        let imported = caches.open(session, &images, &show).await;
        let builder = Builder {
            images,
            imported,
            bases: Arc::new(Registered::new(Arc::clone(session))),
            secrets: Arc::new(Given::parse(&self.secret, &self.ssh, session.environment())?),
            http: session.http().map_err(Error::Http)?,
            tell: Arc::new(move |event| told.event(&event)),
        };
        let wanted = Wanted::parse(&self.output, &self.tag, self.push)?;
        let requests = self.requests(session, &builder.images)?;
        let built = self.built(&builder, requests).await;
        let exported = match built {
            Ok(built) => {
                let outputs = wanted.open(session)?;
                let root = wharf_build::export((&builder.images, &builder.tell), &built, outputs).await;
                match root {
                    Ok(root) => caches.send(session, &builder, &built).await.map(|()| (built, root)),
                    Err(error) => Err(Error::from(error)),
                }
            }
            Err(error) => Err(error),
        };
        show.end();
        let (built, root) = exported?;
        self.told(&built, root.as_ref())
    }

    async fn built(&self, builder: &Builder, requests: Vec<Request>) -> Result<Vec<Built>, Error> {
        let mut built = Vec::new();
        for request in requests {
            let again = self.check_repro.then(|| Request { no_cache: NoCache::Everything, ..request.clone() });
            let one = wharf_build::build(builder, request).await?;
            if let Some(again) = again {
                repro::compare(builder, &one, again).await?;
            }
            built.push(one);
        }
        Ok(built)
    }

    /// One request for each platform.
    fn requests(&self, session: &Session, images: &Images) -> Result<Vec<Request>, Error> {
        let environment = session.environment();
        let read = context::read(&self.context, self.file.as_deref(), images)?;
        let arguments: BTreeMap<String, String> = self
            .build_arg
            .iter()
            .filter_map(|text| match text.split_once('=') {
                Some((name, value)) => Some((name.to_owned(), value.to_owned())),
                None => Some((text.clone(), environment.get(text)?.clone())),
            })
            .collect();
        let checkout = read.context.folder.as_deref().and_then(git::checkout);
        let epoch = arguments.get("SOURCE_DATE_EPOCH").or_else(|| environment.get("SOURCE_DATE_EPOCH"));
        let epoch = epoch.filter(|text| !text.is_empty()).map(|text| epoch_of(text, checkout.as_ref()));
        let no_cache = match (self.no_cache, self.no_cache_filter.is_empty()) {
            (true, _) => NoCache::Everything,
            (false, true) => NoCache::Nothing,
            (false, false) => NoCache::Stages(self.no_cache_filter.clone()),
        };
        let own_platform = own_platform();
        let request = Request {
            dockerfile: Arc::new(wharf_dockerfile::parse_bytes(&read.dockerfile)),
            name: read.name,
            context: read.context,
            named: self.named()?,
            target: self.target.clone().filter(|target| !target.is_empty()),
            arguments,
            labels: pairs("--label", &self.label)?,
            platform: own_platform.clone(),
            own_platform,
            epoch: epoch.transpose()?,
            no_cache,
            pull: if self.pull { Pull::Always } else { Pull::Missing },
            network: network(&self.network)?,
            allowed: allowed(&self.allow)?,
            provenance: self.provenance,
            source: checkout.filter(|_| !self.no_git_labels).map(|checkout| (checkout.repository, checkout.commit)),
            hosts: hosts(&self.add_host)?,
        };
        if self.platform.is_empty() {
            return Ok(vec![request]);
        }
        let for_one = |text: &String| {
            let platform = wharf_build::request::platform(text).map_err(Error::from)?;
            Ok(Request { platform, ..request.clone() })
        };
        self.platform.iter().map(for_one).collect()
    }

    fn named(&self) -> Result<BTreeMap<String, Named>, Error> {
        let named = |(name, place): (String, String)| {
            let place = match place.strip_prefix("docker-image://") {
                Some(image) => Named::Image(image.to_owned()),
                None => Named::Folder(PathBuf::from(&place)),
            };
            if let Named::Folder(folder) = &place
                && !folder.is_dir()
            {
                return Err(wrong("--build-context", &folder.display().to_string(), "is no folder"));
            }
            Ok((name, place))
        };
        pairs("--build-context", &self.build_context)?.into_iter().map(named).collect()
    }

    fn told(&self, built: &[Built], root: Option<&Descriptor>) -> Result<(), Error> {
        // Of several platforms, the list of them is the image.
        let id = match (built, root) {
            ([only], _) | ([only, ..], None) => only.config.digest.to_string(),
            (_, Some(root)) => root.digest.to_string(),
            ([], None) => String::new(),
        };
        let write = |path: &Path, text: &str| {
            std::fs::write(path, text).map_err(|source| Error::Write { path: path.to_owned(), source })
        };
        if let Some(path) = &self.iidfile {
            write(path, &id)?;
        }
        if let Some(path) = &self.metadata_file {
            let document = json!({
                "containerimage.config.digest": id,
                "containerimage.digest": root.map(|manifest| manifest.digest.to_string()),
                "containerimage.descriptor": root.map(|manifest| json!({
                    "mediaType": manifest.media_type, "digest": manifest.digest.to_string(), "size": manifest.size,
                })),
                "image.name": self.tag.join(","),
            });
            write(path, &format!("{document:#}\n"))?;
        }
        if self.quiet || self.progress == Look::Quiet {
            let said = Output::new(false).done(&id);
            said.map_err(|error| Error::Registry(registries::Error::LogIn(error)))?;
        } else if self.progress != Look::Json {
            let names = if self.tag.is_empty() { String::new() } else { format!(" {}", self.tag.join(", ")) };
            eprintln!("built {id}{names}");
        }
        Ok(())
    }
}

/// Seconds since 1970; `context` is the moment of the context's commit.
fn epoch_of(text: &str, checkout: Option<&git::Checkout>) -> Result<i64, Error> {
    if text == "context" {
        let commit = checkout.map(|checkout| checkout.committed_at);
        return commit.ok_or_else(|| wrong("SOURCE_DATE_EPOCH", text, "needs a context that is a Git checkout"));
    }
    text.parse().map_err(|_| wrong("SOURCE_DATE_EPOCH", text, "is no number of seconds since 1970, and not `context`"))
}

fn wrong(flag: &'static str, text: &str, reason: &'static str) -> Error {
    Error::Flag { flag, text: text.to_owned(), reason }
}

fn pairs(flag: &'static str, texts: &[String]) -> Result<BTreeMap<String, String>, Error> {
    let pair = |text: &String| {
        let (name, value) = text.split_once('=').ok_or_else(|| wrong(flag, text, "is no NAME=VALUE"))?;
        Ok((name.to_owned(), value.to_owned()))
    };
    texts.iter().map(pair).collect()
}

fn network(text: &str) -> Result<Network, Error> {
    match text {
        "default" => Ok(Network::Default),
        "none" => Ok(Network::None),
        "host" => Ok(Network::Host),
        other => Err(wrong("--network", other, "is none of `default`, `none` and `host`")),
    }
}

fn allowed(texts: &[String]) -> Result<Allowed, Error> {
    let mut allowed = Allowed::default();
    for text in texts {
        match text.as_str() {
            "network.host" => allowed.host_network = true,
            "security.insecure" => allowed.insecure = true,
            other => return Err(wrong("--allow", other, "is neither `network.host` nor `security.insecure`")),
        }
    }
    Ok(allowed)
}

fn hosts(texts: &[String]) -> Result<Vec<(String, IpAddr)>, Error> {
    let host = |text: &String| {
        let (name, address) =
            text.split_once([':', '=']).ok_or_else(|| wrong("--add-host", text, "is no NAME:ADDRESS"))?;
        let address = address.trim_start_matches('[').trim_end_matches(']');
        let address = address.parse().map_err(|_| wrong("--add-host", text, "has no address"))?;
        Ok((name.to_owned(), address))
    };
    texts.iter().map(host).collect()
}

/// What containers on this machine run on.
pub(crate) fn own_platform() -> Platform {
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "386",
        "powerpc64" => "ppc64le",
        other => other,
    };
    Platform {
        architecture: architecture.to_owned(),
        os: "linux".to_owned(),
        os_version: None,
        os_features: Vec::new(),
        variant: None,
        features: Vec::new(),
    }
}
