//! How long a page of the audit log takes when the log is long: makes rows, seals them, and asks for pages of every kind of filter.
//!
//! `cargo run --release -p wharf-db --example audit_pages -- sqlite:/tmp/audit.db 10000000`
//!
//! A database that has rows already is only added to, so that pages can be measured again.

#![expect(clippy::print_stdout, reason = "the figures are for whoever runs this")]

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use wharf_context::{Caller, CallerId, Context, FakeClock, Grants, RequestId, Timestamp};
use wharf_db::{AuditEntry, AuditFilter, Db, Error, ObjectFilter, Outcome, Settings, Time};

/// How many rows one transaction writes.
const BATCH: usize = 5_000;
/// How many pages of each filter are asked for, one after another.
const PAGES: usize = 200;
const START: Timestamp = Timestamp(1_700_000_000_000_000);
const ACTIONS: [&str; 6] = ["manifest.put", "manifest.pull", "tag.put", "tag.delete", "login", "member.put"];

#[tokio::main]
async fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (Some(url), Some(Ok(rows))) = (arguments.next(), arguments.next().map(|rows| rows.parse::<usize>())) else {
        eprintln!("usage: audit_pages DATABASE-URL ROWS");
        return ExitCode::from(2);
    };
    match run(&url, rows).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(url: &str, rows: usize) -> Result<(), Error> {
    let clock = Arc::new(FakeClock::at(START));
    let settings = Settings { time: Time::Clock, ..Settings::new(url) };
    let db = Db::open(&settings, Arc::clone(&clock) as _, Vec::new()).await?;
    let there = usize::try_from(db.audit_head().await?.sequence).unwrap_or_default();
    fill(&db, &clock, there, rows).await?;
    seal(&db).await?;
    for (name, filter) in filters(rows) {
        measure(&db, name, &filter).await?;
    }
    Ok(())
}

/// Writes rows until there are so many.
async fn fill(db: &Db, clock: &FakeClock, there: usize, rows: usize) -> Result<(), Error> {
    let begun = Instant::now();
    clock.advance(Duration::from_millis(100) * u32::try_from(there).unwrap_or(u32::MAX));
    for first in (there..rows).step_by(BATCH) {
        let numbers = first..(first + BATCH).min(rows);
        db.transaction(async |tx| {
            for number in numbers {
                tx.audit(&entry(number)).await?;
            }
            Ok::<_, Error>(())
        })
        .await?;
        clock.advance(Duration::from_millis(100) * u32::try_from(BATCH).unwrap_or(u32::MAX));
    }
    println!("{} rows written in {:.1} s", rows.saturating_sub(there), begun.elapsed().as_secs_f64());
    Ok(())
}

async fn seal(db: &Db) -> Result<(), Error> {
    let (begun, mut sealed) = (Instant::now(), 0_u64);
    loop {
        let rows = db.seal_audit().await?;
        if rows == 0 {
            break;
        }
        sealed += u64::from(rows);
    }
    println!("{sealed} rows sealed in {:.1} s", begun.elapsed().as_secs_f64());
    Ok(())
}

/// A number that looks like chance and is always the same.
fn chance(number: usize, salt: u64, below: usize) -> usize {
    let mut mixed = (number as u64 ^ salt.wrapping_mul(0x9E37_79B9_7F4A_7C15)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed ^= mixed >> 29;
    usize::try_from(mixed.wrapping_mul(0x94D0_49BB_1331_11EB) >> 33).unwrap_or_default() % below
}

/// A row of a registry with 500 people, of whom few do most, 2,000 repositories of 100 projects, and one person who came twice.
fn entry(number: usize) -> AuditEntry {
    let person = chance(number, 1, 500).min(chance(number, 2, 500));
    let name = if number % 4_000_037 == 17 { "rare".to_owned() } else { format!("user{person}") };
    let caller = Caller { id: CallerId::User(i64::try_from(person).unwrap_or_default()), name };
    let remote = std::net::IpAddr::from([10, 0, 0, u8::try_from(chance(number, 3, 250)).unwrap_or_default()]);
    let ctx = Context::new(caller, RequestId::generate(), Some(remote), Grants::default());
    let repository = chance(number, 4, 2_000);
    let object = format!("project{}/app{repository}:{}", repository % 100, chance(number, 5, 500));
    let outcome = if chance(number, 6, 100) == 0 { Outcome::Denied } else { Outcome::Succeeded };
    let details = json!({ "digest": format!("sha256:{:064x}", number) });
    AuditEntry::new(&ctx, ACTIONS[chance(number, 7, ACTIONS.len())], object).with_outcome(outcome).with_details(details)
}

fn filters(rows: usize) -> Vec<(&'static str, AuditFilter)> {
    let all = AuditFilter::default();
    let of = |name: &str| AuditFilter { person: Some(name.to_owned()), ..AuditFilter::default() };
    let named = |name: &str| Some(ObjectFilter::Named(name.to_owned()));
    let beginning = |text: &str| Some(ObjectFilter::Beginning(text.to_owned()));
    let middle = START.plus(Duration::from_millis(100) * u32::try_from(rows / 2).unwrap_or(u32::MAX));
    let later = middle.plus(Duration::from_secs(3_600));
    vec![
        ("everything", all.clone()),
        ("an hour in the middle", AuditFilter { from: Some(middle), to: Some(later), ..all.clone() }),
        ("a busy person", of("user3")),
        ("a person who came twice", of("rare")),
        ("nobody", of("nobody")),
        ("an object", AuditFilter { object: named("project7/app7:7"), ..all.clone() }),
        ("a project's objects", AuditFilter { object: beginning("project7/"), ..all.clone() }),
        ("a repository's objects", AuditFilter { object: beginning("project7/app107:"), ..all.clone() }),
        ("an action", AuditFilter { action: Some("tag.delete".to_owned()), ..all.clone() }),
        ("refusals", AuditFilter { outcome: Some(Outcome::Denied), ..all.clone() }),
        ("a person's refusals", AuditFilter { outcome: Some(Outcome::Denied), ..of("user3") }),
        ("a person's deletions", AuditFilter { action: Some("tag.delete".to_owned()), ..of("user3") }),
        ("a person in a repository", AuditFilter { object: beginning("project7/app107:"), ..of("user3") }),
        (
            "a person's deletions in a project, in the second half",
            AuditFilter {
                action: Some("tag.delete".to_owned()),
                object: beginning("project7/"),
                from: Some(middle),
                ..of("user3")
            },
        ),
        ("who was rare and did what is usual", AuditFilter { action: Some("login".to_owned()), ..of("rare") }),
    ]
}

/// Asks for pages one after another, from the newest on, and begins anew at the end.
async fn measure(db: &Db, name: &str, filter: &AuditFilter) -> Result<(), Error> {
    let (mut times, mut rows, mut before) = (Vec::with_capacity(PAGES), 0, None);
    for _ in 0..PAGES {
        let begun = Instant::now();
        let page = db.audit(filter, before, 100).await?;
        times.push(begun.elapsed());
        rows += page.records.len();
        before = page.next;
    }
    times.sort();
    let at = |share: usize| times[(times.len() - 1) * share / 100].as_secs_f64() * 1_000.0;
    println!(
        "{name:<55} median {:>7.2} ms   99 % {:>7.2} ms   longest {:>7.2} ms   {rows} rows",
        at(50),
        at(99),
        at(100)
    );
    Ok(())
}
