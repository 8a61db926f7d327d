//! How a query is answered: which condition the index is walked by, and which are checked on the way.

use wharf_context::Visibility;
use wharf_db::Db;

use super::query::{Bounds, Condition, Query};
use super::{store, term};
use crate::error::Error;

/// Up to so many rows, a condition is rare: all of them can be put in order.
pub(super) const RARE: i64 = 2_000;

/// What the index is walked by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Driver {
    /// One term, in the order of the index.
    Term(String),
    /// All rows of terms between two texts; they are few.
    Between(String, String),
    /// All rows of some terms, as a JSON list; they are few.
    Any(String),
    /// All images.
    All,
}

/// A query, ready to be run. Lists are JSON.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) driver: Driver,
    /// Numbers of the projects that the caller sees; `None` for all.
    pub(super) projects: Option<String>,
    pub(super) all: String,
    pub(super) none: String,
    /// Pairs: from, and behind.
    pub(super) all_between: String,
    pub(super) none_between: String,
    pub(super) pushed: Bounds,
    pub(super) size: Bounds,
}

/// Counts, as far as it matters, what each condition leaves, and walks by the rarest.
pub(super) async fn make(db: &Db, visibility: &Visibility, query: &Query) -> Result<Plan, Error> {
    let (mut driver, mut least) = (Driver::All, i64::MAX);
    for condition in &query.all {
        let (count, candidate) = match condition {
            Condition::Term(text) => (store::count_term(db, text).await?, Driver::Term(text.clone())),
            Condition::Begins(begin) => {
                let behind = term::behind(begin);
                let count = store::count_between(db, begin, &behind).await?;
                (count, Driver::Between(begin.clone(), behind))
            }
        };
        let is_walkable = count <= RARE || matches!(candidate, Driver::Term(_));
        if count < least && is_walkable {
            (driver, least) = (candidate, count);
        }
    }
    let projects = match visibility {
        Visibility::All => None,
        Visibility::Projects(projects) => {
            let terms: Vec<String> = projects.iter().map(|project| store::project_term(*project)).collect();
            let terms = serde_json::Value::from(terms).to_string();
            let count = store::count_any(db, &terms).await?;
            if count < least && count <= RARE {
                driver = Driver::Any(terms);
            }
            let ids: Vec<i64> = projects.iter().map(|project| project.0).collect();
            Some(serde_json::Value::from(ids).to_string())
        }
    };
    let (all, all_between) = split(&query.all);
    let (none, none_between) = split(&query.none);
    Ok(Plan { driver, projects, all, none, all_between, none_between, pushed: query.pushed, size: query.size })
}

/// Conditions as two JSON lists: terms, and pairs of texts that a term lies between.
fn split(conditions: &[Condition]) -> (String, String) {
    let (mut terms, mut pairs) = (Vec::new(), Vec::new());
    for condition in conditions {
        match condition {
            Condition::Term(text) => terms.push(text.clone()),
            Condition::Begins(begin) => pairs.push(serde_json::json!([begin, term::behind(begin)])),
        }
    }
    (serde_json::Value::from(terms).to_string(), serde_json::Value::from(pairs).to_string())
}
