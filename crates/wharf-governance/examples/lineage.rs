//! Measures lineage on a large graph: `cargo run --release -p wharf-governance --features seed --example lineage -- URL IMAGES`.
//!
//! URL is a database that may be filled: `sqlite:/tmp/lineage.db` or `postgres://…`. One that was filled before is measured.

#![expect(clippy::print_stdout, reason = "its figures are what it is for")]

use std::sync::Arc;
use std::time::Instant;

use wharf_blob::Memory;
use wharf_context::SystemClock;
use wharf_db::Db;
use wharf_governance::lineage::seed;
use wharf_governance::{Governance, Nobody};
use wharf_oci::Environments;
use wharf_registry::{Registry, Settings};

const SEED: u64 = 42;
const TIMES: usize = 200;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut words = std::env::args().skip(1);
    let (Some(url), Some(images)) = (words.next(), words.next()) else {
        return Err("name a database and a number".into());
    };
    let images: usize = images.parse()?;
    let db = Db::open(&wharf_db::Settings::new(url), Arc::new(SystemClock), Vec::new()).await?;
    let registry = Registry::new(Settings::default(), db.clone(), Arc::new(Memory::new()), Arc::new(SystemClock));
    let governance = Governance::new(db, registry, Environments::default(), Arc::new(Nobody));
    let begun = Instant::now();
    seed::fill(&governance, SEED, images).await?;
    println!("{images} images in {:.0?}", begun.elapsed());
    for measured in seed::measure(&governance, SEED, images, TIMES).await? {
        let (middle, longest) = (measured.middle.as_secs_f64() * 1e3, measured.longest.as_secs_f64() * 1e3);
        println!("{:<60} {middle:>7.1} ms {longest:>7.1} ms at most, {} entries", measured.question, measured.entries);
    }
    Ok(())
}
