//! The list of migrations inside the database, and running what is missing.

use deadpool_postgres::ClientWrapper;
use rusqlite::{Connection, TransactionBehavior};

use super::{Applied, MIGRATIONS, Migration, checksum, count, pending};
use crate::error::{Error, Source};

const CREATE: &str = "CREATE TABLE migrations (\
    number BIGINT PRIMARY KEY, name TEXT NOT NULL, checksum BIGINT NOT NULL, applied_at TEXT NOT NULL)";
const LIST: &str = "SELECT number, name, checksum FROM migrations ORDER BY number";

/// Migrates a SQLite database in one transaction.
pub(crate) fn on_sqlite(connection: &mut Connection, known: &'static [Migration]) -> Result<(), Error> {
    let failed = |source: rusqlite::Error| unavailable(source.into());
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    let tables = "SELECT count(*), count(*) FILTER (WHERE name = 'migrations') FROM sqlite_schema WHERE type = 'table'";
    let (tables, lists): (i64, i64) =
        transaction.query_row(tables, [], |row| Ok((row.get(0)?, row.get(1)?))).map_err(failed)?;
    match (lists, tables) {
        (1, _) => {}
        (_, 0) => transaction.execute_batch(CREATE).map_err(failed)?,
        (_, _) => return Err(Error::Foreign),
    }
    let applied = list_on_sqlite(&transaction).map_err(failed)?;
    let left = pending(known, &applied, |migration| migration.sqlite)?;
    for (migration, number) in left.iter().zip(count_from(&applied)..) {
        apply_on_sqlite(&transaction, migration, number)
            .map_err(|source| Error::Migrate { name: migration.name, source: source.into() })?;
    }
    transaction.commit().map_err(failed)
}

fn list_on_sqlite(connection: &Connection) -> Result<Vec<Applied>, rusqlite::Error> {
    let mut statement = connection.prepare(LIST)?;
    let rows =
        statement.query_map([], |row| Ok(Applied { number: row.get(0)?, name: row.get(1)?, checksum: row.get(2)? }))?;
    rows.collect()
}

fn apply_on_sqlite(connection: &Connection, migration: &Migration, number: i64) -> Result<(), rusqlite::Error> {
    connection.execute_batch(migration.sqlite)?;
    connection.execute(
        "INSERT INTO migrations (number, name, checksum, applied_at) VALUES (?1, ?2, ?3, datetime('now'))",
        (number, migration.name, checksum(migration.sqlite)),
    )?;
    Ok(())
}

/// Migrates a PostgreSQL database in one transaction. Nodes that start together wait for each other.
pub(crate) async fn on_postgres(client: &ClientWrapper) -> Result<(), Error> {
    // The number only has to be the same in every wharf: it is "wharf" in ASCII.
    let begin = "BEGIN; SELECT pg_advisory_xact_lock(512970878566)";
    client.batch_execute(begin).await.map_err(|error| unavailable(error.into()))?;
    let migrated = steps_on_postgres(client).await;
    let end = if migrated.is_ok() { "COMMIT" } else { "ROLLBACK" };
    let ended = client.batch_execute(end).await.map_err(|error| unavailable(error.into()));
    migrated.and(ended)
}

async fn steps_on_postgres(client: &ClientWrapper) -> Result<(), Error> {
    let failed = |error: tokio_postgres::Error| unavailable(error.into());
    let tables = "SELECT count(*), count(*) FILTER (WHERE tablename = 'migrations') \
                  FROM pg_tables WHERE schemaname = current_schema()";
    let row = client.query_typed_one(tables, &[]).await.map_err(failed)?;
    match (row.get::<_, i64>(1), row.get::<_, i64>(0)) {
        (1, _) => {}
        (_, 0) => client.batch_execute(CREATE).await.map_err(failed)?,
        (_, _) => return Err(Error::Foreign),
    }
    let rows = client.query_typed(LIST, &[]).await.map_err(failed)?;
    let applied: Vec<Applied> =
        rows.iter().map(|row| Applied { number: row.get(0), name: row.get(1), checksum: row.get(2) }).collect();
    let left = pending(MIGRATIONS, &applied, |migration| migration.postgres)?;
    for (migration, number) in left.iter().zip(count_from(&applied)..) {
        apply_on_postgres(client, migration, number)
            .await
            .map_err(|source| Error::Migrate { name: migration.name, source: source.into() })?;
    }
    Ok(())
}

async fn apply_on_postgres(
    client: &ClientWrapper,
    migration: &Migration,
    number: i64,
) -> Result<(), tokio_postgres::Error> {
    use tokio_postgres::types::Type;
    client.batch_execute(migration.postgres).await?;
    let insert = "INSERT INTO migrations (number, name, checksum, applied_at) VALUES ($1, $2, $3, now()::text)";
    let sum = checksum(migration.postgres);
    let values: [(&(dyn tokio_postgres::types::ToSql + Sync), Type); 3] =
        [(&number, Type::INT8), (&migration.name, Type::TEXT), (&sum, Type::INT8)];
    client.execute_typed(insert, &values).await.map(drop)
}

fn count_from(applied: &[Applied]) -> i64 {
    applied.last().map_or(1, |last| last.number + 1).min(count(MIGRATIONS) + 1)
}

fn unavailable(source: Source) -> Error {
    Error::Unavailable { doing: "reading the list of migrations", source }
}
