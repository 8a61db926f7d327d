//! Databases on a PostgreSQL server that live as long as a test.
//!
//! The tables are made once per server in a template, named after the digest of all migrations; copying it takes some
//! tens of milliseconds.

use std::sync::Arc;
use std::thread;

use tokio_postgres::{Client, NoTls};
use wharf_db::{Db, Settings, migrations};

/// "wharf-t" in ASCII: whoever makes the template holds this lock.
const LOCK: i64 = 33_615_889_900_203_636;

/// One database. Dropped with this value, whoever is still connected.
#[derive(Debug)]
pub(crate) struct Temporary {
    server: String,
    name: String,
    url: String,
}

impl Temporary {
    pub(crate) async fn create(server: &str) -> Self {
        let client = connect(server).await;
        let template = template(&client, server).await;
        let name = format!("wharf_test_{}", uuid::Uuid::new_v4().simple());
        run(&client, &format!("CREATE DATABASE {name} TEMPLATE {template}")).await;
        Self { server: server.to_owned(), url: with_database(server, &name), name }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        // The test's own runtime may be at its end.
        let dropped = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime can be made").block_on(async {
                run(&connect(&server).await, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
            });
        });
        if dropped.join().is_err() && !thread::panicking() {
            panic!("the test's database could not be dropped");
        }
    }
}

/// The name of the template, made if there is none.
async fn template(client: &Client, server: &str) -> String {
    let name = format!("wharf_template_{}", migrations::fingerprint());
    run(client, &format!("SELECT pg_advisory_lock({LOCK})")).await;
    let found = client.query_opt("SELECT 1 FROM pg_database WHERE datname = $1", &[&name]).await;
    if found.expect("the server lists its databases").is_none() {
        let draft = format!("{name}_draft");
        run(client, &format!("DROP DATABASE IF EXISTS {draft} WITH (FORCE)")).await;
        run(client, &format!("CREATE DATABASE {draft} TEMPLATE template0")).await;
        let settings = Settings { pool_size: 1, ..Settings::new(with_database(server, &draft)) };
        let db = Db::open(&settings, Arc::new(wharf_context::SystemClock), Vec::new()).await;
        drop(db.expect("the template's tables can be made"));
        end_sessions(client, &draft).await;
        run(client, &format!("ALTER DATABASE {draft} RENAME TO {name}")).await;
    }
    run(client, &format!("SELECT pg_advisory_unlock({LOCK})")).await;
    name
}

/// A database in use can be neither renamed nor copied.
async fn end_sessions(client: &Client, database: &str) {
    let end = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = $1";
    client.query(end, &[&database]).await.expect("sessions on the template can be ended");
}

async fn run(client: &Client, sql: &str) {
    if let Err(error) = client.batch_execute(sql).await {
        panic!("`{sql}` on the test's server: {error:?}");
    }
}

async fn connect(server: &str) -> Client {
    let connected = tokio_postgres::connect(server, NoTls).await;
    let (client, connection) = connected.expect("the PostgreSQL server in WHARF_TEST_POSTGRES answers");
    tokio::spawn(async move {
        // Its end is the end of the client, which says so itself.
        connection.await.ok();
    });
    client
}

/// The server's URL with another database.
fn with_database(server: &str, name: &str) -> String {
    let (address, query) = server.split_once('?').map_or((server, None), |(address, query)| (address, Some(query)));
    let start = address.find("://").map_or(0, |at| at + 3);
    let host = address[start..].find('/').map_or(address, |slash| &address[..start + slash]);
    query.map_or_else(|| format!("{host}/{name}"), |query| format!("{host}/{name}?{query}"))
}

#[cfg(test)]
mod tests {
    use super::with_database;

    #[test]
    fn the_database_is_replaced_and_the_rest_stays() {
        assert_eq!(with_database("postgres://u@h:5", "d"), "postgres://u@h:5/d");
        assert_eq!(with_database("postgres://u@h:5/old", "d"), "postgres://u@h:5/d");
        assert_eq!(with_database("postgres://u:p@h/old?sslmode=disable", "d"), "postgres://u:p@h/d?sslmode=disable");
        assert_eq!(with_database("postgres:///old?host=/run", "d"), "postgres:///d?host=/run");
    }
}
