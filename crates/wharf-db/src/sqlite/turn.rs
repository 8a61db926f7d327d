//! Turns at the connection that writes: waiting for one, running statements inline, and the answer after the commit.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use tokio::sync::oneshot;

use super::connection;
use super::queue::{Answer, Ticket};
use super::writer::{Ending, Shared};
use crate::error::Error;
use crate::row::Row;
use crate::value::Value;

/// A task in the queue.
#[derive(Debug)]
struct Waiting<'s> {
    shared: &'s Arc<Shared>,
    ticket: Ticket,
    since: Option<Instant>,
    is_done: bool,
}

impl Future for Waiting<'_> {
    type Output = Turn;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Turn> {
        let mut queue = self.shared.queue();
        if queue.take(self.ticket) {
            drop(queue);
            self.is_done = true;
            if let Some(since) = self.since {
                self.shared.counters.waited(since.elapsed());
            }
            return Poll::Ready(Turn { shared: Arc::clone(self.shared), ticket: self.ticket, is_over: false });
        }
        let is_committer_asleep = queue.wait(self.ticket, cx.waker());
        drop(queue);
        if is_committer_asleep {
            self.shared.committer.wake();
        }
        self.since.get_or_insert_with(Instant::now);
        Poll::Pending
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if self.is_done {
            return;
        }
        let next = self.shared.queue().leave(self.ticket);
        if let Some(next) = next {
            next.wake(|| self.shared.committer.wake());
        }
    }
}

/// The right to use the connection. Dropped before its end, it leaves nothing behind.
#[derive(Debug)]
pub(crate) struct Turn {
    shared: Arc<Shared>,
    ticket: Ticket,
    is_over: bool,
}

impl Turn {
    /// Waits for a turn and opens its savepoint.
    pub(super) async fn wait_for(shared: &Arc<Shared>) -> Result<Self, Error> {
        let ticket = shared.queue().next_ticket();
        let turn = Waiting { shared, ticket, since: None, is_done: false }.await;
        shared.limit.begin();
        let opened = shared.writer().open_savepoint(ticket);
        match opened {
            Ok(()) => Ok(turn),
            // Nothing can be done on this connection: the committer opens it again.
            Err(lost) => Err(Error::BatchLost { source: shared.queue().lose(lost) }),
        }
    }

    pub(crate) fn execute(&self, sql: &'static str, params: &[Value]) -> Result<u64, Error> {
        self.shared.writer().run(self.ticket, |connection| connection::execute(connection, sql, params))
    }

    pub(crate) fn query_opt(&self, sql: &'static str, params: &[Value]) -> Result<Option<Row>, Error> {
        self.shared.writer().run(self.ticket, |connection| connection::query_opt(connection, sql, params))
    }

    pub(crate) fn query(&self, sql: &'static str, params: &[Value]) -> Result<Vec<Row>, Error> {
        self.shared.writer().run(self.ticket, |connection| connection::query(connection, sql, params))
    }

    /// Keeps what the turn did, and waits with all members of the batch until it is committed.
    pub(crate) async fn keep(self) -> Result<(), Error> {
        self.finish(Ending::Keep).await
    }

    /// Undoes what the turn did. What it saw may depend on the batch, so its caller is not answered earlier either.
    pub(crate) async fn undo(self) -> Result<(), Error> {
        self.finish(Ending::Undo).await
    }

    async fn finish(mut self, ending: Ending) -> Result<(), Error> {
        let (member, answer) = oneshot::channel();
        if !self.end(ending, Some(member)) {
            return Err(Error::Revoked);
        }
        match answer.await {
            Ok(Ok(None)) => Ok(()),
            Ok(Ok(Some(acknowledged))) => acknowledged.await.map_err(|source| Error::NotFollowed { source }),
            Ok(Err(source)) => Err(Error::BatchLost { source }),
            Err(closed) => Err(Error::Unavailable { doing: "waiting for the commit", source: closed.into() }),
        }
    }

    /// Ends the turn and hands the connection on. False if it was taken away before.
    fn end(&mut self, ending: Ending, member: Option<oneshot::Sender<Answer>>) -> bool {
        self.is_over = true;
        // Both locks: the committer must not see the turn ended and the member missing, nor the other way round.
        let mut writer = self.shared.writer();
        let mut queue = self.shared.queue();
        if !queue.is_held_by(self.ticket) {
            return false;
        }
        self.shared.limit.end();
        let lost = writer.close_savepoint(self.ticket, ending);
        let next = queue.finish(member, lost);
        drop(queue);
        drop(writer);
        if let Some(next) = next {
            next.wake(|| self.shared.committer.wake());
        }
        true
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if !self.is_over {
            self.end(Ending::Undo, None);
        }
    }
}
