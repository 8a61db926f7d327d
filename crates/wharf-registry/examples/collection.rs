//! How fast collection gives blobs back, and what the size of the catalog costs it:
//!
//! `cargo run --release -p wharf-registry --features seed --example collection [BLOBS] [MANIFESTS]`
//!
//! Pushes BLOBS blobs that no manifest names onto files that are synced as a server syncs them, into a catalog that
//! already has MANIFESTS manifests, and collects them when their grace is over; all that three times. On SQLite, or on
//! PostgreSQL where `WHARF_TEST_POSTGRES` names a server; everything lies in the folder for temporary files (`TMPDIR`).

#![expect(clippy::print_stdout, reason = "the figures are for whoever runs this")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::try_join_all;
use futures_util::stream;
use wharf_blob::Files;
use wharf_context::{Caller, CallerId, Context, Grant, Grants, Permissions, ProjectId, RequestId, SystemClock};
use wharf_db::Db;
use wharf_oci::{Algorithm, Digest, RepositoryName};
use wharf_registry::upload::Chunk;
use wharf_registry::{Registry, Settings, seed};
use wharf_testkit::Database;

const ROUNDS: usize = 3;
const PUSHERS: usize = 64;
const BLOB_BYTES: usize = 4_096;
/// Nothing is collected while it is pushed: a pass is only begun here.
const GRACE: Duration = Duration::from_secs(1);
const PROJECT: ProjectId = ProjectId(1);
/// The same catalog for everybody.
const SEED: u64 = 4;

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut words = std::env::args().skip(1).map(|word| word.parse::<usize>());
    let blobs = words.next().transpose()?.unwrap_or(20_000);
    let manifests = words.next().transpose()?.unwrap_or(0);
    let database = Database::open().await;
    // As a server opens it: 16 connections, and PostgreSQL's own clock.
    let settings = wharf_db::Settings::new(database.settings().url.clone());
    let db = Db::open(&settings, Arc::new(SystemClock), Vec::new()).await?;
    for repository in 0..manifests.div_ceil(seed::MANIFESTS_EACH) {
        seed::add_repository(&db, PROJECT, SEED, repository).await?;
    }
    let folder = tempfile::tempdir()?;
    let files = Arc::new(Files::open(folder.path())?);
    let settings = Settings { grace: GRACE, ..Settings::default() };
    let registry = Registry::new(settings, db, files, Arc::new(SystemClock));
    let on = if database.is_postgres() { "PostgreSQL" } else { "SQLite" };
    for round in 0..ROUNDS {
        let tasks = (0..PUSHERS).map(|pusher| push(&registry, round, (pusher..blobs).step_by(PUSHERS)));
        try_join_all(tasks).await?;
        tokio::time::sleep(GRACE * 2).await;
        let begun = Instant::now();
        let collected = registry.collect().await?;
        let took = begun.elapsed();
        let rate = collected.blobs as f64 / took.as_secs_f64();
        println!("{on}, {manifests} manifests: {} blobs in {took:.2?}, {rate:.0} blobs/s", collected.blobs);
    }
    Ok(())
}

/// Pushes the blobs of a round with these numbers, one after the other.
async fn push(registry: &Registry, round: usize, numbers: impl Iterator<Item = usize>) -> Result<(), Failure> {
    let repository: RepositoryName = "pay/app".parse()?;
    let grant = Grant {
        repository: repository.clone(),
        project: Some(PROJECT),
        granted: Permissions::ALL,
        refused: Permissions::NONE,
    };
    let caller = Caller { id: CallerId::User(1), name: "pusher".to_owned() };
    let ctx = Context::new(caller, RequestId::generate(), None, Grants(vec![grant]));
    for number in numbers {
        let content = Bytes::from(format!("{round}{number:BLOB_BYTES$}"));
        let digest = Digest::of(Algorithm::Sha256, &content);
        let body = Box::pin(stream::iter([Ok(content.clone())]));
        let chunk = Chunk { range: None, length_bytes: Some(content.len() as u64), body };
        registry.push_blob(&ctx, &repository, &digest, chunk).await?;
    }
    Ok(())
}
