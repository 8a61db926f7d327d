//! Fills a catalog to measure on: `seed DATABASE-URL MANIFESTS`, for `cargo xtask seed`.
//!
//! The catalog has been made by `wharf serve`, and something was pushed to `seed/template` there: so the project is known.

use std::sync::Arc;

use wharf_context::SystemClock;
use wharf_db::{Db, Settings};
use wharf_registry::seed::{self, MANIFESTS_EACH};

/// The same catalog for everybody.
const SEED: u64 = 4;

type Failure = Box<dyn std::error::Error>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [url, manifests] = words.as_slice() else { return Err("usage: seed DATABASE-URL MANIFESTS".into()) };
    let manifests: usize = manifests.parse()?;
    let db = Db::open(&Settings::new(url), Arc::new(SystemClock), Vec::new()).await?;
    let project = seed::project_of(&db, &"seed/template".parse()?).await?;
    let project = project.ok_or("nothing was pushed to `seed/template`")?;
    for number in 0..manifests.div_ceil(MANIFESTS_EACH) {
        seed::add_repository(&db, project, SEED, number).await?;
    }
    Ok(())
}
