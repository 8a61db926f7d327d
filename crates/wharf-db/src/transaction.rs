//! One transaction as the code inside it sees it.

use std::sync::Arc;

use wharf_context::Timestamp;

use crate::error::Error;
use crate::outbox::Subscription;
use crate::row::Row;
use crate::statement::Statement;
use crate::value::Value;
use crate::{postgres, sqlite};

/// A transaction. After a statement has failed it refuses further ones: branch with ON CONFLICT, never on errors.
#[derive(Debug)]
pub struct Tx<'t> {
    link: Link<'t>,
    now: Timestamp,
    has_failed: bool,
    has_enqueued: bool,
    subscriptions: &'t Arc<[Subscription]>,
}

/// The database's side of it.
#[derive(Debug)]
enum Link<'t> {
    Sqlite(&'t sqlite::Turn),
    Postgres(&'t mut postgres::Transaction),
}

impl<'t> Tx<'t> {
    pub(crate) fn on_sqlite(turn: &'t sqlite::Turn, now: Timestamp, subscriptions: &'t Arc<[Subscription]>) -> Self {
        Self { link: Link::Sqlite(turn), now, has_failed: false, has_enqueued: false, subscriptions }
    }

    pub(crate) fn on_postgres(
        transaction: &'t mut postgres::Transaction,
        now: Timestamp,
        subscriptions: &'t Arc<[Subscription]>,
    ) -> Self {
        Self { link: Link::Postgres(transaction), now, has_failed: false, has_enqueued: false, subscriptions }
    }

    /// When the transaction began: the one time that everything in it is judged by and marked with.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Runs a statement and says how many rows it changed.
    pub async fn execute(&mut self, statement: impl Into<Statement>, params: &[Value]) -> Result<u64, Error> {
        let statement = statement.into();
        self.refuse_after_failure(statement)?;
        let result = match &mut self.link {
            Link::Sqlite(turn) => turn.execute(statement.sqlite(), params),
            Link::Postgres(transaction) => transaction.execute(statement.postgres(), params).await,
        };
        self.has_failed = result.is_err();
        result
    }

    /// The first row of the answer, or `None`. Ask for one row: others are fetched in vain.
    pub async fn query_opt(&mut self, statement: impl Into<Statement>, params: &[Value]) -> Result<Option<Row>, Error> {
        let statement = statement.into();
        self.refuse_after_failure(statement)?;
        let result = match &mut self.link {
            Link::Sqlite(turn) => turn.query_opt(statement.sqlite(), params),
            Link::Postgres(transaction) => {
                transaction.query(statement.postgres(), params).await.map(|rows| rows.into_iter().next())
            }
        };
        self.has_failed = result.is_err();
        result
    }

    /// All rows of the answer.
    pub async fn query(&mut self, statement: impl Into<Statement>, params: &[Value]) -> Result<Vec<Row>, Error> {
        let statement = statement.into();
        self.refuse_after_failure(statement)?;
        let result = match &mut self.link {
            Link::Sqlite(turn) => turn.query(statement.sqlite(), params),
            Link::Postgres(transaction) => transaction.query(statement.postgres(), params).await,
        };
        self.has_failed = result.is_err();
        result
    }

    fn refuse_after_failure(&self, statement: Statement) -> Result<(), Error> {
        if self.has_failed { Err(Error::AfterFailure { sql: statement.sqlite() }) } else { Ok(()) }
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.has_failed
    }

    /// Whether workers are to be woken after the commit.
    pub(crate) fn has_enqueued(&self) -> bool {
        self.has_enqueued
    }

    pub(crate) fn mark_enqueued(&mut self) {
        self.has_enqueued = true;
    }

    pub(crate) fn subscriptions(&self) -> Arc<[Subscription]> {
        Arc::clone(self.subscriptions)
    }
}
