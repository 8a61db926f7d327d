//! Servers, as children of this program: started in a folder of their own, ended by their id.

mod config;

use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

use crate::http::{Body, Connection};
use crate::process::{self, Memory};

/// How long a server may take until it answers, and until it has ended.
const PATIENCE: Duration = Duration::from_secs(30);

/// Who does the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Maker {
    Wharf,
    /// Wharf with encryption at rest.
    Sealed,
    /// Docker's own registry.
    Distribution,
    /// The floor of downloads: a file by sendfile.
    Nginx,
    /// The floor of uploads: `tee FILE | sha256sum`, and the file synced. It is no server.
    Pipe,
}

impl Maker {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Wharf => "Wharf",
            Self::Sealed => "Wharf, encrypting",
            Self::Distribution => "distribution",
            Self::Nginx => "nginx",
            Self::Pipe => "tee",
        }
    }
}

/// A program that can be started.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    pub(crate) maker: Maker,
    pub(crate) path: PathBuf,
    pub(crate) version: String,
}

/// A running server.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) maker: Maker,
    pub(crate) address: SocketAddr,
    /// How long it took from the start of the process to its first answer.
    pub(crate) start_time: Duration,
    child: Child,
    id: u32,
}

impl Program {
    /// Starts it on what `folder` holds, or on nothing.
    pub(crate) async fn start(&self, folder: &Path) -> Result<Server> {
        self.start_with(folder, &[]).await
    }

    /// The same with settings as variables.
    pub(crate) async fn start_with(&self, folder: &Path, settings: &[(&str, &str)]) -> Result<Server> {
        self.start_until(folder, settings, ("/v2/", 200)).await
    }

    /// The same for a standby, which answers nothing but that it lives.
    pub(crate) async fn start_standby(&self, folder: &Path, settings: &[(&str, &str)]) -> Result<Server> {
        self.start_until(folder, settings, ("/livez", 200)).await
    }

    /// Starts it and waits until it answers a path as it should.
    async fn start_until(&self, folder: &Path, settings: &[(&str, &str)], answer: (&str, u16)) -> Result<Server> {
        std::fs::create_dir_all(data(folder))?;
        let address = free_address()?;
        let mut command = Command::new(&self.path);
        command.args(config::arguments(self.maker, folder, address)?).stdin(Stdio::null()).kill_on_drop(true);
        command.envs(settings.iter().copied()).envs(config::variables(self.maker).iter().copied());
        let log = File::create(folder.join("output"))?;
        command.stdout(log.try_clone()?).stderr(log);
        let begun = Instant::now();
        let child = command.spawn().with_context(|| format!("start `{}`", self.path.display()))?;
        let id = child.id().context("the server ended at once")?;
        let mut server = Server { maker: self.maker, address, start_time: Duration::ZERO, child, id };
        let answered = server.first_answer(begun, answer).await;
        let output = || std::fs::read_to_string(folder.join("output")).unwrap_or_default();
        server.start_time =
            answered.with_context(|| format!("`{}` does not answer: {}", self.path.display(), output()))?;
        Ok(server)
    }
}

/// Where a server keeps what it serves, below its folder.
pub(crate) fn data(folder: &Path) -> PathBuf {
    folder.join("data")
}

/// An address that nobody listens on.
fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr())?)
}

impl Server {
    async fn first_answer(&mut self, begun: Instant, (path, status): (&str, u16)) -> Result<Duration> {
        loop {
            if let Some(end) = self.child.try_wait()? {
                bail!("it ended: {end}");
            }
            if let Ok(mut connection) = Connection::open(self.address).await {
                connection.ask("GET", path, Body::Keep).await?.expect(status)?;
                return Ok(begun.elapsed());
            }
            if begun.elapsed() > PATIENCE {
                bail!("it was waited for in vain");
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.id
    }

    pub(crate) fn cpu_time(&self) -> Result<Duration> {
        process::cpu_time(self.id)
    }

    pub(crate) fn memory(&self) -> Result<Memory> {
        process::memory(self.id)
    }

    /// Lets it end as an operator would.
    pub(crate) async fn end(mut self) -> Result<()> {
        let id = Pid::from_raw(i32::try_from(self.id)?).context("a process has an id")?;
        kill_process(id, Signal::TERM).context("ask the server to end")?;
        if tokio::time::timeout(PATIENCE, self.child.wait()).await.is_err() {
            self.child.kill().await.context("end the server")?;
        }
        Ok(())
    }
}

/// What a program says that it is. Some say it on standard error.
pub(crate) fn version(path: &Path, option: &str) -> Result<String> {
    let output = std::process::Command::new(path).arg(option).output();
    let output = output.with_context(|| format!("run `{} {option}`", path.display()))?;
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    let line = text.lines().next().unwrap_or_default();
    // Some name the place that they were started from, which is nobody's business.
    Ok(line.strip_prefix(&*path.to_string_lossy()).map_or(line, str::trim).to_owned())
}
