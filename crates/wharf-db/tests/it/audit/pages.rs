//! Pages of the log by person, object, action, outcome and time, compared with a plain walk over all rows.

use std::time::Duration;

use wharf_context::Timestamp;
use wharf_db::{AuditEntry, AuditFilter, AuditRecord, Db, ObjectFilter, Outcome};
use wharf_testkit::Database;

use super::{as_robot, write};

const PEOPLE: [&str; 3] = ["alice", "bob", "pay+ci"];
const OBJECTS: [&str; 6] = ["pay", "pay/app", "pay/app-2", "pay/app@sha256:0", "payroll/app", "alice"];
const ACTIONS: [&str; 3] = ["tag.put", "tag.delete", "user.login"];
const OUTCOMES: [Outcome; 3] = [Outcome::Succeeded, Outcome::Denied, Outcome::Failed];
const ROWS: usize = 2_500;

/// A number that looks like chance and is always the same.
fn chance(number: usize, salt: usize, below: usize) -> usize {
    let mixed = (number * 2_654_435_761 + salt * 40_503).wrapping_mul(0x9E37_79B9) >> 7;
    mixed % below
}

/// Rows of a rare person, a rare action and everything else; several at one time.
async fn fill(database: &Database) {
    for number in 0..ROWS {
        let person = if number % 997 == 0 { "carol" } else { PEOPLE[chance(number, 1, 3)] };
        let action = if number % 499 == 0 { "key.rotate" } else { ACTIONS[chance(number, 2, 3)] };
        let entry = AuditEntry::new(&as_robot(person), action, OBJECTS[chance(number, 3, 6)]);
        let outcome = if chance(number, 4, 10) < 8 { Outcome::Succeeded } else { OUTCOMES[chance(number, 5, 3)] };
        write(&database.db, &entry.with_outcome(outcome)).await;
        if number % 3 == 0 {
            database.clock.advance(Duration::from_secs(1));
        }
    }
}

/// Whether a row is one of those that a filter means, as anybody would say it.
fn is_meant(filter: &AuditFilter, row: &AuditRecord) -> bool {
    let object = match &filter.object {
        Some(ObjectFilter::Named(name)) => row.resource == *name,
        Some(ObjectFilter::Beginning(text)) => row.resource.starts_with(text.as_str()),
        None => true,
    };
    object
        && filter.person.as_ref().is_none_or(|person| row.caller_name == *person)
        && filter.action.as_ref().is_none_or(|action| row.action == *action)
        && filter.outcome.is_none_or(|outcome| row.outcome == outcome.as_str())
        && filter.from.is_none_or(|from| row.at >= from)
        && filter.to.is_none_or(|to| row.at < to)
}

/// All pages of a filter, one after another.
async fn read(db: &Db, filter: &AuditFilter, limit: u32) -> Vec<AuditRecord> {
    let (mut found, mut before, mut pages) = (Vec::new(), None, 0);
    loop {
        let page = db.audit(filter, before, limit).await.unwrap();
        assert!(page.records.len() <= limit as usize);
        found.extend(page.records);
        assert!(before.is_none() || page.next.is_none() || page.next < before, "each page goes on");
        before = page.next;
        pages += 1;
        assert!(pages <= ROWS, "the list ends");
        if before.is_none() {
            return found;
        }
    }
}

fn filters(times: &[Timestamp]) -> Vec<AuditFilter> {
    let named = |name: &str| Some(ObjectFilter::Named(name.to_owned()));
    let beginning = |text: &str| Some(ObjectFilter::Beginning(text.to_owned()));
    let objects = [
        None,
        named("pay/app"),
        named("nobody"),
        beginning("pay/"),
        beginning("pay/app"),
        beginning("pa"),
        beginning(""),
    ];
    let spans = [(None, None), (Some(times[500]), Some(times[1_700])), (Some(times[2_400]), None)];
    let persons = [None, Some("alice"), Some("carol")].map(|name| name.map(str::to_owned));
    let actions = [None, Some("tag.delete"), Some("key.rotate")].map(|name| name.map(str::to_owned));
    let outcomes = [None, Some(Outcome::Succeeded), Some(Outcome::Denied)];
    let filters = each(&[AuditFilter::default()], &persons, |filter, person| filter.person = person);
    let filters = each(&filters, &objects, |filter, object| filter.object = object);
    let filters = each(&filters, &actions, |filter, action| filter.action = action);
    let filters = each(&filters, &outcomes, |filter, outcome| filter.outcome = outcome);
    each(&filters, &spans, |filter, (from, to)| (filter.from, filter.to) = (from, to))
}

/// Each filter with each value.
fn each<T: Clone>(filters: &[AuditFilter], values: &[T], set: impl Fn(&mut AuditFilter, T)) -> Vec<AuditFilter> {
    let with = |filter: &AuditFilter, value: &T| {
        let mut filter = filter.clone();
        set(&mut filter, value.clone());
        filter
    };
    filters.iter().flat_map(|filter| values.iter().map(|value| with(filter, value)).collect::<Vec<_>>()).collect()
}

#[tokio::test]
async fn pages_of_any_filter_are_what_a_walk_over_all_rows_finds() {
    let database = Database::open().await;
    fill(&database).await;
    let mut all = read(&database.db, &AuditFilter::default(), 1_000).await;
    assert_eq!(all.len(), ROWS);
    assert!(all.is_sorted_by(|a, b| (a.at, a.id) > (b.at, b.id)), "the newest first");
    let mut times: Vec<Timestamp> = all.iter().map(|row| row.at).collect();
    times.reverse();
    for (number, filter) in filters(&times).iter().enumerate() {
        let limit = [7, 100, 1_000][number % 3];
        let wanted: Vec<&AuditRecord> = all.iter().filter(|row| is_meant(filter, row)).collect();
        let found = read(&database.db, filter, limit).await;
        assert!(found.iter().eq(wanted.iter().copied()), "{filter:?}: {} instead of {}", found.len(), wanted.len());
    }
    // What is sealed has its number in pages, too.
    while database.db.seal_audit().await.unwrap() > 0 {}
    all = read(&database.db, &AuditFilter::default(), 1_000).await;
    assert!(all.iter().all(|row| row.link.is_some()));
}
