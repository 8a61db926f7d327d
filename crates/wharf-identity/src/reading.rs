//! Where a row is read from: the transaction that will act on it, or, for what only shows it, what was last committed.
//! One text of SQL and one check serve both.

use wharf_db::{Db, Error, Row, Tx, Value};

/// A source of rows.
pub(crate) trait Reading: Send {
    /// The first row of the answer, found by a key.
    fn get(self, sql: &'static str, params: &[Value]) -> impl Future<Output = Result<Option<Row>, Error>> + Send;
}

impl Reading for &Db {
    async fn get(self, sql: &'static str, params: &[Value]) -> Result<Option<Row>, Error> {
        Db::get(self, sql, params).await
    }
}

impl Reading for &mut Tx<'_> {
    async fn get(self, sql: &'static str, params: &[Value]) -> Result<Option<Row>, Error> {
        self.query_opt(sql, params).await
    }
}
