//! Where rows are read from: the transaction that will act on them, or, for what only shows them, what was last committed.
//! One text of SQL and one check serve both.

use crate::{Db, Error, Row, Statement, Tx, Value};

/// A source of rows.
pub trait Reading: Send {
    /// The first row of the answer, found by a key.
    ///
    /// # Errors
    ///
    /// As those of [`Db::get`] and [`Tx::query_opt`].
    fn get(&mut self, sql: Statement, params: &[Value]) -> impl Future<Output = Result<Option<Row>, Error>> + Send;

    /// All rows of the answer, which are few.
    ///
    /// # Errors
    ///
    /// As those of [`Db::list`] and [`Tx::query`].
    fn list(&mut self, sql: Statement, params: &[Value]) -> impl Future<Output = Result<Vec<Row>, Error>> + Send;
}

impl Reading for &Db {
    async fn get(&mut self, sql: Statement, params: &[Value]) -> Result<Option<Row>, Error> {
        Db::get(self, sql, params).await
    }

    async fn list(&mut self, sql: Statement, params: &[Value]) -> Result<Vec<Row>, Error> {
        Db::list(self, sql, params).await
    }
}

impl Reading for Tx<'_> {
    async fn get(&mut self, sql: Statement, params: &[Value]) -> Result<Option<Row>, Error> {
        self.query_opt(sql, params).await
    }

    async fn list(&mut self, sql: Statement, params: &[Value]) -> Result<Vec<Row>, Error> {
        self.query(sql, params).await
    }
}

impl<R: Reading> Reading for &mut R {
    async fn get(&mut self, sql: Statement, params: &[Value]) -> Result<Option<Row>, Error> {
        R::get(self, sql, params).await
    }

    async fn list(&mut self, sql: Statement, params: &[Value]) -> Result<Vec<Row>, Error> {
        R::list(self, sql, params).await
    }
}
