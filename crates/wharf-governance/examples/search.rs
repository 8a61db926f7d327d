//! What a search costs: `search DATABASE-URL IMAGES` fills an empty catalog's index and asks, a hundred times each, what
//! people ask; prints the median and the worst of each in milliseconds.

#![expect(clippy::print_stdout, reason = "its figures are what it is for")]

use std::sync::Arc;
use std::time::Instant;

use wharf_context::{ProjectId, SystemClock, Visibility};
use wharf_db::{Db, Settings};
use wharf_governance::search::{Position, Query, seed};
use wharf_governance::{Governance, Nobody};
use wharf_oci::Environments;
use wharf_registry::Registry;

const TIMES: usize = 100;

const QUERIES: [&str; 12] = [
    "",
    "label:team=t7",
    "label:team=t7 arch:arm64",
    "label:tier=rare",
    "label:tier=rare -arch:amd64",
    "arch:arm64 project:team3",
    "os:linux pushed:>2026-03-01",
    "service7 2026",
    "tag:2026.1* label:team=t1",
    "commit:abc",
    "size:>900MB os:linux -arch:arm64",
    "arch:arm64 label:team=t7 tag:nothing",
];

type Failure = Box<dyn std::error::Error>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [url, images] = words.as_slice() else { return Err("usage: search DATABASE-URL IMAGES".into()) };
    let db = Db::open(&Settings::new(url), Arc::new(SystemClock), Vec::new()).await?;
    let store = Arc::new(wharf_blob::Memory::new());
    let registry = Registry::new(wharf_registry::Settings::default(), db.clone(), store, Arc::new(SystemClock));
    let governance = Governance::new(db.clone(), registry, Environments::default(), Arc::new(Nobody));
    let begun = Instant::now();
    seed::fill(&db, images.parse()?).await?;
    println!("filled in {} s", begun.elapsed().as_secs());
    let few = Visibility::Projects((1..=3).map(ProjectId).collect());
    println!("{:<45} {:>6} {:>8} {:>8}", "query", "found", "median", "worst");
    for query in QUERIES {
        for (who, visibility) in [("all", &Visibility::All), ("3 projects", &few)] {
            ask(&governance, (who, visibility), query).await?;
        }
    }
    Ok(())
}

async fn ask(governance: &Governance, (who, visibility): (&str, &Visibility), text: &str) -> Result<(), Failure> {
    let query = Query::parse(text)?;
    let (mut times, mut found) = (Vec::new(), 0);
    for _ in 0..TIMES {
        let begun = Instant::now();
        found = governance.search(visibility, &query, (Position::START, 100)).await?.0.len();
        times.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    println!("{:<45} {found:>6} {:>8.2} {:>8.2}", format!("{text} ({who})"), times[TIMES / 2], times[TIMES - 1]);
    Ok(())
}
