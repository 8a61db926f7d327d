//! A whole PostgreSQL database read in one snapshot, or filled in one transaction.

use std::pin::{Pin, pin};
use std::task::{Context, Waker};

use deadpool_postgres::Client;
use futures_util::TryStreamExt as _;
use tokio::runtime::Handle;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::{ToSql, Type};

use super::{Failure, statement};
use crate::copy::NOT_COPIED;
use crate::copy::side::{Column, Kind, Load, Origin, Table, Target, quoted};
use crate::error::Error;
use crate::row::Row;
use crate::value::Value;

/// A copy takes as long as it takes.
const NO_LIMITS: &str = "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0";
const COLUMNS: &str = "\
    SELECT c.relname, a.attname, format_type(a.atttypid, NULL), \
           coalesce(array_position(i.indkey::int2[], a.attnum) + 1, 0)::bigint \
    FROM pg_class c \
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
    LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary \
    WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' AND c.relname <> ALL ($1) \
    ORDER BY c.relname COLLATE \"C\", a.attnum";
const PARENTS: &str = "\
    SELECT DISTINCT c.relname, p.relname FROM pg_constraint k \
    JOIN pg_class c ON c.oid = k.conrelid JOIN pg_class p ON p.oid = k.confrelid \
    WHERE k.contype = 'f' AND c.relnamespace = current_schema()::regnamespace";

/// A connection inside a transaction that ends with it.
pub(super) struct Bulk {
    client: Client,
    runtime: Handle,
    is_open: bool,
}

impl Bulk {
    /// A snapshot of what is committed.
    pub(super) async fn read(client: Client) -> Result<Self, Error> {
        Self::begin(client, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await
    }

    /// A transaction that fills tables.
    pub(super) async fn write(client: Client) -> Result<Self, Error> {
        Self::begin(client, "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE").await
    }

    async fn begin(client: Client, begin: &str) -> Result<Self, Error> {
        let bulk = Self { client, runtime: Handle::current(), is_open: true };
        bulk.client.batch_execute(&format!("{begin}; {NO_LIMITS}")).await.map_err(failed)?;
        Ok(bulk)
    }

    fn list(&self, sql: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, Error> {
        let rows = self.runtime.block_on(self.client.query(sql, parameters)).map_err(failed)?;
        rows.iter().map(statement::read).collect::<Result<_, _>>().map_err(failed)
    }

    /// The counter behind the numbers of a table's rows, where it has one.
    fn counter(&self, table: &Table) -> Result<Option<String>, Error> {
        let Some(number) = table.number() else { return Ok(None) };
        let rows = self.list("SELECT pg_get_serial_sequence($1, $2)", &[&quoted(&table.name), &number])?;
        Ok(rows.first().map(|row| row.optional_text(0)).transpose()?.flatten().map(str::to_owned))
    }
}

impl Drop for Bulk {
    fn drop(&mut self) {
        if self.is_open {
            // The first poll puts the message into the connection's queue, in front of whatever its next user sends.
            let mut rollback = pin!(self.client.batch_execute("ROLLBACK"));
            let _is_ready = rollback.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready();
        }
    }
}

impl Origin for Bulk {
    fn tables(&mut self) -> Result<Vec<Table>, Error> {
        let mut tables: Vec<Table> = Vec::new();
        for row in self.list(COLUMNS, &[&NOT_COPIED.as_slice()])? {
            let (name, column, place) = (row.text(0)?, row.text(1)?.to_owned(), row.integer(3)?);
            let kind = kind_of(row.text(2)?).ok_or_else(|| Error::SchemaDiffers { table: name.to_owned() })?;
            if tables.last().is_none_or(|table| table.name != name) {
                let name = name.to_owned();
                tables.push(Table { name, columns: Vec::new(), key: Vec::new(), parents: Vec::new() });
            }
            let Some(table) = tables.last_mut() else { continue };
            if let Some(place) = usize::try_from(place).ok().filter(|place| *place > 0) {
                table.key.resize(table.key.len().max(place), String::new());
                table.key[place - 1].clone_from(&column);
            }
            table.columns.push(Column { name: column, kind });
        }
        for row in self.list(PARENTS, &[])? {
            let (child, parent) = (row.text(0)?, row.text(1)?);
            let table = tables.iter_mut().find(|table| table.name == child);
            table.into_iter().for_each(|table| table.parents.push(parent.to_owned()));
        }
        Ok(tables)
    }

    fn rows(&mut self, table: &Table, take: &mut dyn FnMut(&[Value]) -> Result<(), Error>) -> Result<(), Error> {
        let select = table.select();
        let rows = self.client.query_raw(&select, std::iter::empty::<&(dyn ToSql + Sync)>());
        let mut rows = Box::pin(self.runtime.block_on(rows).map_err(failed)?);
        while let Some(row) = self.runtime.block_on(rows.try_next()).map_err(failed)? {
            take(&statement::read(&row).map_err(failed)?.into_values())?;
        }
        Ok(())
    }

    fn last_number(&mut self, table: &Table) -> Result<Option<i64>, Error> {
        let Some(counter) = self.counter(table)? else { return Ok(None) };
        let last = format!("SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {counter}");
        self.list(&last, &[])?.first().map(|row| row.integer(0)).transpose()
    }
}

impl Target for Bulk {
    fn is_empty(&mut self, table: &Table) -> Result<bool, Error> {
        Ok(self.list(&format!("SELECT 1::bigint FROM {} LIMIT 1", quoted(&table.name)), &[])?.is_empty())
    }

    fn load<'t>(&'t mut self, table: &'t Table) -> Result<Box<dyn Load + 't>, Error> {
        let sql = format!("COPY {} ({}) FROM STDIN BINARY", quoted(&table.name), table.column_list());
        let sink = self.runtime.block_on(self.client.copy_in(&sql)).map_err(failed)?;
        let types: Vec<_> = table.columns.iter().map(|column| type_of(column.kind)).collect();
        Ok(Box::new(CopyIn { writer: Box::pin(BinaryCopyInWriter::new(sink, &types)), runtime: self.runtime.clone() }))
    }

    fn set_last_number(&mut self, table: &Table, last: i64) -> Result<(), Error> {
        let Some(counter) = self.counter(table)?.filter(|_| last > 0) else { return Ok(()) };
        self.list("SELECT setval($1::text::regclass, $2)", &[&counter, &last]).map(drop)
    }

    fn commit(&mut self) -> Result<(), Error> {
        let committed = self.runtime.block_on(self.client.batch_execute("COMMIT"));
        self.is_open = committed.is_err();
        committed.map_err(failed)
    }
}

struct CopyIn {
    writer: Pin<Box<BinaryCopyInWriter>>,
    runtime: Handle,
}

impl Load for CopyIn {
    fn add(&mut self, row: &[Value]) -> Result<(), Error> {
        Value::refuse_nul(row)?;
        let row: Vec<_> = row.iter().map(|value| -> &(dyn ToSql + Sync) { value }).collect();
        self.runtime.block_on(self.writer.as_mut().write(&row)).map_err(failed)
    }

    fn finish(mut self: Box<Self>) -> Result<(), Error> {
        self.runtime.block_on(self.writer.as_mut().finish()).map(drop).map_err(failed)
    }
}

fn kind_of(name: &str) -> Option<Kind> {
    match name {
        "bigint" => Some(Kind::Integer),
        "text" => Some(Kind::Text),
        "bytea" => Some(Kind::Bytes),
        _ => None,
    }
}

fn type_of(kind: Kind) -> Type {
    match kind {
        Kind::Integer => Type::INT8,
        Kind::Text => Type::TEXT,
        Kind::Bytes => Type::BYTEA,
    }
}

fn failed(error: tokio_postgres::Error) -> Error {
    Failure::of(&error).into_error("(copying a whole database)", error)
}
