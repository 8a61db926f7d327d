//! Copying a whole database into an empty one, of the other kind or the same: by the schema, naming no table.
//!
//! The source is read in one snapshot and goes on working; the target takes everything in one transaction, so that an
//! interrupted copy leaves it empty. Before the commit every table is read back and compared, row by row, by digest.
//! Which program may still write to the source afterwards is not decided here: see [`crate::freeze`].

mod digest;
mod order;
pub(crate) mod side;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use self::digest::TableDigest;
use self::order::parents_first;
use self::side::{Origin, Table, Target};
use crate::db::Db;
use crate::error::Error;

/// The list of migrations, which each database has of its own from when it was opened; and the leases of processes that
/// work on the source.
pub(crate) const NOT_COPIED: [&str; 2] = ["migrations", "leases"];

/// A table that was copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopiedTable {
    /// Its name.
    pub name: String,
    /// How many rows it has.
    pub rows: u64,
    /// SHA-256 of its rows in the order of their key, in hexadecimal; the same on both kinds of database.
    pub digest: String,
}

/// How far a copy has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CopyStep<'a> {
    /// The table that is being copied.
    pub table: &'a str,
    /// Its rows so far.
    pub rows: u64,
}

/// Told every so many rows.
const TELL_EVERY: u64 = 1000;

impl Db {
    /// Copies everything into `target`, which has the same tables and not one row. Says what was copied, in the order of
    /// the tables' names.
    ///
    /// Dropped, it stops at the next row and leaves `target` empty.
    pub async fn copy_to(
        &self,
        target: &Self,
        tell: impl FnMut(CopyStep<'_>) + Send + 'static,
    ) -> Result<Vec<CopiedTable>, Error> {
        let origin = self.origin().await?;
        let target = target.target().await?;
        let stop = StopOnDrop(Arc::default());
        let is_stopped = Arc::clone(&stop.0);
        let copying = tokio::task::spawn_blocking(move || Copy { origin, target, is_stopped, tell }.run());
        copying.await.map_err(|source| Error::Unavailable { doing: "copying a database", source: source.into() })?
    }

    /// Whether no table has a row: only then it can be the target of a copy.
    pub async fn is_empty(&self) -> Result<bool, Error> {
        let mut target = self.target().await?;
        let looking = tokio::task::spawn_blocking(move || {
            let tables = target.tables()?;
            tables.iter().try_fold(true, |is_empty, table| Ok(is_empty && target.is_empty(table)?))
        });
        looking.await.map_err(|source| Error::Unavailable { doing: "reading a database", source: source.into() })?
    }

    /// The digests of all tables as they are now, in the order of their names: what [`Db::copy_to`] says of a copy.
    pub async fn digest_tables(&self) -> Result<Vec<CopiedTable>, Error> {
        let mut origin = self.origin().await?;
        let digesting = tokio::task::spawn_blocking(move || {
            let mut tables = Vec::new();
            for table in parents_first(origin.tables()?)? {
                tables.push(digest_of(&mut *origin, &table)?);
            }
            tables.sort_by(|one, other| one.name.cmp(&other.name));
            Ok(tables)
        });
        digesting.await.map_err(|source| Error::Unavailable { doing: "reading a database", source: source.into() })?
    }
}

/// Ends the thread that copies when nobody waits for it any more.
struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

struct Copy<T> {
    origin: Box<dyn Origin>,
    target: Box<dyn Target>,
    is_stopped: Arc<AtomicBool>,
    tell: T,
}

impl<T: FnMut(CopyStep<'_>)> Copy<T> {
    fn run(mut self) -> Result<Vec<CopiedTable>, Error> {
        let tables = parents_first(self.origin.tables()?)?;
        refuse_difference(&tables, &self.target.tables()?)?;
        for table in &tables {
            if !self.target.is_empty(table)? {
                return Err(Error::TargetNotEmpty { table: table.name.clone() });
            }
        }
        let mut copied = tables.iter().map(|table| self.copy(table)).collect::<Result<Vec<_>, _>>()?;
        for expected in &copied {
            let table = tables.iter().find(|table| table.name == expected.name);
            let found = table.map(|table| digest_of(&mut *self.target, table)).transpose()?;
            if found.as_ref() != Some(expected) {
                return Err(Error::CopyDiffers { table: expected.name.clone() });
            }
        }
        self.target.commit()?;
        copied.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(copied)
    }

    fn copy(&mut self, table: &Table) -> Result<CopiedTable, Error> {
        let Self { origin, target, is_stopped, tell } = self;
        let mut digest = TableDigest::new();
        let mut load = target.load(table)?;
        origin.rows(table, &mut |row| {
            if is_stopped.load(Ordering::Relaxed) {
                return Err(Error::Stopped);
            }
            digest.add(row);
            if digest.rows().is_multiple_of(TELL_EVERY) {
                tell(CopyStep { table: &table.name, rows: digest.rows() });
            }
            load.add(row)
        })?;
        load.finish()?;
        tell(CopyStep { table: &table.name, rows: digest.rows() });
        if let Some(last) = origin.last_number(table)? {
            target.set_last_number(table, last)?;
        }
        Ok(digest.finish(table))
    }
}

fn digest_of(origin: &mut (impl Origin + ?Sized), table: &Table) -> Result<CopiedTable, Error> {
    let mut digest = TableDigest::new();
    origin.rows(table, &mut |row| {
        digest.add(row);
        Ok(())
    })?;
    Ok(digest.finish(table))
}

/// Both have the same tables with the same columns: they were made by the same migrations.
fn refuse_difference(tables: &[Table], others: &[Table]) -> Result<(), Error> {
    let is_alike = |table: &&Table| others.iter().any(|other| table.is_like(other));
    match tables.iter().find(|table| !is_alike(table)) {
        Some(table) => Err(Error::SchemaDiffers { table: table.name.clone() }),
        None if tables.len() == others.len() => Ok(()),
        None => Err(Error::SchemaDiffers { table: "(one that only the target has)".to_owned() }),
    }
}
