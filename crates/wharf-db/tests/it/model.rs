//! Random transactions, several at once, against a model: what the database holds is what was acknowledged.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::Config;
use tokio::task::JoinSet;
use wharf_db::{Db, Error, Tx, params};
use wharf_testkit::Database;

use crate::{put, seen};

#[derive(Debug, Clone)]
enum Step {
    Put(u8, i64),
    Add(u8),
    Remove(u8),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Keep,
    Fail,
    BreakAStatement,
    Drop,
}

#[derive(Debug, Clone)]
struct Planned {
    steps: Vec<Step>,
    end: End,
}

type Model = BTreeMap<String, i64>;

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..6_u8, any::<i32>()).prop_map(|(key, value)| Step::Put(key, i64::from(value))),
        (0..6_u8).prop_map(Step::Add),
        (0..6_u8).prop_map(Step::Remove),
    ]
}

fn planned() -> impl Strategy<Value = Planned> {
    let end =
        prop_oneof![4 => Just(End::Keep), 1 => Just(End::Fail), 1 => Just(End::BreakAStatement), 1 => Just(End::Drop)];
    (prop::collection::vec(step(), 1..5), end).prop_map(|(steps, end)| Planned { steps, end })
}

async fn apply(tx: &mut Tx<'_>, prefix: &str, step: &Step) -> Result<(), Error> {
    match step {
        Step::Put(key, value) => put(tx, &format!("{prefix}{key}"), *value).await.map(drop),
        Step::Add(key) => {
            let name = format!("{prefix}{key}");
            let before = seen(tx, &name).await?.unwrap_or(0);
            put(tx, &name, before + 1).await.map(drop)
        }
        Step::Remove(key) => {
            let name = format!("{prefix}{key}");
            tx.execute("DELETE FROM leases WHERE name = ?1", &params![name]).await.map(drop)
        }
    }
}

fn apply_to(model: &mut Model, prefix: &str, step: &Step) {
    match step {
        Step::Put(key, value) => drop(model.insert(format!("{prefix}{key}"), *value)),
        Step::Add(key) => *model.entry(format!("{prefix}{key}")).or_insert(0) += 1,
        Step::Remove(key) => drop(model.remove(&format!("{prefix}{key}"))),
    }
}

/// Runs one task's transactions on keys of its own, and says what must be there afterwards.
async fn run(db: Db, prefix: String, plan: Vec<Planned>) -> Model {
    let mut model = Model::new();
    for planned in plan {
        let transaction = db.transaction(async |tx| {
            for step in &planned.steps {
                apply(tx, &prefix, step).await?;
            }
            match planned.end {
                End::Keep => Ok(()),
                End::Fail => Err(Error::Busy),
                End::BreakAStatement => tx.execute("INSERT INTO nowhere VALUES (1)", &[]).await.map(drop),
                End::Drop => std::future::pending().await,
            }
        });
        if planned.end == End::Drop {
            let given_up = tokio::time::timeout(std::time::Duration::from_millis(3), transaction).await;
            assert!(given_up.is_err());
            continue;
        }
        assert_eq!(transaction.await.is_ok(), planned.end == End::Keep);
        if planned.end == End::Keep {
            planned.steps.iter().for_each(|step| apply_to(&mut model, &prefix, step));
        }
    }
    model
}

async fn content(db: &Db) -> Model {
    let rows = db.list("SELECT name, expires_at FROM leases", &[]).await.unwrap();
    rows.iter().map(|row| (row.text(0).unwrap().to_owned(), row.integer(1).unwrap())).collect()
}

async fn check(plans: Vec<Vec<Planned>>) {
    let database = Database::open().await;
    let mut tasks = JoinSet::new();
    for (task, plan) in plans.into_iter().enumerate() {
        tasks.spawn(run(database.db.clone(), format!("{task}/"), plan));
    }
    let wanted: Model = tasks.join_all().await.into_iter().flatten().collect();
    assert_eq!(content(&database.db).await, wanted);
}

proptest! {
    #![proptest_config(Config { cases: 24, ..Config::default() })]

    #[test]
    fn the_database_holds_what_was_acknowledged(
        plans in prop::collection::vec(prop::collection::vec(planned(), 1..8), 1..6),
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(3).enable_all().build().unwrap();
        runtime.block_on(check(plans));
    }
}
