//! What a copy needs of each kind of database. The calls block: a copy has a thread of its own.

use crate::error::Error;
use crate::value::Value;

/// A table as a copy sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) columns: Vec<Column>,
    /// The columns of the primary key, in its order.
    pub(crate) key: Vec<String>,
    /// The tables that its foreign keys refer to.
    pub(crate) parents: Vec<String>,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) kind: Kind,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Integer,
    Text,
    Bytes,
}

impl Table {
    /// Whether the other database has the same table; the order of columns may differ.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        let sorted = |table: &Self| {
            let mut columns = table.columns.clone();
            columns.sort();
            columns
        };
        self.name == other.name && self.key == other.key && sorted(self) == sorted(other)
    }

    /// The column that numbers the rows, if that is their whole key.
    pub(crate) fn number(&self) -> Option<&str> {
        let [key] = self.key.as_slice() else { return None };
        let is_number = |column: &Column| column.name == *key && column.kind == Kind::Integer;
        self.columns.iter().any(is_number).then_some(key)
    }

    /// The columns, quoted, divided by commas.
    pub(crate) fn column_list(&self) -> String {
        let names = self.columns.iter().map(|column| quoted(&column.name));
        names.collect::<Vec<_>>().join(", ")
    }

    /// All rows in the order of the key: the same order on both, as text is ordered by its bytes.
    pub(crate) fn select(&self) -> String {
        let key: Vec<_> = self.key.iter().map(|column| quoted(column)).collect();
        format!("SELECT {} FROM {} ORDER BY {}", self.column_list(), quoted(&self.name), key.join(", "))
    }
}

/// A name in SQL, whatever is in it.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// One snapshot of a database.
pub(crate) trait Origin: Send {
    /// All tables that are copied.
    fn tables(&mut self) -> Result<Vec<Table>, Error>;

    /// Gives every row, in the order of the key.
    fn rows(&mut self, table: &Table, take: &mut dyn FnMut(&[Value]) -> Result<(), Error>) -> Result<(), Error>;

    /// The last number that was given to a row, gone or not. `None` where rows are not numbered.
    fn last_number(&mut self, table: &Table) -> Result<Option<i64>, Error>;
}

/// An open transaction on the database that is filled. Dropped before its commit, it leaves nothing.
pub(crate) trait Target: Origin {
    /// Whether the table has no row.
    fn is_empty(&mut self, table: &Table) -> Result<bool, Error>;

    /// Begins to fill a table.
    fn load<'t>(&'t mut self, table: &'t Table) -> Result<Box<dyn Load + 't>, Error>;

    /// Makes the next number the one after `last`.
    fn set_last_number(&mut self, table: &Table, last: i64) -> Result<(), Error>;

    /// Keeps everything.
    fn commit(&mut self) -> Result<(), Error>;
}

/// A table that is being filled.
pub(crate) trait Load {
    /// One row, in the order of the table's columns.
    fn add(&mut self, row: &[Value]) -> Result<(), Error>;

    /// The last row was added.
    fn finish(self: Box<Self>) -> Result<(), Error>;
}
