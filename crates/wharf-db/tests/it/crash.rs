//! A process that is killed loses nothing that it was told is committed.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use wharf_db::{Db, Error, Settings};

use crate::{committed, open_again, put};

/// Tells the child, which is this same program, that it is one, and where the database lies.
const CHILD: &str = "WHARF_DB_CRASH_CHILD";

/// Not a test by itself: what the killed process does. Prints the name of each row after it was acknowledged.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn child() {
    #[expect(clippy::disallowed_methods, reason = "the parent's only way to tell")]
    let Ok(url) = std::env::var(CHILD) else { return };
    let db = open_again(&Settings::new(url)).await.unwrap();
    let run = uuid::Uuid::new_v4();
    let tasks: Vec<_> =
        (0..16).map(|task| tokio::spawn(write_until_killed(db.clone(), format!("{run}/{task}")))).collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
}

async fn write_until_killed(db: Db, prefix: String) -> Result<(), Error> {
    for number in 0.. {
        let (one, two) = (format!("{prefix}/{number}"), format!("{prefix}/{number}/twin"));
        db.transaction(async |tx| {
            put(tx, &one, number).await?;
            put(tx, &two, number).await
        })
        .await?;
        tell(&one);
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the parent reads it")]
fn tell(name: &str) {
    println!("kept {name}");
}

fn start(url: &str) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "crash::child", "--nocapture"]).env(CHILD, url);
    command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_kill_at_any_moment() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings::new(format!("sqlite:{}", folder.path().join("wharf.db").display()));
    for round in 0..6 {
        let mut child = start(&settings.url);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let wanted = 100 + round * 57;
        let mut kept: Vec<String> = Vec::new();
        while kept.len() < wanted {
            let line = lines.next().unwrap().unwrap();
            kept.extend(line.split_once("kept ").map(|(_, name)| name.to_owned()));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        // What was printed before the kill was acknowledged too.
        kept.extend(lines.map_while(Result::ok).filter_map(|line| Some(line.strip_prefix("kept ")?.to_owned())));
        let db = open_again(&settings).await.unwrap();
        for name in &kept {
            assert!(committed(&db, name).await.is_some(), "`{name}` was acknowledged and is lost");
        }
        let lonely = "SELECT a.name FROM leases a WHERE a.name NOT LIKE '%/twin' \
                      AND NOT EXISTS (SELECT 1 FROM leases b WHERE b.name = a.name || '/twin')";
        assert_eq!(db.list(lonely, &[]).await.unwrap(), [], "half of a transaction is there");
        assert_eq!(db.list("PRAGMA integrity_check", &[]).await.unwrap()[0].text(0).unwrap(), "ok");
    }
}
