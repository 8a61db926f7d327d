//! Whose turn it is at the one connection that writes. Only the order: no SQL, no thread, no clock of its own.
//!
//! The connection goes from waiter to waiter. Each is a member of the present batch when it is through; the committer
//! stands in the same queue, behind the waiters of the moment, and commits for all members at once. A turn is offered
//! by waking the waiter. One that does not come for it (its task is not polled) is passed over and keeps its place.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::task::Waker;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::error::Lost;
use crate::log::Acknowledged;

/// Members of one batch at most.
pub(super) const MEMBERS: usize = 256;
/// A batch older than this is committed before anybody else has a turn.
const AGE: Duration = Duration::from_millis(5);
/// A waiter that has not come for its turn within this time is passed over.
pub(super) const OFFER: Duration = Duration::from_millis(5);

/// For how long the committer lets the connection lie idle while those whom it has just answered may come back: they
/// often do so at once, and would otherwise be committed one by one.
const LINGER: Duration = Duration::from_micros(100);

/// A waiter's place in the queue.
pub(super) type Ticket = u64;
/// What a member is told at the end of its batch; whoever is told to wait may not tell others before.
pub(super) type Answer = Result<Option<Acknowledged>, Arc<Lost>>;

#[derive(Debug)]
struct Waiter {
    waker: Waker,
    is_passed_over: bool,
}

/// Who may use the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holder {
    Nobody,
    Offered { ticket: Ticket, since: Instant },
    Task { ticket: Ticket, since: Instant },
    Committer,
}

/// Who is to be woken after the lock is released.
#[derive(Debug)]
pub(super) enum Next {
    Waiter(Waker),
    Committer,
}

impl Next {
    /// Wakes whoever it is.
    pub(super) fn wake(self, committer: impl FnOnce()) {
        match self {
            Self::Waiter(waker) => waker.wake(),
            Self::Committer => committer(),
        }
    }
}

/// What the committer does while it is not its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Watch {
    /// It looks at the queue, or will do so without being woken, after [`OFFER`] at the latest.
    Awake,
    /// It waits for those who may come back.
    Lingering,
    /// It waits to be woken.
    Asleep,
}

/// What belongs to the transaction that is open now.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) members: Vec<oneshot::Sender<Answer>>,
    pub(super) lost: Option<Arc<Lost>>,
    begun: Option<Instant>,
    /// How many may still have a turn before the committer, once it stands in the queue.
    quota: Option<usize>,
}

/// The queue.
#[derive(Debug)]
pub(super) struct Queue {
    holder: Holder,
    waiters: BTreeMap<Ticket, Waiter>,
    last_ticket: Ticket,
    batch: Batch,
    /// How many members the last batch had: so many may come back.
    expected: usize,
    /// Since when nobody has had the turn, if nobody has it.
    idle_since: Instant,
    /// What the committer is doing while it is not its turn.
    pub(super) committer: Watch,
    pub(super) is_closing: bool,
}

impl Queue {
    pub(super) fn new() -> Self {
        Self {
            holder: Holder::Nobody,
            waiters: BTreeMap::new(),
            last_ticket: 0,
            batch: Batch::default(),
            expected: 0,
            idle_since: Instant::now(),
            committer: Watch::Awake,
            is_closing: false,
        }
    }

    pub(super) fn next_ticket(&mut self) -> Ticket {
        self.last_ticket += 1;
        self.last_ticket
    }

    /// Takes the turn if it is offered to `ticket`, or if nobody has it and nobody waits before it.
    pub(super) fn take(&mut self, ticket: Ticket) -> bool {
        let is_mine = match self.holder {
            Holder::Offered { ticket: offered, .. } => offered == ticket,
            Holder::Nobody => self.first().is_none_or(|first| first >= ticket),
            Holder::Task { .. } | Holder::Committer => false,
        };
        if is_mine {
            self.waiters.remove(&ticket);
            let since = Instant::now();
            self.holder = Holder::Task { ticket, since };
            self.batch.begun.get_or_insert(since);
        }
        is_mine
    }

    /// Waits at `ticket`'s place. The committer must be woken when this says so: it watches over waiters.
    #[must_use]
    pub(super) fn wait(&mut self, ticket: Ticket, waker: &Waker) -> bool {
        self.waiters.insert(ticket, Waiter { waker: waker.clone(), is_passed_over: false });
        self.committer == Watch::Asleep
    }

    /// Gives up the place, or the offer. `None`: nobody is to be woken.
    #[must_use]
    pub(super) fn leave(&mut self, ticket: Ticket) -> Option<Next> {
        self.waiters.remove(&ticket);
        match self.holder {
            Holder::Offered { ticket: offered, .. } if offered == ticket => self.pass_on(),
            Holder::Nobody | Holder::Offered { .. } | Holder::Task { .. } | Holder::Committer => None,
        }
    }

    /// Ends the turn of `ticket`, with a member for the batch unless the turn was dropped.
    #[must_use]
    pub(super) fn finish(&mut self, member: Option<oneshot::Sender<Answer>>, lost: Option<Lost>) -> Option<Next> {
        self.batch.members.extend(member);
        if let Some(lost) = lost {
            self.lose(lost);
        }
        if let Some(quota) = &mut self.batch.quota {
            *quota = quota.saturating_sub(1);
        }
        self.pass_on()
    }

    /// Hands the turn to whoever is next.
    #[must_use]
    pub(super) fn pass_on(&mut self) -> Option<Next> {
        if self.is_committer_due() {
            self.holder = Holder::Committer;
            return Some(Next::Committer);
        }
        if let Some(ticket) = self.first()
            && let Some(waiter) = self.waiters.get(&ticket)
        {
            self.holder = Holder::Offered { ticket, since: Instant::now() };
            return Some(Next::Waiter(waiter.waker.clone()));
        }
        self.holder = Holder::Nobody;
        self.idle_since = Instant::now();
        let may_more_come = self.committer == Watch::Lingering && self.batch.members.len() < self.expected;
        (self.has_batch() && !may_more_come).then_some(Next::Committer)
    }

    fn is_committer_due(&self) -> bool {
        self.batch.lost.is_some()
            || self.batch.members.len() >= MEMBERS
            || (self.has_batch() && self.batch.quota == Some(0))
            || self.batch.begun.is_some_and(|begun| begun.elapsed() >= AGE)
    }

    /// Whether a transaction is open, or may be.
    fn has_batch(&self) -> bool {
        self.batch.begun.is_some()
    }

    fn first(&self) -> Option<Ticket> {
        self.waiters.iter().find(|(_, waiter)| !waiter.is_passed_over).map(|(ticket, _)| *ticket)
    }

    /// The committer asks for its turn: at once if nobody has it, else behind the waiters of the moment.
    pub(super) fn committer_takes(&mut self) -> bool {
        match self.holder {
            Holder::Committer => true,
            Holder::Nobody if self.has_batch() && self.linger().is_none() => {
                self.holder = Holder::Committer;
                true
            }
            Holder::Offered { .. } | Holder::Task { .. } if self.has_batch() => {
                let in_turn = usize::from(matches!(self.holder, Holder::Task { .. }));
                self.batch.quota.get_or_insert(self.waiters.len() + in_turn);
                false
            }
            Holder::Nobody | Holder::Offered { .. } | Holder::Task { .. } => false,
        }
    }

    /// For how long the committer, whose turn it could be, does better to wait for more members.
    pub(super) fn linger(&self) -> Option<Duration> {
        let is_idle = self.holder == Holder::Nobody && self.has_batch() && !self.is_closing;
        let may_more_come = self.batch.members.len() < self.expected && !self.is_committer_due();
        let left = LINGER.checked_sub(self.idle_since.elapsed()).filter(|left| !left.is_zero());
        left.filter(|_| is_idle && may_more_come)
    }

    /// Whether somebody would be harmed by a turn that is not used: then the committer looks again every [`OFFER`].
    pub(super) fn needs_watch(&self) -> bool {
        !self.waiters.is_empty() || !self.batch.members.is_empty()
    }

    /// The ticket of a task that has had the turn for longer than `limit`.
    pub(super) fn overdue(&self, limit: Duration) -> Option<Ticket> {
        match self.holder {
            Holder::Task { ticket, since } if since.elapsed() >= limit => Some(ticket),
            Holder::Nobody | Holder::Offered { .. } | Holder::Task { .. } | Holder::Committer => None,
        }
    }

    /// Passes over a waiter that did not come for its turn.
    #[must_use]
    pub(super) fn pass_over(&mut self) -> Option<Next> {
        let Holder::Offered { ticket, since } = self.holder else { return None };
        if since.elapsed() < OFFER {
            return None;
        }
        if let Some(waiter) = self.waiters.get_mut(&ticket) {
            waiter.is_passed_over = true;
        }
        self.pass_on()
    }

    /// The members whose batch ends now. The next batch begins with the next turn.
    pub(super) fn end_batch(&mut self) -> Batch {
        self.expected = self.batch.members.len();
        std::mem::take(&mut self.batch)
    }

    /// Says that nothing more can be done in this batch.
    pub(super) fn lose(&mut self, lost: Lost) -> Arc<Lost> {
        Arc::clone(self.batch.lost.get_or_insert(Arc::new(lost)))
    }

    /// Whether it is the turn of `ticket`.
    pub(super) fn is_held_by(&self, ticket: Ticket) -> bool {
        matches!(self.holder, Holder::Task { ticket: holder, .. } if holder == ticket)
    }

    /// Why the batch is lost already, if it is.
    pub(super) fn lost(&self) -> Option<Arc<Lost>> {
        self.batch.lost.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A queue in which the tickets 1 to `count` wait.
    fn with_waiters(count: u64) -> Queue {
        let mut queue = Queue::new();
        for _ in 0..count {
            let ticket = queue.next_ticket();
            assert!(!queue.wait(ticket, Waker::noop()), "the committer is awake");
        }
        queue
    }

    fn member() -> Option<oneshot::Sender<Answer>> {
        Some(oneshot::channel().0)
    }

    fn is_offered(queue: &Queue, wanted: Ticket) -> bool {
        matches!(queue.holder, Holder::Offered { ticket, .. } if ticket == wanted)
    }

    #[test]
    fn a_free_connection_is_taken_at_once_and_by_one_only() {
        let mut queue = Queue::new();
        let (first, second) = (queue.next_ticket(), queue.next_ticket());
        assert!(queue.take(first));
        assert!(!queue.take(second));
        assert!(queue.is_held_by(first));
    }

    #[test]
    fn turns_are_given_in_the_order_of_waiting() {
        let mut queue = with_waiters(3);
        assert!(queue.take(1));
        assert!(matches!(queue.finish(member(), None), Some(Next::Waiter(_))));
        assert!(is_offered(&queue, 2));
        assert!(!queue.take(3), "it is not its turn");
        assert!(queue.take(2));
    }

    #[test]
    fn the_committer_stands_behind_the_waiters_of_the_moment() {
        let mut queue = with_waiters(3);
        assert!(queue.take(1));
        assert!(!queue.committer_takes());
        let late = queue.next_ticket();
        assert!(!queue.wait(late, Waker::noop()));
        for ticket in 1..=3 {
            assert!(ticket == 1 || queue.take(ticket));
            let next = queue.finish(member(), None);
            assert_eq!(matches!(next, Some(Next::Committer)), ticket == 3, "after {ticket}");
        }
        assert!(queue.committer_takes());
        assert_eq!(queue.end_batch().members.len(), 3);
        assert!(matches!(queue.pass_on(), Some(Next::Waiter(_))));
        assert!(is_offered(&queue, late));
    }

    #[test]
    fn with_nobody_waiting_the_committer_is_called() {
        let mut queue = with_waiters(1);
        assert!(queue.take(1));
        assert!(matches!(queue.finish(member(), None), Some(Next::Committer)));
        assert!(queue.committer_takes());
    }

    #[test]
    fn a_lost_batch_ends_before_anybody_else_has_a_turn() {
        let mut queue = with_waiters(2);
        assert!(queue.take(1));
        let lost = Lost { doing: "test", is_full: false, source: "test".into() };
        assert!(matches!(queue.finish(member(), Some(lost)), Some(Next::Committer)));
        assert!(!queue.take(2));
        assert!(queue.end_batch().lost.is_some());
        assert!(matches!(queue.pass_on(), Some(Next::Waiter(_))));
        assert!(queue.lost().is_none());
    }

    #[test]
    fn a_batch_has_a_limited_number_of_members() {
        let mut queue = with_waiters(300);
        for ticket in 1..=256 {
            assert!(queue.take(ticket));
            let next = queue.finish(member(), None);
            assert_eq!(matches!(next, Some(Next::Committer)), ticket == 256 || queue.holder == Holder::Committer);
            if queue.holder == Holder::Committer {
                // So slow a machine that the batch's age ended it.
                return;
            }
        }
        assert_eq!(queue.holder, Holder::Committer);
    }

    #[test]
    fn whoever_leaves_is_forgotten_and_an_offer_goes_on() {
        let mut queue = with_waiters(3);
        assert!(queue.take(1));
        assert!(queue.leave(3).is_none());
        assert!(matches!(queue.finish(None, None), Some(Next::Waiter(_))));
        assert!(matches!(queue.leave(2), Some(Next::Committer)), "the batch of the first is open");
        assert!(!queue.needs_watch());
    }

    #[test]
    fn the_committer_lingers_for_as_many_as_it_has_answered() {
        let mut queue = with_waiters(2);
        for ticket in 1..=2 {
            assert!(queue.take(ticket));
            let _next = queue.finish(member(), None);
        }
        assert!(queue.committer_takes());
        drop(queue.end_batch());
        assert!(queue.pass_on().is_none());
        let ticket = queue.next_ticket();
        assert!(queue.take(ticket));
        assert!(matches!(queue.finish(member(), None), Some(Next::Committer)), "it is not lingering yet");
        assert!(queue.linger().is_some());
        queue.committer = Watch::Lingering;
        let ticket = queue.next_ticket();
        assert!(queue.take(ticket));
        assert!(matches!(queue.finish(member(), None), Some(Next::Committer)), "as many as before are here");
        assert!(queue.linger().is_none());
        assert!(queue.committer_takes());
    }
}
