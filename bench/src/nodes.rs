//! `nodes`: two nodes on one PostgreSQL and one bucket beside one node there, all on this machine.
//!
//! The S3 server is versitygw over a folder, as in `.ci/run`. With everything on one machine two nodes have no more cores
//! than one: what is to be seen is whether they are in each other's way.

use std::cell::Cell;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use tokio::process::{Child, Command};

use crate::content::{Blob, Image, LargeBlobs};
use crate::figure::Rounds;
use crate::http::{Body, Connection};
use crate::load::{Load, Turn};
use crate::report::NODES;
use crate::server::{Program, Server};
use crate::{client, machine, peers};

const ROUNDS: usize = 5;
const TIME: Duration = Duration::from_secs(1);

/// Over all nodes.
const CLIENTS: usize = 16;

/// How long the S3 server may take to listen.
const PATIENCE: Duration = Duration::from_secs(10);

const USER: &str = "wharf-bench";
const PASSWORD: &str = "not-a-secret";

/// Any key will do, as long as it is the same for all nodes.
const MASTER_KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/// What is done.
#[derive(Debug, Clone, Copy)]
enum Work {
    Manifest,
    PullBlob,
    PushSmall,
    PushLarge,
}

/// What the work needs.
struct Prepared {
    blob: Blob,
    large: LargeBlobs,
}

/// Measures and tells.
pub(crate) async fn run(words: &[String]) -> Result<()> {
    let (mut database, mut into, mut versitygw) = (None, None, PathBuf::from("versitygw"));
    for pair in words.chunks(2) {
        match pair {
            [word, value] if word == "--database" => database = Some(value.clone()),
            [word, value] if word == "--into" => into = Some(PathBuf::from(value)),
            [word, value] if word == "--versitygw" => versitygw = value.into(),
            _ => bail!("`{}` is unknown or takes a value; see --help", pair[0]),
        }
    }
    let database = database.context("--database URL names an empty database of PostgreSQL")?;
    let build = std::env::current_exe()?;
    let build = build.parent().and_then(Path::parent).context("the build's folder")?;
    let program = peers::built_wharf(build)?;
    let folder = tempfile::Builder::new().prefix("nodes-").tempdir_in(build)?;
    let (mut bucket, endpoint) = start_bucket(&versitygw, folder.path()).await?;
    let nodes = start_nodes(&program, folder.path(), (&database, &endpoint)).await?;
    let figures = measure(&nodes).await?;
    for node in nodes {
        node.end().await?;
    }
    bucket.kill().await.context("end versitygw")?;
    let head = machine::describe(folder.path())?.join("\n- ");
    NODES.put(into.as_deref(), &format!("\n- {head}\n\n{figures}\n"))
}

async fn start_bucket(versitygw: &Path, folder: &Path) -> Result<(Child, String)> {
    let home = folder.join("s3");
    std::fs::create_dir_all(home.join("wharf"))?;
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let mut command = Command::new(versitygw);
    command.args(["--quiet", "--access", USER, "--secret", PASSWORD, "--port", &address.to_string(), "posix"]);
    command.arg(&home).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    let child =
        command.spawn().context("start versitygw (.ci/clients/install installs it), or name it with --versitygw")?;
    let begun = Instant::now();
    while Connection::open(address).await.is_err() {
        ensure!(begun.elapsed() < PATIENCE, "versitygw does not listen");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok((child, format!("http://{address}")))
}

async fn start_nodes(program: &Program, folder: &Path, (database, endpoint): (&str, &str)) -> Result<[Server; 2]> {
    let key = folder.join("master.key");
    std::fs::write(&key, MASTER_KEY)?;
    let settings = [
        ("WHARF_DATABASE_URL", database),
        ("WHARF_STORAGE_URL", "s3://wharf/bench"),
        ("WHARF_STORAGE_S3_ENDPOINT", endpoint),
        ("WHARF_STORAGE_S3_STYLE", "path"),
        ("WHARF_STORAGE_S3_REGION", "us-east-1"),
        ("WHARF_ENCRYPTION_MASTER_KEY_FILE", key.to_str().context("the folder's name is not text")?),
        ("AWS_ACCESS_KEY_ID", USER),
        ("AWS_SECRET_ACCESS_KEY", PASSWORD),
    ];
    let first = program.start_with(&folder.join("node1"), &settings).await?;
    Ok([first, program.start_with(&folder.join("node2"), &settings).await?])
}

async fn measure(nodes: &[Server; 2]) -> Result<String> {
    let prepared = prepare(nodes).await?;
    let mut lines =
        vec![format!("| {CLIENTS} clients, operations/s | one node | two nodes | two ÷ one |\n|---|---|---|---|")];
    for work in [Work::Manifest, Work::PullBlob, Work::PushSmall, Work::PushLarge] {
        let (mut one, mut two) = (Rounds::default(), Rounds::default());
        for round in 0..ROUNDS {
            if round % 2 == 0 {
                one.add(work.rate(&nodes[..1], &prepared).await?);
                two.add(work.rate(nodes, &prepared).await?);
            } else {
                two.add(work.rate(nodes, &prepared).await?);
                one.add(work.rate(&nodes[..1], &prepared).await?);
            }
        }
        lines.push(format!("| {} | {} | {} | {} |", work.name(), one.render(), two.render(), two.ratio(&one).render()));
    }
    Ok(lines.join("\n"))
}

/// Pushes to the first node what the second one is asked for at once.
async fn prepare(nodes: &[Server; 2]) -> Result<Prepared> {
    let (image, blob) = (Image::new(&[1024; 10]), Blob::new(1 << 20));
    let mut first = Connection::open(nodes[0].address).await?;
    client::push_image(&mut first, "bench/image", &image, "v1").await?;
    client::push_blob(&mut first, "bench/image", &blob).await?;
    let mut second = Connection::open(nodes[1].address).await?;
    let answer = second.ask("GET", "/v2/bench/image/manifests/v1", Body::Keep).await?.expect(200)?;
    ensure!(answer.body == image.manifest.bytes, "the second node answers with something else");
    Ok(Prepared { blob, large: LargeBlobs::of(10) })
}

impl Work {
    fn name(self) -> &'static str {
        match self {
            Self::Manifest => "manifest GET by tag",
            Self::PullBlob => "pull of a 1 MiB blob",
            Self::PushSmall => "push of a 1 KiB blob",
            Self::PushLarge => "push of a 10 MiB layer",
        }
    }

    /// Operations in a second of all nodes together.
    async fn rate(self, nodes: &[Server], prepared: &Prepared) -> Result<f64> {
        let load = Load { connections: CLIENTS / nodes.len(), time: TIME, is_warmed_up: true };
        let sum = Cell::new(0.0);
        let loads = nodes.iter().enumerate().map(async |(number, node)| {
            let outcome =
                load.run(node, async |connection, turn| self.once(connection, (number, turn), prepared).await);
            let rate = outcome.await?.rate();
            sum.set(sum.get() + rate);
            anyhow::Ok(())
        });
        futures_util::future::try_join_all(loads).await?;
        Ok(sum.get())
    }

    async fn once(self, connection: &mut Connection, (node, turn): (usize, Turn), prepared: &Prepared) -> Result<()> {
        let repository = format!("bench/push{node}-{}", turn.connection);
        match self {
            Self::Manifest => get(connection, "/v2/bench/image/manifests/v1").await,
            Self::PullBlob => get(connection, &format!("/v2/bench/image/blobs/{}", prepared.blob.digest)).await,
            Self::PushSmall => client::push_blob(connection, &repository, &Blob::new(1024)).await,
            Self::PushLarge => client::push_large(connection, &repository, &prepared.large.next()).await,
        }
    }
}

async fn get(connection: &mut Connection, path: &str) -> Result<()> {
    connection.ask("GET", path, Body::Drop).await?.expect(200).map(drop)
}
