//! Inquiries: what a foreign system is asked about a promotion, and what it answers.
//!
//! The gate `external` names a webhook of the project. When a promotion waits for it, the question is put among that
//! webhook's deliveries by the transaction that found so: it goes out signed, is tried again, and nobody waits for it. The
//! answer comes at once, in the receiver's response, or later by a request with a token that was in the question. The token
//! follows from the webhook's secret and the inquiry's id, so it is kept nowhere; it is good for one answer. Until there is
//! one the gate does not know; when there is, a job asks the promotion's gates again.

pub(crate) mod gate;
mod store;

use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;
use wharf_context::{Context, ProjectId, Timestamp};
use wharf_db::{AuditEntry, Tx};
use wharf_oci::{Digest, RepositoryName};

use self::gate::ExternalParameters;
use crate::error::Error;
use crate::governance::Governance;
use crate::promotion::{self, Item, Promotion};
use crate::webhook::{self, SigningSecret, delivery, event};

/// The longest reason.
const MAX_REASON_BYTES: usize = 1_000;

/// What a foreign system was asked about one thing that is to be promoted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inquiry {
    /// Its name outside: the id of the event that carries it.
    pub id: String,
    /// The promotion: its row.
    promotion: i64,
    webhook: i64,
    /// The repository, by its name in development.
    pub repository: RepositoryName,
    /// What it is about.
    pub digest: Digest,
    /// When it was asked.
    pub asked_at: Timestamp,
    /// What was answered.
    pub answer: Option<Answer>,
}

/// What a foreign system says.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Answer {
    /// Yes or no.
    pub decision: Decision,
    /// Why.
    #[serde(default)]
    pub reason: String,
}

/// Yes or no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// It may go on.
    Allow,
    /// It may not.
    Deny,
}

impl Decision {
    fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        [Self::Allow, Self::Deny].into_iter().find(|decision| decision.name() == name)
    }
}

impl Answer {
    fn check(&self) -> Result<(), Error> {
        if self.reason.len() > MAX_REASON_BYTES || self.reason.contains('\0') {
            return Err(Error::TextInvalid { max_bytes: MAX_REASON_BYTES });
        }
        Ok(())
    }
}

impl Governance {
    /// Asks what a promotion waits for and nobody was asked yet.
    pub(crate) async fn inquire(&self, tx: &mut Tx<'_>, promotion: &Promotion) -> Result<(), Error> {
        let is_waiting = promotion.gates.iter().any(|result| result.gate == gate::NAME && result.is_waiting());
        let rule = promotion.passage.gates.iter().find(|rule| rule.name == gate::NAME);
        let (Some(rule), true, Ok(ports)) = (rule, is_waiting, self.webhook_ports()) else { return Ok(()) };
        let ExternalParameters { webhook, url } = crate::gate::checked(&rule.parameters)?;
        let Some(found) = webhook::store::get(tx, promotion.project, &webhook).await? else { return Ok(()) };
        let Some(project) = ports.projects.name(tx, promotion.project).await? else { return Ok(()) };
        if found.is_disabled || found.url != url {
            return Ok(());
        }
        for item in &promotion.items {
            if store::of(tx, promotion.row, (&item.repository, &item.digest)).await?.is_some() {
                continue;
            }
            let id = Uuid::now_v7().to_string();
            store::insert(tx, promotion, (&id, found.id), item).await?;
            let subject = format!("{}@{}", item.repository, item.digest);
            let data = question(promotion, item, &format!("{}/api/v1/inquiries/{id}", ports.source));
            let outgoing = event::inquiry(id, &ports.source, (project.as_str(), &subject), (tx.now(), &data));
            delivery::store::insert(tx, found.id, &outgoing).await?;
            webhook::store::wake_lane(tx, found.id).await?;
        }
        Ok(())
    }

    /// Takes a foreign system's answer, by the token that was in the question.
    pub async fn answer_inquiry(&self, ctx: &Context, id: &str, token: &str, answer: &Answer) -> Result<(), Error> {
        answer.check()?;
        let unknown = || Error::InquiryUnknown { id: id.to_owned() };
        let ports = self.webhook_ports()?;
        let inquiry = store::find(&self.db, id).await?.ok_or_else(unknown)?;
        let sender = webhook::store::sender(&self.db, inquiry.webhook).await?.ok_or_else(unknown)?;
        let secret = ports.unseal(sender.project, &sender.name, &sender.secret).await?;
        if !SigningSecret::from_bytes(secret).is_token(id, token) {
            return Err(unknown());
        }
        self.db
            .transaction(async |tx| match store::answer(tx, id, answer).await? {
                true => note(tx, ctx, &inquiry, answer).await,
                false => Err(Error::InquiryAnswered { id: id.to_owned() }),
            })
            .await
    }
}

/// Takes the answer that a receiver gave at once, where it gave one.
pub(crate) async fn take(tx: &mut Tx<'_>, id: &str, response: &str) -> Result<(), Error> {
    let Ok(answer) = serde_json::from_str::<Answer>(response) else { return Ok(()) };
    if answer.check().is_err() {
        return Ok(());
    }
    let Some(inquiry) = store::find(&mut *tx, id).await? else { return Ok(()) };
    if store::answer(tx, id, &answer).await? {
        note(tx, &promotion::system(), &inquiry, &answer).await?;
    }
    Ok(())
}

/// The question with the token that answers it: it is in what is sent, and nowhere else.
pub(crate) fn with_token(document: &str, id: &str, secret: &SigningSecret) -> String {
    let Ok(mut document) = serde_json::from_str::<Value>(document) else { return document.to_owned() };
    document["data"]["token"] = secret.token(id).into();
    document.to_string()
}

async fn note(tx: &mut Tx<'_>, ctx: &Context, inquiry: &Inquiry, answer: &Answer) -> Result<(), Error> {
    let about = format!("{}@{}", inquiry.repository, inquiry.digest);
    let details = json!({ "about": about, "decision": answer.decision.name(), "reason": answer.reason });
    tx.audit(&AuditEntry::new(ctx, "inquiry.answer", inquiry.id.clone()).with_details(details)).await?;
    promotion::look_now(tx, inquiry.promotion).await
}

fn question(promotion: &Promotion, item: &Item, callback: &str) -> Value {
    json!({
        "promotion": promotion.id,
        "kind": promotion.kind.name(),
        "repository": item.repository.as_str(),
        "digest": item.digest.to_string(),
        "tags": item.tags.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "release": promotion.release,
        "from": promotion.from.as_str(),
        "to": promotion.to.as_str(),
        "requested_by": promotion.requested_by,
        "reason": promotion.reason,
        "policy_hash": promotion.policy_hash,
        "expires_at": event::moment(promotion.expires_at),
        "callback": callback,
    })
}

/// What a foreign system was asked and said about one thing of a promotion.
async fn of(tx: &mut Tx<'_>, promotion: i64, about: (&RepositoryName, &Digest)) -> Result<Option<Inquiry>, Error> {
    store::of(tx, promotion, about).await
}

/// Whether the webhook of a project that asks is as the policy says; else what is wrong.
async fn check_webhook(
    tx: &mut Tx<'_>,
    project: ProjectId,
    ExternalParameters { webhook, url }: &ExternalParameters,
) -> Result<Result<(), String>, Error> {
    Ok(match webhook::store::get(tx, project, webhook).await? {
        None => Err(format!("there is no webhook `{webhook}`")),
        Some(found) if found.is_disabled => Err(format!("webhook `{webhook}` is disabled")),
        Some(found) if found.url != *url => Err(format!("webhook `{webhook}` goes elsewhere than the policy says")),
        Some(_) => Ok(()),
    })
}
