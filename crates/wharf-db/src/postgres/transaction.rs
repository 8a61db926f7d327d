//! One SERIALIZABLE transaction on one connection of the pool.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use deadpool_postgres::Client;
use tokio_postgres::SimpleQueryMessage;
use wharf_context::Timestamp;

use super::statement::{self, Link};
use super::texts::Texts;
use super::{Failure, closed_or};
use crate::error::Error;
use crate::row::Row;
use crate::value::Value;

/// An open transaction. Dropped before its end, it is rolled back.
#[derive(Debug)]
pub(crate) struct Transaction {
    /// Taken out, and not given back to the pool, when the server has fallen silent.
    client: Option<Client>,
    texts: Arc<Texts>,
    link: Link,
    patience: Duration,
    is_open: bool,
    must_retry: bool,
}

/// How a transaction begins.
#[derive(Debug, Clone)]
pub(super) struct Begin {
    pub(super) sql: String,
    pub(super) link: Link,
    /// How long to wait for an answer: longer than the server itself would let a statement run.
    pub(super) patience: Duration,
}

/// How an attempt ended.
#[derive(Debug)]
pub(crate) enum Ended {
    /// As was asked for.
    Well,
    /// Another transaction got in the way: nothing happened, and a fresh attempt may succeed.
    Conflict,
}

impl Transaction {
    /// Begins. The answer holds the server's time where the text asks for it. `None`: there was no answer.
    pub(super) async fn begin(
        client: Client,
        texts: Arc<Texts>,
        begin: &Begin,
    ) -> Result<Option<(Self, Option<Timestamp>)>, tokio_postgres::Error> {
        let (link, patience) = (begin.link, begin.patience);
        // Made first, so that a future dropped while BEGIN is under way rolls back too.
        let mut transaction = Self { client: Some(client), texts, link, patience, is_open: true, must_retry: false };
        let answer = transaction.answered(async |client, _| client.simple_query(&begin.sql).await).await;
        let Some(messages) = answer.transpose()? else { return Ok(None) };
        let now = messages.iter().find_map(|message| {
            let SimpleQueryMessage::Row(row) = message else { return None };
            row.get(0).and_then(|text| text.parse().ok()).map(Timestamp)
        });
        Ok(Some((transaction, now)))
    }

    /// Asks the server and waits for its answer. One that falls silent in the middle (its machine has stopped, a wire
    /// was pulled) must not hold the caller, and its connection is of no use to anybody: `None`.
    async fn answered<T>(
        &mut self,
        ask: impl AsyncFnOnce(&Client, &Texts) -> Result<T, tokio_postgres::Error>,
    ) -> Option<Result<T, tokio_postgres::Error>> {
        let client = self.client.as_ref()?;
        let answer = tokio::time::timeout(self.patience, ask(client, &self.texts)).await;
        if answer.is_err() {
            self.is_open = false;
            drop(self.client.take().map(Client::take));
        }
        answer.ok()
    }

    pub(crate) async fn execute(&mut self, sql: &'static str, params: &[Value]) -> Result<u64, Error> {
        Value::refuse_nul(params)?;
        let link = self.link;
        let answer =
            self.answered(async |client, texts| statement::execute(client, link, &texts.get(sql), params).await);
        let answer = answer.await.ok_or_else(|| silent("running a statement"))?;
        answer.map_err(|error| self.failed(sql, error))
    }

    pub(crate) async fn query(&mut self, sql: &'static str, params: &[Value]) -> Result<Vec<Row>, Error> {
        Value::refuse_nul(params)?;
        let link = self.link;
        let answer = self.answered(async |client, texts| statement::query(client, link, &texts.get(sql), params).await);
        let answer = answer.await.ok_or_else(|| silent("running a statement"))?;
        answer.map_err(|error| self.failed(sql, error))
    }

    fn failed(&mut self, sql: &'static str, error: tokio_postgres::Error) -> Error {
        let failure = Failure::of(&error);
        if failure == Failure::StalePlan {
            self.client.iter().for_each(|client| client.statement_cache.clear());
        }
        self.must_retry |= failure.may_be_retried();
        failure.into_error(sql, error)
    }

    /// Commits.
    pub(crate) async fn commit(mut self) -> Result<Ended, Error> {
        if self.must_retry {
            return self.roll_back().await;
        }
        let answer = self.answered(async |client, _| client.batch_execute("COMMIT").await).await;
        self.is_open = false;
        let Some(committed) = answer else { return Err(Error::CommitUnknown { source: SILENT.into() }) };
        let is_closed = self.client.as_ref().is_some_and(|client| client.is_closed());
        match committed {
            Ok(()) => Ok(Ended::Well),
            Err(error) if Failure::of(&error).may_be_retried() => Ok(Ended::Conflict),
            Err(error) if is_closed => Err(Error::CommitUnknown { source: error.into() }),
            Err(error) => Err(Failure::of(&error).into_error("COMMIT", error)),
        }
    }

    /// Rolls back, because the closure failed.
    pub(crate) async fn roll_back(mut self) -> Result<Ended, Error> {
        let answer = self.answered(async |client, _| client.batch_execute("ROLLBACK").await).await;
        self.is_open = false;
        let rolled_back = answer.ok_or_else(|| silent("rolling back"))?;
        if self.must_retry {
            return Ok(Ended::Conflict);
        }
        rolled_back.map(|()| Ended::Well).map_err(|error| closed_or("rolling back", error))
    }
}

/// What a server that has fallen silent is told as.
const SILENT: &str = "it has fallen silent";

pub(super) fn silent(doing: &'static str) -> Error {
    Error::Unavailable { doing, source: SILENT.into() }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        if let Some(client) = self.client.as_ref().filter(|_| self.is_open) {
            // The first poll puts the message into the connection's queue, in front of whatever its next user sends;
            // nobody needs the answer.
            let mut rollback = pin!(client.batch_execute("ROLLBACK"));
            let _is_ready = rollback.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready();
        }
    }
}
