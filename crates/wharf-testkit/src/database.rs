//! A database of its own for each test.

use std::sync::Arc;

use tempfile::TempDir;
use wharf_context::FakeClock;
use wharf_db::{Db, Keyring, MasterKey, MasterKeys, Settings, Subscription, Time};

use crate::postgres::Temporary;

/// Names the PostgreSQL server that tests make their databases on; without it they use SQLite.
const VARIABLE: &str = "WHARF_TEST_POSTGRES";

/// An empty database with all tables: SQLite in a temporary folder or, where `WHARF_TEST_POSTGRES` names a server, a
/// database on it. It goes away with this value.
#[derive(Debug)]
pub struct Database {
    /// The database, open.
    pub db: Db,
    /// The clock that it takes its time from, on PostgreSQL too.
    pub clock: Arc<FakeClock>,
    settings: Settings,
    _place: Place,
}

#[derive(Debug)]
#[expect(dead_code, reason = "held until the end of the test")]
enum Place {
    Folder(TempDir),
    Server(Temporary),
}

impl Database {
    /// A database that nobody subscribes to.
    pub async fn open() -> Self {
        Self::with_subscriptions(Vec::new()).await
    }

    /// A database whose events become jobs.
    pub async fn with_subscriptions(subscriptions: Vec<Subscription>) -> Self {
        let (place, url) = match server() {
            Some(server) => {
                let temporary = Temporary::create(&server).await;
                let url = temporary.url().to_owned();
                (Place::Server(temporary), url)
            }
            None => {
                let folder = tempfile::tempdir().expect("the machine has a folder for temporary files");
                let url = format!("sqlite:{}", folder.path().join("wharf.db").display());
                (Place::Folder(folder), url)
            }
        };
        let settings = Settings { pool_size: 8, time: Time::Clock, ..Settings::new(url) };
        let clock = crate::clock();
        let db = Db::open(&settings, Arc::clone(&clock) as _, subscriptions).await.expect("a new database opens");
        Self { db, clock, settings, _place: place }
    }

    /// How the database was opened, for whoever opens it a second time.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The keys of the catalog, under a master key that all tests share.
    pub async fn keyring(&self) -> Keyring {
        let newest = MasterKey::parse(&[7; 32]).expect("32 bytes are a key");
        let masters = MasterKeys { newest, previous: Vec::new() };
        Keyring::open(self.db.clone(), masters).await.expect("the keys of a new catalog open")
    }

    /// Whether it is PostgreSQL.
    pub fn is_postgres(&self) -> bool {
        self.settings.url.starts_with("postgres")
    }
}

/// The server named by the environment.
#[expect(clippy::disallowed_methods, reason = "tests have no other way to be told about a server")]
fn server() -> Option<String> {
    std::env::var(VARIABLE).ok().filter(|url| !url.is_empty())
}
