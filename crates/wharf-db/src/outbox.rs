//! Announcing what happened: each subscriber gets a job, inserted by the transaction that announces.
//!
//! There is no log of events and no consumer with a cursor: commits are not ordered by id, so a cursor would miss some.

use wharf_context::Event;

use crate::error::Error;
use crate::job::NewJob;
use crate::transaction::Tx;

/// Who wants to hear of which events. The list is given when the database is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// The kind of the job that is inserted; its payload is the event as JSON.
    pub job: &'static str,
    /// Names of events: [`Event::name`].
    pub events: Vec<&'static str>,
}

impl Tx<'_> {
    /// Gives every subscriber of this event a job. Nothing happens where there is none.
    pub async fn announce(&mut self, event: Event) -> Result<(), Error> {
        let subscriptions = self.subscriptions();
        // A list, because an iterator with a closure that lives across an await is not Send for every lifetime.
        let wanting = subscriptions.iter().filter(|one| one.events.contains(&event.name()));
        let kinds: Vec<&'static str> = wanting.map(|one| one.job).collect();
        if kinds.is_empty() {
            return Ok(());
        }
        let payload = serde_json::to_string(&event).map_err(|source| Error::Json { what: "an event", source })?;
        for kind in kinds {
            let job = NewJob { kind, payload: payload.clone(), run_at: self.now() };
            self.enqueue(job).await?;
        }
        Ok(())
    }
}
