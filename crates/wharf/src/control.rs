//! The control socket: how a command on the same machine orders something of the server that has the data folder.
//!
//! A local socket in that folder, so whoever may open it may read everything anyway; nobody can from afar. One order per
//! connection, a line of JSON; the answer is lines of JSON: how far it is, and at last what came of it. Hanging up ends
//! the work, as far as it can be ended.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::unix::OwnedWriteHalf;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;

use crate::operator::desk::Desk;
use crate::operator::order::Order;
use crate::operator::step::Step;

/// The socket's name in the data folder.
const SOCKET: &str = "control.sock";
/// The longest order: a configuration.
const MAX_ORDER_BYTES: u64 = 1 << 20;
/// How often the one who waits hears how far it is.
const TELL_EVERY: Duration = Duration::from_secs(1);

/// A line of the answer.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Answer {
    /// How far it is.
    Step(Step),
    /// It is done.
    Done(serde_json::Value),
    /// It failed: why, and the causes.
    Failed(Vec<String>),
}

/// The socket, open. It is removed with this value.
#[derive(Debug)]
pub(crate) struct Control {
    listener: UnixListener,
    path: PathBuf,
}

impl Control {
    /// Opens the socket of a data folder that this process holds.
    pub(crate) fn open(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join(SOCKET);
        let open = || {
            // One that a killed server has left.
            match std::fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
            let (_folder, reached) = reach(folder)?;
            let listener = UnixListener::bind(reached)?;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
            Ok(listener)
        };
        let listener = open().with_context(|| format!("open the control socket `{}`", path.display()))?;
        Ok(Self { listener, path })
    }

    /// Takes orders as long as the server lives.
    pub(crate) async fn serve(self, desk: Desk) {
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    tokio::spawn(answer(stream, desk.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept on the control socket");
                    tokio::time::sleep(TELL_EVERY).await;
                }
            }
        }
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        // Left behind, it says that nobody answers, which is true.
        std::fs::remove_file(&self.path).ok();
    }
}

/// The socket by way of its open folder: a socket's path has room for a hundred bytes only, and data folders may lie deep.
fn reach(folder: &Path) -> io::Result<(File, PathBuf)> {
    let folder = File::open(folder)?;
    let path = PathBuf::from(format!("/proc/self/fd/{}", folder.as_raw_fd())).join(SOCKET);
    Ok((folder, path))
}

async fn answer(stream: UnixStream, desk: Desk) {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read.take(MAX_ORDER_BYTES)).lines();
    let order = match lines.next_line().await {
        Ok(Some(line)) => serde_json::from_str(&line).context("read the order; is the server of the same version?"),
        Ok(None) | Err(_) => return,
    };
    let (teller, steps) = watch::channel(Step::Beginning);
    let done = async {
        match order {
            Ok(order) => desk.carry_out(order, &teller).await,
            Err(error) => Err(error),
        }
    };
    let done = tokio::select! {
        done = done => done,
        () = tell(steps, &mut write) => return,
        // The one who waits has hung up.
        _ = lines.next_line() => return,
    };
    if let Err(error) = &done {
        tracing::error!(error = format!("{error:#}"), "an order failed");
    }
    let last = done.map_or_else(|error| Answer::Failed(chain(&error)), Answer::Done);
    // Who has gone meanwhile hears nothing.
    send(&mut write, &last).await.ok();
}

/// Sends a step now and then, until nobody listens.
async fn tell(mut steps: watch::Receiver<Step>, write: &mut OwnedWriteHalf) {
    loop {
        tokio::time::sleep(TELL_EVERY).await;
        let step = steps.borrow_and_update().clone();
        if send(write, &Answer::Step(step)).await.is_err() {
            return;
        }
    }
}

async fn send(write: &mut OwnedWriteHalf, answer: &Answer) -> io::Result<()> {
    let mut line = serde_json::to_string(answer)?;
    line.push('\n');
    write.write_all(line.as_bytes()).await
}

/// An error and its causes.
pub(crate) fn chain(error: &anyhow::Error) -> Vec<String> {
    error.chain().map(ToString::to_string).collect()
}

/// Orders something of the server that has `folder`, and tells the steps until it is done. `None`: no server answers.
pub(crate) async fn order(
    folder: &Path,
    order: &Order,
    mut tell: impl FnMut(&Step),
) -> anyhow::Result<Option<serde_json::Value>> {
    let Ok((_folder, reached)) = reach(folder) else { return Ok(None) };
    let Ok(stream) = UnixStream::connect(reached).await else { return Ok(None) };
    let (read, mut write) = stream.into_split();
    let mut line = serde_json::to_string(order).context("write the order")?;
    line.push('\n');
    write.write_all(line.as_bytes()).await.context("send the order to the server")?;
    let mut lines = BufReader::new(read).lines();
    // A server that is killed may leave an error instead of an end.
    while let Ok(Some(line)) = lines.next_line().await {
        match serde_json::from_str(&line).context("read the server's answer; is it of the same version?")? {
            Answer::Step(step) => tell(&step),
            Answer::Done(outcome) => return Ok(Some(outcome)),
            Answer::Failed(causes) => {
                let mut causes = causes.into_iter().rev();
                let root = anyhow::anyhow!(causes.next().unwrap_or_default());
                return Err(causes.fold(root, anyhow::Error::context));
            }
        }
    }
    anyhow::bail!("the server ended before the work was done; the same command goes on where it stopped")
}
