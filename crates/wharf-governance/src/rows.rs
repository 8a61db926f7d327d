//! Where rows are read from: the transaction that will act on them, or, for what only shows them, what was last
//! committed. One text of SQL serves both.

use wharf_db::{Db, Error, Row, Statement, Tx, Value};

/// A source of rows.
#[derive(Debug)]
pub(crate) enum Rows<'r, 't> {
    /// What was last committed.
    Db(&'r Db),
    /// What a transaction sees.
    Tx(&'r mut Tx<'t>),
}

impl Rows<'_, '_> {
    /// The first row of the answer, found by a key.
    pub(crate) async fn get(&mut self, sql: Statement, params: &[Value]) -> Result<Option<Row>, Error> {
        match self {
            Self::Db(db) => db.get(sql, params).await,
            Self::Tx(tx) => tx.query_opt(sql, params).await,
        }
    }

    /// All rows of the answer.
    pub(crate) async fn list(&mut self, sql: Statement, params: &[Value]) -> Result<Vec<Row>, Error> {
        match self {
            Self::Db(db) => db.list(sql, params).await,
            Self::Tx(tx) => tx.query(sql, params).await,
        }
    }
}
