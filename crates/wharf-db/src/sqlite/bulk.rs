//! A whole SQLite database read in one snapshot, or filled in one transaction, on a connection of its own.

use rusqlite::{Connection, OptionalExtension as _};

use super::connection::{self, Location};
use crate::copy::NOT_COPIED;
use crate::copy::side::{Column, Kind, Load, Origin, Table, Target, quoted};
use crate::error::Error;
use crate::value::Value;

const TABLES: &str = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
                      AND name <> ?1 AND name <> ?2 ORDER BY name";
const COLUMNS: &str = "SELECT name, type, pk FROM pragma_table_info(?1) ORDER BY cid";
const PARENTS: &str = "SELECT DISTINCT \"table\" FROM pragma_foreign_key_list(?1)";
/// Only tables that never use a number again have a counter.
const HAS_COUNTER: &str =
    "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1 AND sql LIKE '%AUTOINCREMENT%'";

/// A connection inside a transaction that ends with it.
#[derive(Debug)]
pub(super) struct Bulk {
    connection: Connection,
}

impl Bulk {
    /// A snapshot of what is committed.
    pub(super) fn read(location: &Location) -> Result<Self, Error> {
        let connection = location.open_reader().map_err(failed)?;
        // The snapshot is taken by the first read.
        connection.execute_batch("BEGIN; SELECT 1 FROM sqlite_schema").map_err(failed)?;
        Ok(Self { connection })
    }

    /// A transaction that nobody else writes beside.
    pub(super) fn write(location: &Location) -> Result<Self, Error> {
        let connection = location.open_writer().map_err(failed)?;
        connection.execute_batch("BEGIN IMMEDIATE").map_err(failed)?;
        Ok(Self { connection })
    }

    fn table(&self, name: &str) -> Result<Table, Error> {
        let mut statement = self.connection.prepare(COLUMNS).map_err(failed)?;
        let columns = statement
            .query_map([name], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, i64>(2)?)))
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(failed)?;
        let mut key: Vec<_> = columns.iter().filter(|(_, _, place)| *place > 0).collect();
        key.sort_by_key(|(_, _, place)| *place);
        let key = key.into_iter().map(|(name, ..)| name.clone()).collect();
        let columns = columns.into_iter().map(|(column, kind, _)| {
            let kind = kind_of(&kind).ok_or_else(|| Error::SchemaDiffers { table: name.to_owned() })?;
            Ok(Column { name: column, kind })
        });
        let columns = columns.collect::<Result<_, Error>>()?;
        Ok(Table { name: name.to_owned(), columns, key, parents: self.texts(PARENTS, &[name])? })
    }

    fn texts(&self, sql: &str, parameters: &[&str]) -> Result<Vec<String>, Error> {
        let mut statement = self.connection.prepare(sql).map_err(failed)?;
        let texts =
            statement.query_map(rusqlite::params_from_iter(parameters), |row| row.get(0)).and_then(Iterator::collect);
        texts.map_err(failed)
    }

    fn number(&self, sql: &str, parameter: &str) -> Result<Option<i64>, Error> {
        let number = self.connection.query_row(sql, [parameter], |row| row.get(0)).optional();
        number.map_err(failed)
    }

    fn has_counter(&self, table: &Table) -> Result<bool, Error> {
        Ok(self.number(HAS_COUNTER, &table.name)?.is_some())
    }
}

fn kind_of(name: &str) -> Option<Kind> {
    match name {
        "INTEGER" => Some(Kind::Integer),
        "TEXT" => Some(Kind::Text),
        "BLOB" => Some(Kind::Bytes),
        _ => None,
    }
}

impl Origin for Bulk {
    fn tables(&mut self) -> Result<Vec<Table>, Error> {
        self.texts(TABLES, &NOT_COPIED)?.iter().map(|name| self.table(name)).collect()
    }

    fn rows(&mut self, table: &Table, take: &mut dyn FnMut(&[Value]) -> Result<(), Error>) -> Result<(), Error> {
        let mut statement = self.connection.prepare(&table.select()).map_err(failed)?;
        let mut rows = statement.query([]).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            take(&connection::read(row).map_err(failed)?.into_values())?;
        }
        Ok(())
    }

    fn last_number(&mut self, table: &Table) -> Result<Option<i64>, Error> {
        let Some(number) = table.number() else { return Ok(None) };
        if self.has_counter(table)? {
            let counted = self.number("SELECT seq FROM sqlite_sequence WHERE name = ?1", &table.name)?;
            return Ok(Some(counted.unwrap_or(0)));
        }
        let largest = format!("SELECT coalesce(max({}), 0) FROM {} WHERE ?1 = ?1", quoted(number), quoted(&table.name));
        self.number(&largest, "")
    }
}

impl Target for Bulk {
    fn is_empty(&mut self, table: &Table) -> Result<bool, Error> {
        let any = format!("SELECT 1 FROM {} WHERE ?1 = ?1 LIMIT 1", quoted(&table.name));
        Ok(self.number(&any, "")?.is_none())
    }

    fn load<'t>(&'t mut self, table: &'t Table) -> Result<Box<dyn Load + 't>, Error> {
        let places = vec!["?"; table.columns.len()].join(", ");
        let sql = format!("INSERT INTO {} ({}) VALUES ({places})", quoted(&table.name), table.column_list());
        Ok(Box::new(Insert(self.connection.prepare(&sql).map_err(failed)?)))
    }

    fn set_last_number(&mut self, table: &Table, last: i64) -> Result<(), Error> {
        if !self.has_counter(table)? {
            return Ok(());
        }
        let replace = || {
            self.connection.execute("DELETE FROM sqlite_sequence WHERE name = ?1", [&table.name])?;
            self.connection.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?1, ?2)", (&table.name, last))
        };
        replace().map(drop).map_err(failed)
    }

    fn commit(&mut self) -> Result<(), Error> {
        self.connection.execute_batch("COMMIT").map_err(failed)?;
        // A copy is as long as the log that it was written to: give the space back.
        self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).map_err(failed)
    }
}

struct Insert<'c>(rusqlite::Statement<'c>);

impl Load for Insert<'_> {
    fn add(&mut self, row: &[Value]) -> Result<(), Error> {
        Value::refuse_nul(row)?;
        self.0.execute(rusqlite::params_from_iter(row)).map(drop).map_err(failed)
    }

    fn finish(self: Box<Self>) -> Result<(), Error> {
        Ok(())
    }
}

fn failed(source: rusqlite::Error) -> Error {
    connection::statement_error("(copying a whole database)", source)
}
