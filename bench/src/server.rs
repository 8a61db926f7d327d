//! The two servers, as children of this program: started in a folder of their own, ended by their id.

use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

use crate::http::{Body, Connection};
use crate::process;

/// How long a server may take until it answers, and until it has ended.
const PATIENCE: Duration = Duration::from_secs(30);

/// Whose server it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Maker {
    Wharf,
    Docker,
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
        std::fs::create_dir_all(folder)?;
        let address = free_address()?;
        let mut command = Command::new(&self.path);
        command.args(self.arguments(folder, address)?).stdin(Stdio::null()).kill_on_drop(true);
        let log = File::create(folder.join("output"))?;
        command.stdout(log.try_clone()?).stderr(log);
        let begun = Instant::now();
        let child = command.spawn().with_context(|| format!("start `{}`", self.path.display()))?;
        let id = child.id().context("the server ended at once")?;
        let mut server = Server { maker: self.maker, address, start_time: Duration::ZERO, child, id };
        let answered = server.first_answer(begun).await;
        let output = || std::fs::read_to_string(folder.join("output")).unwrap_or_default();
        server.start_time =
            answered.with_context(|| format!("`{}` does not answer: {}", self.path.display(), output()))?;
        Ok(server)
    }

    fn arguments(&self, folder: &Path, address: SocketAddr) -> Result<Vec<String>> {
        let folder_text = folder.to_str().context("the folder's name is not text")?;
        if self.maker == Maker::Wharf {
            let data = format!("{folder_text}/data");
            let listen = address.to_string();
            return Ok(["serve", "--open", "--log-level", "error", "--listen", &listen, "--data", &data]
                .map(str::to_owned)
                .to_vec());
        }
        let path = folder.join("config.yml");
        std::fs::write(&path, peer_config(folder_text, address))?;
        Ok(vec!["serve".to_owned(), path.display().to_string()])
    }
}

/// As Debian configures it, but without passwords, and as quiet as Wharf: no access log, errors only.
fn peer_config(folder: &str, address: SocketAddr) -> String {
    format!(
        "version: 0.1\nlog:\n  level: error\n  accesslog:\n    disabled: true\nstorage:\n  cache:\n    blobdescriptor: inmemory\n  \
         filesystem:\n    rootdirectory: {folder}/data\n  delete:\n    enabled: true\nhttp:\n  addr: {address}\n"
    )
}

/// An address that nobody listens on.
fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr())?)
}

impl Server {
    async fn first_answer(&mut self, begun: Instant) -> Result<Duration> {
        loop {
            if let Some(status) = self.child.try_wait()? {
                bail!("it ended: {status}");
            }
            if let Ok(mut connection) = Connection::open(self.address).await {
                connection.ask("GET", "/v2/", Body::Keep).await?.expect(200)?;
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

/// What a program says that it is.
pub(crate) fn version(path: &Path) -> Result<String> {
    let output = std::process::Command::new(path).arg("--version").output();
    let output = output.with_context(|| format!("run `{} --version`", path.display()))?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peer_is_configured_for_its_own_folder_and_address() {
        let config = peer_config("/x", SocketAddr::from(([127, 0, 0, 1], 7)));
        assert!(config.contains("\n    rootdirectory: /x/data\n") && config.contains("\n  addr: 127.0.0.1:7\n"));
    }
}
