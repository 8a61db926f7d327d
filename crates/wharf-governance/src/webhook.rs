//! Webhooks out: who outside is told of what happens in a project.
//!
//! An event becomes a job in the transaction that announces it; the job makes one delivery for each webhook that wants it
//! ([`job`]); each webhook's deliveries are its own lane, sent by whichever node holds it (`lane`). So a push waits for
//! nobody outside, and no receiver waits for another. A delivery arrives at least once, with the same id each time.
//!
//! Where requests may go is `wharf_http::outside`'s to say. Reading order: [`name`], [`event`], [`template`],
//! [`wharf_trust::message`], `rule`, [`job`], `lane`, [`delivery`].

pub mod delivery;
pub mod event;
pub mod job;
pub(crate) mod lane;
pub mod name;
pub(crate) mod pattern;
pub(crate) mod rule;
pub(crate) mod store;
pub mod template;

use std::time::Duration;

use serde_json::json;
use wharf_context::{Context, EditWebhook, Timestamp, Warrant};
use wharf_db::{AuditEntry, Tx};

pub use self::delivery::{Delivery, DeliveryState};
pub use self::event::{EVENTS, EventKind};
pub use self::name::WebhookName;
pub use self::template::Template;
use crate::error::Error;
use crate::governance::Governance;
pub use wharf_trust::SigningSecret;

/// The most webhooks of one project.
const MOST_WEBHOOKS: i64 = 50;
/// How long a secret that was replaced still signs.
pub const FORMER_SECRET_FOR: Duration = Duration::from_secs(24 * 3600);

/// A webhook as its editors see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    pub(crate) id: i64,
    /// Unique in its project.
    pub name: WebhookName,
    /// Where deliveries go.
    pub url: String,
    /// Which events: names, or `NOUN.*`; all where it is empty.
    pub events: Vec<String>,
    /// Of which repositories: patterns; of all where it is empty.
    pub repositories: Vec<String>,
    /// The form of the body.
    pub template: Template,
    /// The Git ref that a pipeline starts on.
    pub git_ref: Option<String>,
    /// Whether the receiver's own credential is kept.
    pub has_credential: bool,
    /// Until when the secret before this one signs, too.
    pub former_secret_until: Option<Timestamp>,
    /// Whether nothing is sent.
    pub is_disabled: bool,
    /// Who made it.
    pub created_by: String,
    /// Since when there is this webhook.
    pub created_at: Timestamp,
    /// How it goes.
    pub lane: LaneState,
}

/// How a webhook's deliveries go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LaneState {
    /// When the next delivery is due; none waits where it is `None`.
    pub due_at: Option<Timestamp>,
    /// How often in a row nobody was there to take one.
    pub failures: u32,
    /// Events that were not kept because too many waited already.
    pub dropped: u64,
}

/// What a webhook is made of.
#[derive(Debug, Clone)]
pub struct NewWebhook {
    /// Unique in its project.
    pub name: WebhookName,
    /// Where deliveries go.
    pub url: String,
    /// Which events; empty for all.
    pub events: Vec<String>,
    /// Of which repositories; empty for all.
    pub repositories: Vec<String>,
    /// The form of the body.
    pub template: Template,
    /// The Git ref that a pipeline starts on.
    pub git_ref: Option<String>,
    /// What the receiver asks for by itself.
    pub credential: Option<String>,
}

/// What of a webhook is to change; `None` leaves a field as it is.
#[derive(Debug, Clone, Default)]
pub struct WebhookChange {
    /// Where deliveries go.
    pub url: Option<String>,
    /// Which events.
    pub events: Option<Vec<String>>,
    /// Of which repositories.
    pub repositories: Option<Vec<String>>,
    /// The form of the body.
    pub template: Option<Template>,
    /// The Git ref that a pipeline starts on; `Some(None)` takes it away.
    pub git_ref: Option<Option<String>>,
    /// What the receiver asks for by itself; `Some(None)` takes it away.
    pub credential: Option<Option<String>>,
    /// Whether nothing is sent.
    pub is_disabled: Option<bool>,
}

type Edit = Warrant<EditWebhook>;

impl Governance {
    /// A project's webhooks after the one named `after`, in the order of their names.
    pub async fn list_webhooks(&self, warrant: &Edit, after: &str, limit: i64) -> Result<Vec<Webhook>, Error> {
        store::list(&self.db, warrant.project(), after, limit).await
    }

    /// One webhook.
    pub async fn get_webhook(&self, warrant: &Edit, name: &WebhookName) -> Result<Webhook, Error> {
        store::find(&self.db, warrant.project(), name).await?.ok_or_else(|| unknown(name))
    }

    /// Makes a webhook. Its secret is given this one time.
    pub async fn create_webhook(
        &self,
        ctx: &Context,
        warrant: &Edit,
        new: &NewWebhook,
    ) -> Result<(Webhook, SigningSecret), Error> {
        let ports = self.webhook_ports()?;
        rule::check_filters(&new.events, &new.repositories)?;
        rule::check_texts(new.git_ref.as_deref(), new.credential.as_deref())?;
        ports.check_address(&new.url)?;
        let secret = SigningSecret::generate().ok_or(Error::Random)?;
        let sealed = ports.seal(warrant.project(), &new.name, secret.bytes()).await?;
        let credential = match &new.credential {
            Some(credential) => Some(ports.seal(warrant.project(), &new.name, credential.as_bytes()).await?),
            None => None,
        };
        let webhook = self
            .db
            .transaction(async |tx| {
                if store::get(tx, warrant.project(), &new.name).await?.is_some() {
                    return Err(Error::WebhookExists { name: new.name.clone() });
                }
                if store::count(tx, warrant.project()).await? >= MOST_WEBHOOKS {
                    return Err(Error::WebhookInvalid { reason: format!("a project has at most {MOST_WEBHOOKS}") });
                }
                store::insert(tx, ctx, warrant, new, (&sealed, credential.as_deref())).await?;
                audit(tx, ctx, "webhook.create", (warrant, &new.name), shown(new)).await?;
                store::get(tx, warrant.project(), &new.name).await?.ok_or_else(|| unknown(&new.name))
            })
            .await?;
        Ok((webhook, secret))
    }

    /// Changes a webhook. What waits to be sent is sent to the new address.
    pub async fn update_webhook(
        &self,
        ctx: &Context,
        warrant: &Edit,
        name: &WebhookName,
        change: &WebhookChange,
    ) -> Result<Webhook, Error> {
        let ports = self.webhook_ports()?;
        rule::check_filters(
            change.events.as_deref().unwrap_or_default(),
            change.repositories.as_deref().unwrap_or_default(),
        )?;
        let credential = change.credential.as_ref().and_then(Option::as_deref);
        rule::check_texts(change.git_ref.as_ref().and_then(Option::as_deref), credential)?;
        if let Some(url) = &change.url {
            ports.check_address(url)?;
        }
        let sealed = match credential {
            Some(credential) => Some(ports.seal(warrant.project(), name, credential.as_bytes()).await?),
            None => None,
        };
        let webhook = self
            .db
            .transaction(async |tx| {
                let before = store::get(tx, warrant.project(), name).await?.ok_or_else(|| unknown(name))?;
                let after = changed(&before, change);
                store::update(tx, &after).await?;
                if change.credential.is_some() {
                    store::set_credential(tx, before.id, sealed.as_deref()).await?;
                }
                if before.is_disabled && !after.is_disabled {
                    store::recompute_lane(tx, before.id).await?;
                }
                let details = json!({ "before": facts(&before), "after": facts(&after) });
                audit(tx, ctx, "webhook.update", (warrant, name), details).await?;
                store::get(tx, warrant.project(), name).await?.ok_or_else(|| unknown(name))
            })
            .await?;
        ports.wake.notify_one();
        Ok(webhook)
    }

    /// Deletes a webhook. What waits to be sent is not sent any more.
    pub async fn delete_webhook(&self, ctx: &Context, warrant: &Edit, name: &WebhookName) -> Result<(), Error> {
        self.db
            .transaction(async |tx| {
                let webhook = store::get(tx, warrant.project(), name).await?.ok_or_else(|| unknown(name))?;
                store::delete(tx, webhook.id).await?;
                audit(tx, ctx, "webhook.delete", (warrant, name), facts(&webhook)).await
            })
            .await
    }

    /// Gives a webhook another secret, this one time. The one before signs beside it for a day.
    pub async fn rotate_webhook_secret(
        &self,
        ctx: &Context,
        warrant: &Edit,
        name: &WebhookName,
    ) -> Result<(Webhook, SigningSecret), Error> {
        let ports = self.webhook_ports()?;
        let secret = SigningSecret::generate().ok_or(Error::Random)?;
        let sealed = ports.seal(warrant.project(), name, secret.bytes()).await?;
        let webhook = self
            .db
            .transaction(async |tx| {
                let webhook = store::get(tx, warrant.project(), name).await?.ok_or_else(|| unknown(name))?;
                let until = tx.now().plus(FORMER_SECRET_FOR);
                store::rotate(tx, webhook.id, &sealed, until).await?;
                audit(tx, ctx, "webhook.rotate", (warrant, name), json!({})).await?;
                store::get(tx, warrant.project(), name).await?.ok_or_else(|| unknown(name))
            })
            .await?;
        Ok((webhook, secret))
    }
}

pub(crate) fn unknown(name: &WebhookName) -> Error {
    Error::WebhookUnknown { name: name.clone() }
}

async fn audit(
    tx: &mut Tx<'_>,
    ctx: &Context,
    action: &'static str,
    (warrant, name): (&Edit, &WebhookName),
    details: serde_json::Value,
) -> Result<(), Error> {
    let entry = AuditEntry::new(ctx, action, format!("{}/{name}", warrant.name())).with_details(details);
    Ok(tx.audit(&entry).await?)
}

fn changed(before: &Webhook, change: &WebhookChange) -> Webhook {
    let mut after = before.clone();
    after.url = change.url.clone().unwrap_or(after.url);
    after.events = change.events.clone().unwrap_or(after.events);
    after.repositories = change.repositories.clone().unwrap_or(after.repositories);
    after.template = change.template.unwrap_or(after.template);
    after.git_ref = change.git_ref.clone().unwrap_or(after.git_ref);
    after.is_disabled = change.is_disabled.unwrap_or(after.is_disabled);
    after
}

/// What the audit log says of a webhook. A URL's query may hold a token.
fn facts(webhook: &Webhook) -> serde_json::Value {
    json!({
        "url": without_query(&webhook.url),
        "events": webhook.events,
        "repositories": webhook.repositories,
        "template": webhook.template.name(),
        "is_disabled": webhook.is_disabled,
    })
}

fn shown(new: &NewWebhook) -> serde_json::Value {
    json!({
        "url": without_query(&new.url),
        "events": new.events,
        "repositories": new.repositories,
        "template": new.template.name(),
    })
}

fn without_query(url: &str) -> &str {
    url.split('?').next().unwrap_or_default()
}
