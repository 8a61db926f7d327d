//! How SQLite goes about collection's statements: by an index, never through a whole table.

use wharf_db::{Statement, Value};
use wharf_testkit::Database;

use super::store::{self, forecast, status};
use super::untagged;
use crate::{bin, blob, manifest};

/// The tables that grow with what is stored.
const LARGE: [&str; 8] = [
    "blobs",
    "repository_blobs",
    "manifests",
    "manifest_references",
    "tags",
    "repositories",
    "project_blobs",
    "uploads",
];

#[tokio::test]
async fn no_statement_of_collection_reads_a_whole_table() {
    let database = Database::open().await;
    if database.is_postgres() {
        return;
    }
    let statements: [(Statement, usize); 26] = [
        (store::CLAIM_REVIEWS, 3),
        (store::TAKE_DUE, 2),
        (store::MARK_UNLINKED, 3),
        (store::CLAIM_DYING, 3),
        (store::FORGET, 1),
        (blob::store::UNLINK_UNBACKED, 1),
        (manifest::store::EXPIRED.into(), 2),
        (manifest::store::STILL_EXPIRED, 2),
        (manifest::store::REVIEW_BLOBS, 2),
        (manifest::store::ERASE_REFERENCES, 1),
        (manifest::store::ERASE, 1),
        (untagged::store::DUE.into(), 2),
        (untagged::store::TAKE.into(), 3),
        (untagged::store::NEEDS.into(), 2),
        (bin::store::ALL.into(), 2),
        (bin::store::REFERRERS.into(), 2),
        (bin::store::WENT_ALONG.into(), 2),
        (bin::store::CHILDREN.into(), 2),
        (status::DUE_REVIEWS.into(), 2),
        (status::DYING.into(), 2),
        (status::EXPIRED.into(), 2),
        (forecast::DELETING.into(), 3),
        (forecast::UPLOADS.into(), 3),
        (forecast::BINNED.into(), 3),
        (forecast::UNTAGGED.into(), 4),
        (forecast::UNUSED.into(), 3),
    ];
    for (statement, parameters) in statements {
        let sql: &'static str = Box::leak(format!("EXPLAIN QUERY PLAN {}", statement.sqlite()).into_boxed_str());
        let steps = database.db.list(sql, &vec![Value::Null; parameters]).await.expect("explained");
        for step in &steps {
            let step = step.text(3).expect("a step");
            // A scan by an index goes on from where the page begins, up to its limit.
            let table = step.strip_prefix("SCAN ").and_then(|rest| rest.split(' ').next()).unwrap_or_default();
            assert!(!LARGE.contains(&table) || step.contains("INDEX"), "{step}: {}", statement.sqlite());
        }
    }
}
