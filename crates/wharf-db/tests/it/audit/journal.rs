//! The journal: equal entries are one row, nobody fills it, and what was dropped is told.

use std::sync::Arc;

use serde_json::{Value, json};
use wharf_context::{Caller, Context, Grants, RequestId, Timestamp};
use wharf_db::audit::journal::{Journal, Room};
use wharf_db::{AuditEntry, AuditFilter, AuditRecord, Db, Outcome};
use wharf_testkit::Database;

const ROOM: Room = Room { entries: 100, per_address: 10 };
const AT: Timestamp = Timestamp(1_700_000_000_000_000);

fn refusal(address: u8, object: &str) -> AuditEntry {
    let ctx =
        Context::new(Caller::anonymous(), RequestId::generate(), Some([10, 0, 0, address].into()), Grants::default());
    AuditEntry::new(&ctx, "login", object).with_outcome(Outcome::Denied).with_details(json!({ "reason": "wrong" }))
}

async fn rows(db: &Db) -> Vec<AuditRecord> {
    db.audit(&AuditFilter::default(), None, 1_000).await.unwrap().records
}

fn details(row: &AuditRecord) -> Value {
    serde_json::from_str(&row.details).unwrap()
}

#[tokio::test]
async fn equal_entries_are_one_row_that_says_how_many() {
    let (database, journal) = (Database::open().await, Journal::new(ROOM));
    for number in 0..50 {
        journal.note(refusal(1, "alice"), Timestamp(AT.0 + number));
    }
    journal.note(refusal(1, "bob"), AT);
    journal.note(refusal(2, "alice"), AT);
    assert_eq!(rows(&database.db).await, [], "noting writes nothing");
    journal.flush(&database.db).await.unwrap();
    let mut found: Vec<_> = rows(&database.db)
        .await
        .iter()
        .map(|row| (row.resource.clone(), row.remote.clone().unwrap(), details(row)))
        .collect();
    found.sort_by_key(|(object, address, _)| (object.clone(), address.clone()));
    let counted = json!({ "reason": "wrong", "count": 50, "first_at_micros": AT.0 });
    let (first, second) = ("10.0.0.1".to_owned(), "10.0.0.2".to_owned());
    let once = json!({ "reason": "wrong" });
    assert_eq!(
        found,
        [
            ("alice".to_owned(), first.clone(), counted),
            ("alice".to_owned(), second, once.clone()),
            ("bob".to_owned(), first, once)
        ]
    );
    journal.flush(&database.db).await.unwrap();
    assert_eq!(rows(&database.db).await.len(), 3, "what is written is not written again");
}

#[tokio::test]
async fn an_address_that_is_refused_for_everything_has_its_share_and_no_more() {
    let (database, journal) = (Database::open().await, Journal::new(ROOM));
    for number in 0..10_000 {
        journal.note(refusal(1, &format!("user{number}")), AT);
    }
    journal.note(refusal(2, "alice"), AT);
    journal.flush(&database.db).await.unwrap();
    let found = rows(&database.db).await;
    assert_eq!(found.len(), 10 + 1 + 1);
    let others = found.iter().find(|row| row.resource == "*").expect("the others");
    assert_eq!(details(others)["count"], 10_000 - 10);
    assert_eq!(journal.dropped(), 0, "all of them are counted");
}

#[tokio::test]
async fn what_finds_no_room_is_counted_and_told() {
    let (database, journal) = (Database::open().await, Journal::new(ROOM));
    for number in 0..=255_u8 {
        journal.note(refusal(number, "alice"), AT);
        journal.note(refusal(number, "alice"), AT);
    }
    let dropped = 2 * (256 - 100);
    assert_eq!(journal.dropped(), dropped);
    journal.flush(&database.db).await.unwrap();
    let found = rows(&database.db).await;
    assert_eq!(found.len(), 100 + 1);
    let told = found.iter().find(|row| row.action == "audit.drop").expect("a row that tells");
    assert_eq!((details(told)["dropped"].as_u64(), told.outcome.as_str()), (Some(dropped), "failed"));
    journal.flush(&database.db).await.unwrap();
    assert_eq!(rows(&database.db).await.len(), 101, "it is told once");
}

#[tokio::test]
async fn what_a_stranger_sends_is_written_as_plain_text() {
    let (database, journal) = (Database::open().await, Journal::new(ROOM));
    journal.note(refusal(1, &format!("a\0b\n{}", "x".repeat(5_000))), AT);
    journal.flush(&database.db).await.unwrap();
    let found = rows(&database.db).await;
    assert!(found[0].resource.starts_with("a\u{fffd}b\u{fffd}xxx") && found[0].resource.chars().count() == 512);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_lost_or_doubled_between_noting_and_writing() {
    let database = Database::open().await;
    let journal = Arc::new(Journal::new(Room { entries: 1_000, per_address: 1_000 }));
    let noting: Vec<_> = (0..8_u8)
        .map(|address| {
            let journal = Arc::clone(&journal);
            tokio::spawn(async move {
                for number in 0..500 {
                    journal.note(refusal(address, &format!("user{}", number % 7)), AT);
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    for _ in 0..20 {
        journal.flush(&database.db).await.unwrap();
    }
    for task in noting {
        task.await.unwrap();
    }
    journal.flush(&database.db).await.unwrap();
    let count = |row: &AuditRecord| details(row)["count"].as_u64().unwrap_or(1);
    assert_eq!(rows(&database.db).await.iter().map(count).sum::<u64>(), 8 * 500);
}
