//! What one operation costs inside: system calls as `strace` counts them, statements and commits as Wharf counts them.
//!
//! It is measured apart from the rates, because a traced server is slow.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use futures_util::future::try_join_all;
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::Command;

use crate::client;
use crate::content::{Blob, Image};
use crate::http::{Body, Connection};
use crate::measure::{Side, manifest_by_tag, repository};
use crate::server::{Maker, Server};

/// How often an operation is done while it is counted, over all connections.
const OPERATIONS: usize = 320;

/// The bytes of a small blob, and the layers of a small image.
const SMALL_BYTES: usize = 1024;
const SMALL_LAYERS: [usize; 2] = [4096, 65_536];

/// How long `strace` may take to attach and to tell.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is counted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counted {
    operation: Operation,
    connections: usize,
}

#[derive(Debug, Clone, Copy)]
enum Operation {
    Manifest,
    Blob,
    Image,
}

/// The rows of the report.
pub(crate) const COUNTED: [Counted; 5] = [
    Counted { operation: Operation::Manifest, connections: 1 },
    Counted { operation: Operation::Blob, connections: 1 },
    Counted { operation: Operation::Blob, connections: 32 },
    Counted { operation: Operation::Image, connections: 1 },
    Counted { operation: Operation::Image, connections: 32 },
];

/// Per operation.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Counts {
    /// `fsync`, `fdatasync` and whole-system syncs.
    pub(crate) syncs: f64,
    pub(crate) calls: f64,
    /// Point reads, transactions and commits; none where the server does not tell.
    pub(crate) catalog: Option<[f64; 3]>,
}

impl Counted {
    pub(crate) fn name(self) -> String {
        let what = match self.operation {
            Operation::Manifest => "manifest GET by tag",
            Operation::Blob => "push of a 1 KiB blob",
            Operation::Image => "push of a small image",
        };
        format!("{what}, {} at once", self.connections)
    }

    /// Counts on one server.
    pub(crate) async fn count(self, side: &Side) -> Result<Counts> {
        let opening = (0..self.connections).map(|_| Connection::open(side.server.address));
        let mut connections = try_join_all(opening).await?;
        let request = manifest_by_tag(side).await?;
        self.work(&mut connections, &request).await?;
        let before = catalog(&side.server).await?;
        self.work(&mut connections, &request).await?;
        let after = catalog(&side.server).await?;
        let calls = trace(&side.server, &side.folder, self.work(&mut connections, &request)).await?;
        let syncs = ["fsync", "fdatasync", "sync_file_range", "syncfs", "sync"];
        let syncs = calls.iter().filter(|(name, _)| syncs.contains(&name.as_str())).map(|(_, count)| count).sum();
        let catalog = before.zip(after).map(|(before, after)| [0, 1, 2].map(|i| each(after[i] - before[i])));
        Ok(Counts { syncs: each(syncs), calls: each(calls.values().sum()), catalog })
    }

    async fn work(self, connections: &mut [Connection], request: &[u8]) -> Result<()> {
        let turns = OPERATIONS / self.connections;
        let working = connections.iter_mut().enumerate().map(async |(number, connection)| {
            for _ in 0..turns {
                self.once(connection, request, &repository(number)).await?;
            }
            anyhow::Ok(())
        });
        try_join_all(working).await.map(drop)
    }

    async fn once(self, connection: &mut Connection, request: &[u8], repository: &str) -> Result<()> {
        match self.operation {
            Operation::Manifest => connection.repeat(request, Body::Drop).await?.expect(200).map(drop),
            Operation::Blob => client::push_blob(connection, repository, &Blob::new(SMALL_BYTES)).await,
            Operation::Image => client::push_image(connection, repository, &Image::new(&SMALL_LAYERS), "latest").await,
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn each(count: u64) -> f64 {
    count as f64 / OPERATIONS as f64
}

/// Point reads, transactions and commits so far, where the server tells.
async fn catalog(server: &Server) -> Result<Option<[u64; 3]>> {
    if server.maker != Maker::Wharf {
        return Ok(None);
    }
    let mut connection = Connection::open(server.address).await?;
    let text = connection.ask("GET", "/metrics", Body::Keep).await?.expect(200)?.text();
    let read = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix("_total "));
        line.and_then(|value| value.trim().parse().ok()).with_context(|| format!("`{name}` in /metrics"))
    };
    Ok(Some([read("wharf_db_gets")?, read("wharf_db_transactions_committed")?, read("wharf_db_commits")?]))
}

/// Counts system calls by name while `work` goes on.
async fn trace(
    server: &Server,
    folder: &Path,
    work: impl Future<Output = Result<()>>,
) -> Result<BTreeMap<String, u64>> {
    let output = folder.join("strace");
    let id = server.id().to_string();
    let mut strace = Command::new("strace");
    strace.args(["-f", "-c", "-p", &id, "-o"]).arg(&output).stdin(Stdio::null()).stderr(Stdio::null());
    let mut strace = strace.kill_on_drop(true).spawn().context("start strace (apt-get install strace)")?;
    wait_until_traced(server).await?;
    work.await?;
    let strace_id = strace.id().context("strace ended too early")?;
    kill_process(Pid::from_raw(i32::try_from(strace_id)?).context("a process has an id")?, Signal::INT)?;
    tokio::time::timeout(PATIENCE, strace.wait()).await.context("strace does not end")??;
    Ok(parse(&std::fs::read_to_string(&output)?))
}

async fn wait_until_traced(server: &Server) -> Result<()> {
    let start = Instant::now();
    while !is_traced(server)? {
        ensure!(start.elapsed() < PATIENCE, "strace could not attach; is it allowed to (ptrace_scope)?");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// Whether every thread is traced.
fn is_traced(server: &Server) -> Result<bool> {
    for thread in std::fs::read_dir(format!("/proc/{}/task", server.id()))? {
        let status = std::fs::read_to_string(thread?.path().join("status")).unwrap_or_default();
        if status.lines().any(|line| line.strip_prefix("TracerPid:").is_some_and(|id| id.trim() == "0")) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Reads the table that `strace -c` writes: calls in the fourth column, the name in the last.
fn parse(table: &str) -> BTreeMap<String, u64> {
    let rows = table.lines().filter_map(|line| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let calls = columns.get(3)?.parse().ok()?;
        let name = *columns.last()?;
        (name != "total").then(|| (name.to_owned(), calls))
    });
    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_strace_is_read() {
        let table = "% time     seconds  usecs/call     calls    errors syscall\n\
            ------ ----------- ----------- --------- --------- ----------------\n \
            60.00    0.003000          15       200           fsync\n \
            40.00    0.002000          10       100        40 futex\n\
            ------ ----------- ----------- --------- --------- ----------------\n\
            100.00    0.005000          16       300        40 total\n";
        let expected = BTreeMap::from([("fsync".to_owned(), 200), ("futex".to_owned(), 100)]);
        assert_eq!(parse(table), expected);
    }
}
