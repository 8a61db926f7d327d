//! Connections to one SQLite file, and single statements on them.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection, ErrorCode, ToSql};

use crate::error::Error;
use crate::row::Row;
use crate::value::Value;

/// Prepared statements kept per connection.
const STATEMENTS: usize = 512;
/// How long to wait for another process that writes the same file (the databases of a node are shared).
const BUSY: Duration = Duration::from_secs(5);

/// Where the database lies.
#[derive(Debug, Clone)]
pub(super) enum Location {
    File(PathBuf),
    /// Inside the one connection that there is.
    Memory,
}

impl Location {
    /// The connection that writes.
    pub(super) fn open_writer(&self) -> Result<Connection, rusqlite::Error> {
        let connection = match self {
            Self::File(path) => Connection::open(path)?,
            Self::Memory => Connection::open_in_memory()?,
        };
        prepare(&connection)?;
        keep_a_log(&connection)?;
        // FULL: a commit is on the disk before anybody hears of it. Checkpoints are ours to time (see `commit`).
        connection.execute_batch(
            "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0; \
             PRAGMA journal_size_limit = 67108864; PRAGMA cache_size = -65536;",
        )?;
        Ok(connection)
    }

    /// A connection that only reads. There is none to a database in memory.
    pub(super) fn open_reader(&self) -> Result<Connection, rusqlite::Error> {
        let connection = match self {
            Self::File(path) => Connection::open(path)?,
            Self::Memory => Connection::open_in_memory()?,
        };
        prepare(&connection)?;
        connection.execute_batch("PRAGMA query_only = ON; PRAGMA wal_autocheckpoint = 0;")?;
        Ok(connection)
    }
}

/// Turns the write-ahead log on. While another process does the same to a new file, SQLite refuses without waiting.
fn keep_a_log(connection: &Connection) -> Result<(), rusqlite::Error> {
    let deadline = Instant::now() + BUSY;
    loop {
        match connection.execute_batch("PRAGMA journal_mode = WAL") {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && Instant::now() < deadline => {
                std::thread::sleep(Duration::from_millis(10));
            }
            other => return other,
        }
    }
}

fn prepare(connection: &Connection) -> Result<(), rusqlite::Error> {
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // A plan is made once for a statement's text. Without this, SQLite makes it anew whenever other values are bound to
    // a statement that a partial index might serve, which costs more than running it.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.execute_batch("PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY;")
}

/// Runs a statement that returns no rows; says how many rows it changed.
pub(super) fn execute(connection: &Connection, sql: &'static str, params: &[Value]) -> Result<u64, Error> {
    let run = || {
        let mut statement = bind(connection, sql, params)?;
        let mut rows = statement.raw_query();
        while rows.next()?.is_some() {}
        drop(rows);
        // SQLite leaves the count of the statement before where this one changes nothing by its nature.
        Ok(if statement.readonly() { 0 } else { connection.changes() })
    };
    Value::refuse_nul(params)?;
    run().map_err(|source| statement_error(sql, source))
}

/// The first row of the answer.
pub(super) fn query_opt(connection: &Connection, sql: &'static str, params: &[Value]) -> Result<Option<Row>, Error> {
    let run = || {
        let mut statement = bind(connection, sql, params)?;
        let mut rows = statement.raw_query();
        rows.next()?.map(read).transpose()
    };
    Value::refuse_nul(params)?;
    run().map_err(|source| statement_error(sql, source))
}

/// All rows of the answer.
pub(super) fn query(connection: &Connection, sql: &'static str, params: &[Value]) -> Result<Vec<Row>, Error> {
    let run = || {
        let mut statement = bind(connection, sql, params)?;
        let mut rows = statement.raw_query();
        let mut answer = Vec::new();
        while let Some(row) = rows.next()? {
            answer.push(read(row)?);
        }
        Ok(answer)
    };
    Value::refuse_nul(params)?;
    run().map_err(|source| statement_error(sql, source))
}

fn bind<'c>(
    connection: &'c Connection,
    sql: &'static str,
    params: &[Value],
) -> Result<CachedStatement<'c>, rusqlite::Error> {
    let mut statement = connection.prepare_cached(sql)?;
    if statement.parameter_count() != params.len() {
        return Err(rusqlite::Error::InvalidParameterCount(params.len(), statement.parameter_count()));
    }
    for (index, value) in params.iter().enumerate() {
        statement.raw_bind_parameter(index + 1, value)?;
    }
    Ok(statement)
}

pub(super) fn read(row: &rusqlite::Row<'_>) -> Result<Row, rusqlite::Error> {
    // Asked of the row: a statement is prepared anew, at its first step, after its table was changed.
    let columns = row.as_ref().column_count();
    let mut values = Vec::with_capacity(columns);
    for column in 0..columns {
        values.push(match row.get_ref(column)? {
            ValueRef::Null => Value::Null,
            ValueRef::Integer(integer) => Value::Integer(integer),
            ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
            ValueRef::Blob(bytes) => Value::Bytes(bytes.to_vec()),
            other @ ValueRef::Real(_) => {
                return Err(rusqlite::Error::InvalidColumnType(column, String::new(), other.data_type()));
            }
        });
    }
    Ok(Row::new(values))
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Integer(integer) => ValueRef::Integer(*integer),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

pub(super) fn statement_error(sql: &'static str, source: rusqlite::Error) -> Error {
    match source.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => Error::Full { source: source.into() },
        Some(ErrorCode::ConstraintViolation) => Error::Constraint { sql, source: source.into() },
        Some(ErrorCode::OperationInterrupted) => Error::TooLong { sql },
        Some(
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::SystemIoFailure | ErrorCode::CannotOpen,
        ) => Error::Unavailable { doing: "running a statement", source: source.into() },
        Some(_) | None => Error::Statement { sql, source: source.into() },
    }
}
