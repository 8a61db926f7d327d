//! What the routes of webhooks take and give.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;
use wharf_governance::webhook::{
    self, Delivery, EVENTS, NewWebhook, SigningSecret, Webhook, WebhookChange, WebhookName,
};

use crate::moment::Moment;
use crate::text;
use crate::words::{DeliveryStateWord, TemplateWord};

/// A webhook.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Webhook)]
pub(crate) struct WebhookBody {
    name: String,
    /// Where deliveries go.
    url: String,
    /// Which events: names, or `NOUN.*`; all where it is empty.
    events: Vec<String>,
    /// Of which repositories: patterns; of all where it is empty.
    repositories: Vec<String>,
    template: TemplateWord,
    /// The Git ref that a pipeline starts on.
    git_ref: Option<String>,
    /// Whether the receiver's own credential is kept.
    has_credential: bool,
    /// Until when the secret before this one signs, too.
    former_secret_until: Option<Moment>,
    /// Whether nothing is sent.
    is_disabled: bool,
    created_by: String,
    created_at: Moment,
    /// When the next delivery is due; `null` when none waits.
    next_at: Option<Moment>,
    /// How often in a row the receiver was not there.
    #[schema(minimum = 0)]
    failures: u32,
    /// Events that were not kept because too many waited already.
    #[schema(minimum = 0)]
    dropped: u64,
}

/// A webhook to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewWebhook)]
pub(crate) struct NewWebhookBody {
    #[serde(deserialize_with = "text::parse")]
    #[schema(value_type = String, pattern = "^[a-z0-9][a-z0-9._-]{0,62}$")]
    name: WebhookName,
    /// `https://…` or `http://…`, without a user and a password.
    url: String,
    /// Which events: names, or `NOUN.*`; all where nothing is said.
    #[serde(default)]
    events: Vec<String>,
    /// Of which repositories: patterns; of all where nothing is said.
    #[serde(default)]
    repositories: Vec<String>,
    #[serde(default)]
    template: TemplateWord,
    /// The Git ref that a pipeline starts on: `main` where nothing is said.
    git_ref: Option<String>,
    /// What the receiver asks for by itself, such as the token of a pipeline trigger. It is kept sealed and not shown.
    credential: Option<String>,
}

/// What of a webhook is to change.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = WebhookChange)]
pub(crate) struct WebhookChangeBody {
    url: Option<String>,
    events: Option<Vec<String>>,
    repositories: Option<Vec<String>>,
    template: Option<TemplateWord>,
    /// `null` takes it away.
    #[serde(default, deserialize_with = "text::present")]
    #[schema(value_type = Option<String>)]
    git_ref: Option<Option<String>>,
    /// `null` takes it away.
    #[serde(default, deserialize_with = "text::present")]
    #[schema(value_type = Option<String>)]
    credential: Option<Option<String>>,
    is_disabled: Option<bool>,
}

/// A new webhook, with the secret that its deliveries are signed with.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CreatedWebhook)]
pub(crate) struct CreatedWebhookBody {
    pub(crate) webhook: WebhookBody,
    /// `whsec_` and base64. It is shown this one time.
    pub(crate) secret: String,
}

/// A webhook's new secret.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookSecret)]
pub(crate) struct WebhookSecretBody {
    webhook: String,
    /// `whsec_` and base64. It is shown this one time.
    secret: String,
    /// Until when the secret before it signs, too.
    former_secret_until: Option<Moment>,
}

/// One event on its way to one receiver.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Delivery)]
pub(crate) struct DeliveryBody {
    id: i64,
    /// The event's id, the same in every attempt and replay.
    event_id: String,
    /// The event's name, such as `manifest.pushed`.
    event: String,
    subject: String,
    /// The delivery that this one repeats.
    replay_of: Option<i64>,
    state: DeliveryStateWord,
    #[schema(minimum = 0)]
    attempts: u32,
    created_at: Moment,
    /// When it is tried next; `null` when it has ended.
    next_at: Option<Moment>,
    ended_at: Option<Moment>,
    /// The last answer's status.
    #[schema(minimum = 100, maximum = 999)]
    status: Option<u16>,
    #[schema(minimum = 0)]
    duration_ms: Option<i64>,
    /// The first bytes of the last answer.
    answer: Option<String>,
    /// Why the last attempt failed.
    failure: Option<String>,
}

/// A delivery with the event that it carries.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeliveryDocument)]
pub(crate) struct DeliveryDocumentBody {
    delivery: DeliveryBody,
    /// The CloudEvents document.
    #[schema(value_type = Object)]
    document: Option<Box<RawValue>>,
}

/// The events that webhooks can be asked for.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EventKinds)]
pub(crate) struct EventKindsBody {
    events: Vec<EventKindBody>,
}

/// One sort of event.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EventKind)]
pub(crate) struct EventKindBody {
    /// The name that webhooks filter by; the document's type is `dev.wharf.` + name + `.v1`.
    name: &'static str,
    summary: &'static str,
}

impl EventKindsBody {
    pub(crate) fn all() -> Self {
        let kind = |kind: &webhook::EventKind| EventKindBody { name: kind.name, summary: kind.summary };
        Self { events: EVENTS.iter().map(kind).collect() }
    }
}

impl WebhookSecretBody {
    pub(crate) fn new(webhook: &Webhook, secret: &SigningSecret) -> Self {
        let former_secret_until = webhook.former_secret_until.map(Moment);
        Self { webhook: webhook.name.to_string(), secret: secret.expose(), former_secret_until }
    }
}

impl From<Webhook> for WebhookBody {
    fn from(webhook: Webhook) -> Self {
        Self {
            name: webhook.name.to_string(),
            url: webhook.url,
            events: webhook.events,
            repositories: webhook.repositories,
            template: webhook.template.into(),
            git_ref: webhook.git_ref,
            has_credential: webhook.has_credential,
            former_secret_until: webhook.former_secret_until.map(Moment),
            is_disabled: webhook.is_disabled,
            created_by: webhook.created_by,
            created_at: Moment(webhook.created_at),
            next_at: webhook.lane.due_at.map(Moment),
            failures: webhook.lane.failures,
            dropped: webhook.lane.dropped,
        }
    }
}

impl From<NewWebhookBody> for NewWebhook {
    fn from(body: NewWebhookBody) -> Self {
        let NewWebhookBody { name, url, events, repositories, template, git_ref, credential } = body;
        Self { name, url, events, repositories, template: template.into(), git_ref, credential }
    }
}

impl From<WebhookChangeBody> for WebhookChange {
    fn from(body: WebhookChangeBody) -> Self {
        let WebhookChangeBody { url, events, repositories, template, git_ref, credential, is_disabled } = body;
        Self { url, events, repositories, template: template.map(Into::into), git_ref, credential, is_disabled }
    }
}

impl From<Delivery> for DeliveryBody {
    fn from(delivery: Delivery) -> Self {
        let next_at = (delivery.state == webhook::DeliveryState::Waiting).then_some(Moment(delivery.due_at));
        Self {
            id: delivery.id,
            event_id: delivery.event_id,
            event: delivery.event,
            subject: delivery.subject,
            replay_of: delivery.replay_of,
            state: delivery.state.into(),
            attempts: delivery.attempts,
            created_at: Moment(delivery.created_at),
            next_at,
            ended_at: delivery.ended_at.map(Moment),
            status: delivery.last.status,
            duration_ms: delivery.last.duration_ms,
            answer: delivery.last.answer,
            failure: delivery.last.failure,
        }
    }
}

impl From<Delivery> for DeliveryDocumentBody {
    fn from(mut delivery: Delivery) -> Self {
        let document = delivery.document.take().and_then(|document| RawValue::from_string(document).ok());
        Self { delivery: delivery.into(), document }
    }
}
