//! Deliveries: one event on its way to one receiver, and what became of it.
//!
//! A delivery waits, is tried (see `super::lane`) and is delivered or dead in the end. A replay is a new delivery of the
//! same event under the same id: a receiver that has taken it may say so and do nothing.

pub(crate) mod store;

use serde_json::json;
use wharf_context::{Context, EditWebhook, Timestamp, Warrant};
use wharf_db::AuditEntry;

use super::{WebhookName, unknown};
use crate::error::Error;
use crate::governance::Governance;

/// Where a delivery is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryState {
    /// It is still to be sent, for the first time or again.
    Waiting,
    /// The receiver took it: its status was 2xx.
    Delivered,
    /// It was given up.
    Dead,
}

impl DeliveryState {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Waiting, Self::Delivered, Self::Dead];

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
        }
    }

    /// The state of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    pub(crate) fn number(self) -> i64 {
        match self {
            Self::Waiting => 0,
            Self::Delivered => 1,
            Self::Dead => 2,
        }
    }

    pub(crate) fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.number() == number)
    }
}

/// One event on its way to one receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its number; later ones have larger numbers.
    pub id: i64,
    /// The event's id, which receivers know it by.
    pub event_id: String,
    /// The event's name, such as `manifest.pushed`.
    pub event: String,
    /// What the event is about.
    pub subject: String,
    /// The delivery that this one repeats.
    pub replay_of: Option<i64>,
    /// Where it is.
    pub state: DeliveryState,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it is tried next, or was to be.
    pub due_at: Timestamp,
    /// When it was delivered or given up.
    pub ended_at: Option<Timestamp>,
    /// How the last attempt went.
    pub last: Attempt,
    /// The CloudEvents document; only where one delivery is asked for.
    pub document: Option<String>,
}

/// How an attempt went.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attempt {
    /// The answer's status.
    pub status: Option<u16>,
    /// How long it took.
    pub duration_ms: Option<i64>,
    /// The first bytes of the answer.
    pub answer: Option<String>,
    /// Why it failed.
    pub failure: Option<String>,
}

type Edit = Warrant<EditWebhook>;

impl Governance {
    /// A webhook's deliveries before the one numbered `before`, newest first; those in one state where `state` names one.
    pub async fn list_deliveries(
        &self,
        warrant: &Edit,
        name: &WebhookName,
        state: Option<DeliveryState>,
        (before, limit): (Option<i64>, i64),
    ) -> Result<Vec<Delivery>, Error> {
        let webhook = self.get_webhook(warrant, name).await?;
        store::list(&self.db, (webhook.id, state), before, limit).await
    }

    /// One delivery, with its document.
    pub async fn get_delivery(&self, warrant: &Edit, name: &WebhookName, id: i64) -> Result<Delivery, Error> {
        let webhook = self.get_webhook(warrant, name).await?;
        store::find(&self.db, webhook.id, id).await?.ok_or(Error::DeliveryUnknown { id })
    }

    /// Sends an event again that was delivered or given up.
    pub async fn replay_delivery(
        &self,
        ctx: &Context,
        warrant: &Edit,
        name: &WebhookName,
        id: i64,
    ) -> Result<Delivery, Error> {
        let ports = self.webhook_ports()?;
        let replay = self
            .db
            .transaction(async |tx| {
                let webhook = super::store::get(tx, warrant.project(), name).await?.ok_or_else(|| unknown(name))?;
                let delivery = store::get(tx, webhook.id, id).await?.ok_or(Error::DeliveryUnknown { id })?;
                if delivery.state == DeliveryState::Waiting {
                    return Err(Error::DeliveryWaits { id });
                }
                let replay = store::repeat(tx, &delivery, webhook.id).await?;
                super::store::recompute_lane(tx, webhook.id).await?;
                let entry = AuditEntry::new(ctx, "webhook.replay", format!("{}/{name}", warrant.name()));
                let details = json!({ "delivery": id, "event_id": delivery.event_id });
                tx.audit(&entry.with_details(details)).await?;
                store::get(tx, webhook.id, replay).await?.ok_or(Error::DeliveryUnknown { id: replay })
            })
            .await?;
        ports.wake.notify_one();
        Ok(replay)
    }

    /// Sends a test event, by the way that all others go. What becomes of it, [`Governance::get_delivery`] tells.
    pub async fn test_webhook(&self, ctx: &Context, warrant: &Edit, name: &WebhookName) -> Result<Delivery, Error> {
        let ports = self.webhook_ports()?;
        let delivery = self
            .db
            .transaction(async |tx| {
                let webhook = super::store::get(tx, warrant.project(), name).await?.ok_or_else(|| unknown(name))?;
                if webhook.is_disabled {
                    return Err(Error::WebhookDisabled { name: name.clone() });
                }
                let (id, names) = (super::job::new_id(), (warrant.name().as_str(), name.as_str()));
                let outgoing = super::event::test(id, &ports.source, names, tx.now());
                let delivery = store::insert(tx, webhook.id, &outgoing).await?;
                super::store::recompute_lane(tx, webhook.id).await?;
                tx.audit(&AuditEntry::new(ctx, "webhook.test", format!("{}/{name}", warrant.name()))).await?;
                store::get(tx, webhook.id, delivery).await?.ok_or(Error::DeliveryUnknown { id: delivery })
            })
            .await?;
        ports.wake.notify_one();
        Ok(delivery)
    }
}
