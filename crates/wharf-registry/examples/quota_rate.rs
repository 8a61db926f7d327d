//! What a quota costs where many push into one project at once:
//!
//! `WHARF_TEST_POSTGRES=postgres://… cargo run --release -p wharf-registry --example quota_rate [ROUNDS] [PUSHES]`
//!
//! 64 pushers, each blob tiny and new, in turns: into one project without limits, into one far below its limits, and
//! each pusher into a project of its own. Bytes lie in memory, so that nothing but the catalog takes time.

#![expect(clippy::print_stdout, reason = "it is a command")]

use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use futures_util::future::join_all;
use futures_util::stream;
use wharf_blob::Memory;
use wharf_context::quota::{Limit, Limits};
use wharf_context::{
    Caller, CallerId, Context, Grant, Grants, MaintainProject, Permissions, ProjectId, RequestId, SystemClock,
};
use wharf_db::Db;
use wharf_oci::{Algorithm, Digest, RepositoryName};
use wharf_registry::upload::Chunk;
use wharf_registry::{Registry, Settings};
use wharf_testkit::Database;

const PUSHERS: usize = 64;
/// Pushes of each while all is new: repositories, and the rows that count.
const FIRST: usize = 5;
/// More than is pushed here, by far.
const FAR: i64 = 1_000_000_000_000;

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[derive(Debug, Clone, Copy)]
enum Way {
    Unlimited,
    Limited,
    Apart,
}

const WAYS: [(Way, &str); 3] = [
    (Way::Unlimited, "one project without limits"),
    (Way::Limited, "one project far below its limits"),
    (Way::Apart, "64 projects"),
];

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut words = std::env::args().skip(1).map(|word| word.parse::<usize>());
    let rounds = words.next().transpose()?.unwrap_or(5);
    let pushes = words.next().transpose()?.unwrap_or(100);
    let database = Database::open().await;
    // As a server opens it: 16 connections, and PostgreSQL's own clock.
    let settings = wharf_db::Settings::new(database.settings().url.clone());
    let db = Db::open(&settings, Arc::new(SystemClock), Vec::new()).await?;
    let registry = Registry::new(Settings::default(), db.clone(), Arc::new(Memory::new()), Arc::new(SystemClock));
    println!("on {}", if database.is_postgres() { "PostgreSQL" } else { "SQLite" });
    let mut number = 0;
    // The first round warms up and is not told.
    for round in 0..=rounds {
        for (way, name) in WAYS {
            number += 1;
            let before = db.figures().retried;
            let first = measure(&registry, way, number, 0..FIRST).await?;
            let between = db.figures().retried;
            let rate = measure(&registry, way, number, FIRST..FIRST + pushes).await?;
            if round > 0 {
                let (begun, later) = (between - before, db.figures().retried - between);
                println!(
                    "round {round}  first {first:5.0} pushes/s, {begun:5} attempts anew; \
                     then {rate:5.0} pushes/s, {later:5} attempts anew  {name}"
                );
            }
        }
    }
    Ok(())
}

/// Pushes per second, into projects of this number's own.
async fn measure(registry: &Registry, way: Way, number: i64, pushes: Range<usize>) -> Result<f64, Failure> {
    let first = ProjectId(number * 1_000);
    if matches!(way, Way::Limited) && pushes.start == 0 {
        let project = MaintainProject { id: first, name: "p".parse()? };
        let limit = Limit { hard: Some(FAR), warn: Some(FAR / 2) };
        let limits = Limits { bytes: limit, manifests: limit };
        registry.set_quota(&context("pay/app".parse()?, first), &project, &limits).await?;
    }
    let tasks = (0..PUSHERS).map(|pusher| {
        let offset = if matches!(way, Way::Apart) { pusher as i64 } else { 0 };
        tokio::spawn(push(registry.clone(), ProjectId(first.0 + offset), (number, pusher), pushes.clone()))
    });
    let start = Instant::now();
    for pushed in join_all(tasks).await {
        pushed??;
    }
    Ok((PUSHERS * pushes.len()) as f64 / start.elapsed().as_secs_f64())
}

async fn push(registry: Registry, project: ProjectId, who: (i64, usize), pushes: Range<usize>) -> Result<(), Failure> {
    let repository: RepositoryName = format!("p{}/r{}", who.0, who.1).parse()?;
    let ctx = context(repository.clone(), project);
    for push in pushes {
        let content = Bytes::from(format!("{who:?} {push}"));
        let digest = Digest::of(Algorithm::Sha256, &content);
        let body = Box::pin(stream::iter([Ok(content.clone())]));
        let chunk = Chunk { range: None, length_bytes: Some(content.len() as u64), body };
        registry.push_blob(&ctx, &repository, &digest, chunk).await?;
    }
    Ok(())
}

fn context(repository: RepositoryName, project: ProjectId) -> Context {
    let grant = Grant { repository, project: Some(project), granted: Permissions::ALL, refused: Permissions::NONE };
    let caller = Caller { id: CallerId::User(1), name: "pusher".to_owned() };
    Context::new(caller, RequestId::generate(), None, Grants(vec![grant]))
}
