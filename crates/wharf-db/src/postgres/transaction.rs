//! One SERIALIZABLE transaction on one connection of the pool.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};

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
    client: Client,
    texts: Arc<Texts>,
    link: Link,
    is_open: bool,
    must_retry: bool,
}

/// How a transaction begins.
#[derive(Debug, Clone)]
pub(super) struct Begin {
    pub(super) sql: String,
    pub(super) link: Link,
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
    /// Begins. The answer holds the server's time where the text asks for it.
    pub(super) async fn begin(
        client: Client,
        texts: Arc<Texts>,
        begin: &Begin,
    ) -> Result<(Self, Option<Timestamp>), tokio_postgres::Error> {
        // Made first, so that a future dropped while BEGIN is under way rolls back too.
        let transaction = Self { client, texts, link: begin.link, is_open: true, must_retry: false };
        let messages = transaction.client.simple_query(&begin.sql).await?;
        let now = messages.iter().find_map(|message| {
            let SimpleQueryMessage::Row(row) = message else { return None };
            row.get(0).and_then(|text| text.parse().ok()).map(Timestamp)
        });
        Ok((transaction, now))
    }

    pub(crate) async fn execute(&mut self, sql: &'static str, params: &[Value]) -> Result<u64, Error> {
        Value::refuse_nul(params)?;
        let text = self.texts.get(sql);
        let result = statement::execute(&self.client, self.link, &text, params).await;
        result.map_err(|error| self.failed(sql, error))
    }

    pub(crate) async fn query(&mut self, sql: &'static str, params: &[Value]) -> Result<Vec<Row>, Error> {
        Value::refuse_nul(params)?;
        let text = self.texts.get(sql);
        let result = statement::query(&self.client, self.link, &text, params).await;
        result.map_err(|error| self.failed(sql, error))
    }

    fn failed(&mut self, sql: &'static str, error: tokio_postgres::Error) -> Error {
        let failure = Failure::of(&error);
        if failure == Failure::StalePlan {
            self.client.statement_cache.clear();
        }
        self.must_retry |= failure.may_be_retried();
        failure.into_error(sql, error)
    }

    /// Commits.
    pub(crate) async fn commit(mut self) -> Result<Ended, Error> {
        if self.must_retry {
            return self.roll_back().await;
        }
        let committed = self.client.batch_execute("COMMIT").await;
        self.is_open = false;
        match committed {
            Ok(()) => Ok(Ended::Well),
            Err(error) if Failure::of(&error).may_be_retried() => Ok(Ended::Conflict),
            Err(error) if self.client.is_closed() => Err(Error::CommitUnknown { source: error.into() }),
            Err(error) => Err(Failure::of(&error).into_error("COMMIT", error)),
        }
    }

    /// Rolls back, because the closure failed.
    pub(crate) async fn roll_back(mut self) -> Result<Ended, Error> {
        let rolled_back = self.client.batch_execute("ROLLBACK").await;
        self.is_open = false;
        if self.must_retry {
            return Ok(Ended::Conflict);
        }
        rolled_back.map(|()| Ended::Well).map_err(|error| closed_or("rolling back", error))
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        if self.is_open {
            // The first poll puts the message into the connection's queue, in front of whatever its next user sends;
            // nobody needs the answer.
            let mut rollback = pin!(self.client.batch_execute("ROLLBACK"));
            let _is_ready = rollback.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready();
        }
    }
}
