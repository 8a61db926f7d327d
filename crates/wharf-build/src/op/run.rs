//! RUN: a command in a container of its own, whose changes are the next layer.

use std::fs::File;
use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use serde_json::{Value, json};
use wharf_images::{Clamp, Draft, Snapshot};
use wharf_network::Lease;
use wharf_oci::Digest;
use wharf_oci::ports::BoxFuture;
use wharf_runtime::process::{Contents, Durability, Limits, Mount, Process, Rootfs, Security, Source, Variable};
use wharf_runtime::{Handed, Status};

use super::copy::Taken;
use super::mounts::{self, Shown};
use super::{Inputs, Op, Written, blocking};
use crate::error::Error;
use crate::request::Network;

const PIECE_BYTES: usize = 16 * 1024;
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// RUN.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) arguments: Vec<String>,
    /// `NAME` and value.
    pub(crate) environment: Vec<(String, String)>,
    /// Variables that make no difference: proxies.
    pub(crate) silent: Vec<(String, String)>,
    pub(crate) folder: String,
    pub(crate) user: String,
    pub(crate) network: Network,
    pub(crate) is_insecure: bool,
    pub(crate) hostname: String,
    pub(crate) mounts: Vec<Shown>,
    /// What of its inputs it sees, so that it counts.
    pub(crate) seen: Vec<Taken>,
    /// A script that the arguments name: its path and content.
    pub(crate) script: Option<(String, String)>,
}

impl Op for Run {
    fn definition(&self) -> Value {
        let mounts: Vec<Value> = self.mounts.iter().filter_map(counted).collect();
        json!({
            "run": self.arguments, "env": self.environment, "cwd": self.folder, "user": self.user,
            "network": format!("{:?}", self.network), "insecure": self.is_insecure, "hostname": self.hostname,
            "mounts": mounts, "script": self.script,
        })
    }

    fn content<'a>(&'a self, input: &'a Inputs) -> BoxFuture<'a, Result<Vec<(String, Digest)>, Error>> {
        Box::pin(async move {
            let mut digests = Vec::new();
            for taken in &self.seen {
                digests.push((taken.query.source.clone(), taken.digest(input).await?));
            }
            Ok(digests)
        })
    }

    fn execute<'a>(&'a self, input: &'a Inputs) -> BoxFuture<'a, Result<Snapshot, Error>> {
        Box::pin(async move {
            let draft = input.images.draft(&input.parent)?;
            let (mounts, held) = (self.mounts.clone(), input.held());
            let ready = blocking(move || mounts::ready(&mounts, &held)).await?;
            let (kit, network) = (Arc::clone(&input.kit), self.network);
            let lease = blocking(move || match network {
                Network::Default => Ok(Some(kit.uplink()?.lease()?)),
                Network::None | Network::Host => Ok(None),
            })
            .await?;
            let process = self.process(&draft, input, (&ready, lease.as_ref()));
            let (kit, output) = (Arc::clone(&input.kit), Arc::clone(&input.output));
            let (draft, exit) = blocking(move || {
                let exit = run(&kit, &process, lease.as_ref(), &output);
                drop((ready, lease));
                exit.map(|exit| (draft, exit))
            })
            .await?;
            match exit.status {
                Status::Code(0) => Ok(input.images.commit(draft, Some(Clamp(input.instant.mtime()))).await?),
                Status::Code(_) if exit.out_of_memory => Err(Error::Exit("no memory left".to_owned())),
                Status::Code(code) => Err(Error::Exit(format!("exit code {code}"))),
                Status::Signal(signal) => Err(Error::Exit(format!("signal {signal}"))),
                Status::Stopped => Err(Error::Stopped),
            }
        })
    }
}

impl Run {
    fn process(&self, draft: &Draft, input: &Inputs, (ready, lease): (&mounts::Ready, Option<&Lease>)) -> Process {
        let upper = draft.upper();
        let mut environment: Vec<Variable> = self
            .silent
            .iter()
            .chain(&self.environment)
            .map(|(name, value)| Variable { name: name.clone(), value: value.clone() })
            .collect();
        if !environment.iter().any(|variable| variable.name == "PATH") {
            environment.push(Variable { name: "PATH".to_owned(), value: DEFAULT_PATH.to_owned() });
        }
        environment.extend(ready.variables.iter().cloned());
        let resolvers = match (self.network, lease) {
            (_, Some(lease)) => lease.resolv_conf(),
            (Network::None, None) => String::new(),
            (Network::Default | Network::Host, None) => wharf_network::resolv_conf_of_machine(),
        };
        let mut mounts = input.kit.files(&self.hostname, resolvers);
        mounts.extend(ready.mounts.iter().cloned());
        if let Some((path, content)) = &self.script {
            let contents = Contents(content.clone().into_bytes());
            mounts.push(Mount { target: path.clone(), source: Source::File { contents, uid: 0, gid: 0, mode: 0o755 } });
        }
        Process {
            rootfs: Rootfs {
                layers: draft.lowers().to_vec(),
                upper: upper.upper.clone(),
                work: upper.work.clone(),
                durability: Durability::Volatile,
            },
            mounts,
            arguments: self.arguments.clone(),
            environment,
            working_directory: self.folder.clone(),
            user: self.user.clone(),
            hostname: self.hostname.clone(),
            network: match (self.network, lease) {
                (Network::None, _) => wharf_runtime::Network::None,
                (Network::Default, Some(_)) => wharf_runtime::Network::Namespace,
                (Network::Default | Network::Host, _) => wharf_runtime::Network::Host,
            },
            security: if self.is_insecure { Security::Insecure } else { Security::Sandbox },
            limits: Limits::default(),
        }
    }
}

/// What of a mount makes a difference to the result.
fn counted(shown: &Shown) -> Option<Value> {
    match shown {
        Shown::Tree { path, target, is_writable, input } => {
            Some(json!({ "tree": input, "path": path, "target": target, "rw": is_writable }))
        }
        Shown::Memory { target, size_bytes } => Some(json!({ "memory": target, "size": size_bytes })),
        Shown::Cache { .. } | Shown::Secret { .. } | Shown::Agent { .. } => None,
    }
}

/// Runs to the end, giving what it writes to `output`. Blocks.
fn run(
    kit: &crate::solve::Kit,
    process: &Process,
    lease: Option<&Lease>,
    output: &Written,
) -> Result<wharf_runtime::Exit, Error> {
    let namespace = lease.map(Lease::namespace).transpose();
    let network_namespace = namespace.map_err(|source| Error::file("hand over", "the container's network", source))?;
    let handed = Handed { network_namespace: network_namespace.flatten(), ..Handed::default() };
    let mut running = wharf_runtime::spawn(kit.entry()?, process, &handed)?;
    kit.started(running.stop());
    let streams = [running.stdout.take(), running.stderr.take()];
    std::thread::scope(|scope| {
        for stream in streams.into_iter().flatten() {
            scope.spawn(|| listen(stream, output));
        }
        running.wait()
    })
    .map_err(Error::Runtime)
}

fn listen(stream: OwnedFd, output: &Written) {
    let (mut stream, mut piece) = (File::from(stream), vec![0; PIECE_BYTES]);
    loop {
        match stream.read(&mut piece) {
            Ok(0) => return,
            Ok(count) => output(&piece[..count]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}
