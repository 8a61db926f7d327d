//! The log as a follower gets it, and a copy that is kept by it.

use std::path::Path;
use std::sync::{Arc, Mutex};

use futures_util::FutureExt as _;
use tokio::sync::oneshot;
use uuid::Uuid;
use wharf_db::log::{Acknowledged, Entry, NotFollowed, Position, Replica};
use wharf_db::{Db, Error, LogBatch, LogFollower, Settings, params};

use crate::{committed, open_again, put, sqlite};

/// Keeps all that it gets; where it has something to say, whoever committed waits for it.
#[derive(Debug, Default)]
struct Follower {
    batches: Mutex<Vec<LogBatch>>,
    words: Mutex<Vec<oneshot::Receiver<Result<(), NotFollowed>>>>,
    broken: Mutex<Vec<String>>,
}

impl LogFollower for Follower {
    fn committed(&self, batch: LogBatch) -> Option<Acknowledged> {
        // A turn that wrote nothing, like that of `follow_log`, is committed, too.
        if batch.frames.is_empty() {
            return None;
        }
        self.batches.lock().unwrap().push(batch);
        let word = self.words.lock().unwrap().pop()?;
        Some(async move { word.await.unwrap_or(Ok(())) }.boxed().shared())
    }

    fn broken(&self, why: &str) {
        self.broken.lock().unwrap().push(why.to_owned());
    }
}

impl Follower {
    fn count(&self) -> u64 {
        self.batches.lock().unwrap().len() as u64
    }

    /// What came after the first `skipped`.
    fn entries(&self, skipped: u64) -> Vec<Entry> {
        let batches = self.batches.lock().unwrap();
        let numbered = (1..).zip(batches.iter().cloned());
        numbered
            .skip(usize::try_from(skipped).unwrap())
            .map(|(number, batch)| Entry { number, done: 0, batch })
            .collect()
    }
}

async fn followed() -> (tempfile::TempDir, Db, Arc<Follower>) {
    let (folder, db) = sqlite(|_| {}).await;
    let follower = Arc::new(Follower::default());
    db.follow_log(Arc::clone(&follower) as _).await.unwrap();
    (folder, db, follower)
}

/// A copy in `folder` with all that the follower had when it was made.
async fn copy(folder: &Path, db: &Db, follower: &Arc<Follower>) -> Replica {
    let mut replica = Replica::open(&folder.join("copy.db"), &folder.join("journal")).unwrap();
    let counting = Arc::clone(follower);
    let batch = db.copy_base(&replica.base_path(), move || counting.count()).await.unwrap();
    replica.replace(Position { lineage: Uuid::nil(), batch, done: batch }).unwrap();
    replica
}

async fn write(db: &Db, names: std::ops::Range<i64>) {
    for name in names {
        db.transaction(async |tx| put(tx, &format!("row{name}"), name).await).await.unwrap();
    }
}

/// A transaction that fills so many pages.
async fn fill(db: &Db, pages: i64) {
    let sql = "INSERT INTO leases (name, token, expires_at) VALUES (?1, zeroblob(4000), 0) \
               ON CONFLICT (name) DO UPDATE SET expires_at = leases.expires_at + 1";
    db.transaction(async |tx| {
        for page in 0..pages {
            tx.execute(sql, &params![format!("page{page}")]).await?;
        }
        Ok::<_, Error>(())
    })
    .await
    .unwrap();
}

/// All rows of a database, which must be a sound one.
async fn rows(db: &Db) -> Vec<String> {
    let sound = db.list("PRAGMA integrity_check", &[]).await.unwrap();
    assert_eq!(sound[0].text(0).unwrap(), "ok");
    let rows = db.list("SELECT name, hex(token), expires_at FROM leases ORDER BY name", &[]).await.unwrap();
    rows.iter().map(|row| format!("{row:?}")).collect()
}

/// The copy in the file `path` has what `db` has.
async fn assert_equal(path: &Path, db: &Db) {
    let copy = open_again(&Settings::new(format!("sqlite:{}", path.display()))).await.unwrap();
    let (copied, expected) = (rows(&copy).await, rows(db).await);
    assert!(!expected.is_empty() && copied == expected, "the copy has other rows");
}

#[tokio::test]
async fn a_copy_has_what_was_committed_before_it_and_after() {
    let (folder, db, follower) = followed().await;
    write(&db, 0..20).await;
    let mut replica = copy(folder.path(), &db, &follower).await;
    write(&db, 10..40).await;
    let skipped = replica.position().unwrap().batch;
    for entry in follower.entries(skipped) {
        replica.append(vec![entry]).unwrap();
    }
    // Twice is once.
    replica.append(follower.entries(0)).unwrap();
    assert!(replica.finish().unwrap());
    assert_equal(&folder.path().join("copy.db"), &db).await;
    assert!(follower.broken.lock().unwrap().is_empty());
}

#[tokio::test]
async fn the_log_may_be_written_back_and_begin_anew_meanwhile() {
    let (folder, db, follower) = followed().await;
    let mut replica = copy(folder.path(), &db, &follower).await;
    for round in 0..4 {
        fill(&db, 3000).await;
        write(&db, round..round + 3).await;
    }
    assert!(db.figures().checkpoints > 0, "the log was written back");
    replica.append(follower.entries(0)).unwrap();
    assert!(replica.finish().unwrap());
    assert_equal(&folder.path().join("copy.db"), &db).await;
    assert!(follower.broken.lock().unwrap().is_empty());
}

#[tokio::test]
async fn what_is_undone_is_in_no_batch() {
    let (folder, db, follower) = followed().await;
    let mut replica = copy(folder.path(), &db, &follower).await;
    write(&db, 0..1).await;
    for _ in 0..2 {
        // So much that pages of it reach the log before it is undone.
        let undone = db.transaction(async |tx| {
            for page in 0..20_000 {
                let sql = "INSERT INTO leases (name, token, expires_at) VALUES (?1, zeroblob(4000), 0)";
                tx.execute(sql, &params![format!("undone{page}")]).await?;
            }
            Err::<(), _>(Error::Stopped)
        });
        assert!(matches!(undone.await, Err(Error::Stopped)));
        write(&db, 1..3).await;
    }
    replica.append(follower.entries(0)).unwrap();
    assert!(replica.finish().unwrap());
    assert_equal(&folder.path().join("copy.db"), &db).await;
    assert!(follower.broken.lock().unwrap().is_empty());
}

#[tokio::test]
async fn whatever_a_crash_leaves_of_the_journal_the_copy_is_one_that_was() {
    let (folder, db, follower) = followed().await;
    let mut replica = copy(folder.path(), &db, &follower).await;
    let base = replica.position().unwrap();
    write(&db, 0..6).await;
    replica.append(follower.entries(base.batch)).unwrap();
    drop(replica);
    let journal = std::fs::read(folder.path().join("journal")).unwrap();
    let (mut seen, step) = (std::collections::BTreeSet::new(), journal.len() / 97);
    for length in (56..=journal.len()).step_by(step).chain([journal.len()]) {
        std::fs::write(folder.path().join("journal"), &journal[..length]).unwrap();
        let mut torn = journal[..length].to_vec();
        // The last sector may hold anything.
        let from = length.saturating_sub(100).max(56);
        torn[from..].fill(0xa5);
        for bytes in [&journal[..length], &torn[..]] {
            std::fs::write(folder.path().join("journal"), bytes).unwrap();
            let replica = Replica::open(&folder.path().join("copy.db"), &folder.path().join("journal")).unwrap();
            seen.insert(replica.position().unwrap().batch);
        }
    }
    assert_eq!(seen.len(), 7, "each state between the base and the last batch: {seen:?}");
    // The file was brought forward and back all the time; with the whole journal it is what it was.
    std::fs::write(folder.path().join("journal"), &journal).unwrap();
    let replica = Replica::open(&folder.path().join("copy.db"), &folder.path().join("journal")).unwrap();
    assert!(replica.finish().unwrap());
    assert_equal(&folder.path().join("copy.db"), &db).await;
}

#[tokio::test]
async fn a_new_base_takes_the_place_of_a_copy_also_when_that_is_broken_off() {
    let (folder, db, follower) = followed().await;
    let (catalog, journal) = (folder.path().join("copy.db"), folder.path().join("journal"));
    let mut replica = copy(folder.path(), &db, &follower).await;
    write(&db, 0..3).await;
    replica.append(follower.entries(0)).unwrap();
    write(&db, 3..9).await;
    let base = replica.base_path();
    let counting = Arc::clone(&follower);
    let batch = db.copy_base(&base, move || counting.count()).await.unwrap();
    let position = Position { lineage: Uuid::max(), batch, done: batch };
    let copied = std::fs::read(&base).unwrap();
    replica.replace(position).unwrap();
    // As if it had stopped before the base took the name: the journal says that it is to.
    let mut head = std::fs::read(&journal).unwrap();
    head[47] = 1;
    let sum = <sha2::Sha256 as sha2::Digest>::digest(&head[..48]);
    head[48..56].copy_from_slice(&sum[..8]);
    drop(replica);
    std::fs::write(&journal, &head).unwrap();
    std::fs::write(&base, &copied).unwrap();
    std::fs::write(&catalog, b"an older copy").unwrap();
    let replica = Replica::open(&catalog, &journal).unwrap();
    assert_eq!(replica.position(), Some(position));
    assert!(replica.finish().unwrap());
    assert_equal(&catalog, &db).await;
}

#[tokio::test]
async fn a_commit_is_told_when_the_follower_has_confirmed_it() {
    let (_folder, db, follower) = followed().await;
    let (say, word) = oneshot::channel();
    follower.words.lock().unwrap().push(word);
    let waiting = db.clone();
    let commit = tokio::spawn(async move { waiting.transaction(async |tx| put(tx, "a", 1).await).await });
    wharf_testkit::eventually("the row is there", async || committed(&db, "a").await == Some(1)).await;
    assert!(!commit.is_finished(), "it is committed here, and nobody is told");
    // Others go on meanwhile.
    write(&db, 0..1).await;
    say.send(Ok(())).unwrap();
    commit.await.unwrap().unwrap();

    let (say, word) = oneshot::channel();
    follower.words.lock().unwrap().push(word);
    say.send(Err(NotFollowed("it is away".to_owned()))).unwrap();
    let refused = db.transaction(async |tx| put(tx, "b", 1).await).await;
    assert!(
        matches!(&refused, Err(error @ Error::NotFollowed { .. }) if error.kind() == wharf_context::Kind::Unavailable)
    );
    assert_eq!(committed(&db, "b").await, Some(1), "it stays, as after a connection that broke in the commit");
}

#[tokio::test]
async fn only_a_file_has_a_log() {
    let memory = open_again(&Settings::new("sqlite::memory:")).await.unwrap();
    let follower = Arc::new(Follower::default());
    assert!(matches!(memory.follow_log(Arc::clone(&follower) as _).await, Err(Error::NoLog)));
    let (_folder, db, _) = followed().await;
    assert!(db.follow_log(follower).await.is_err(), "one follower for one database");
}
