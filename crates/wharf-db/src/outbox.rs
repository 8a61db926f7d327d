//! Announcing what happened: each subscriber gets a job, inserted by the transaction that announces.
//!
//! There is no log of events and no consumer with a cursor: commits are not ordered by id, so a cursor would miss some.

/// Who wants to hear of which events. The list is given when the database is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// The kind of the job that is inserted; its payload is the event as JSON.
    pub job: &'static str,
    /// Names of events: [`wharf_context::Event::name`].
    pub events: Vec<&'static str>,
}
