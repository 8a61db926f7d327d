//! Sending: each webhook's deliveries are a lane that one node at a time holds.
//!
//! A lane sends a few deliveries at once and writes down how they went in one transaction that also checks that the lane
//! is still held. A node that dies in between leaves the lane to another, which sends the same again under the same id.
//! A receiver that is away makes its own lane wait, longer each time, and no other.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use http::{Request, StatusCode, header};
use tokio::task::JoinSet;
use uuid::Uuid;
use wharf_context::Timestamp;
use wharf_trust::SigningSecret;
use zeroize::Zeroizing;

use super::delivery::{self, Attempt, Delivery};
use super::event;
use super::rule::{self, Next};
use super::store::{self, Sender};
use super::template::Filling;
use crate::error::Error;
use crate::governance::Governance;
use crate::inquiry;
use crate::ports::WebhookPorts;

/// Lanes that one node holds at a time. A lane costs a task and a few connections.
const MOST_LANES: usize = 256;
/// Deliveries of one lane that are sent at once; one alone asks whether a receiver that was away is back.
const AT_ONCE: i64 = 4;
/// How often to look for what other nodes made, and for what is to be tried again.
const POLL: Duration = Duration::from_secs(1);
/// How often old deliveries are forgotten.
const PURGE: Duration = Duration::from_secs(3600);
/// How much of an answer is kept.
const ANSWER_BYTES: usize = 1024;

/// A lane that this node holds.
#[derive(Debug, Clone, Copy)]
struct Lane {
    webhook: i64,
    token: [u8; 16],
    failures: u32,
}

/// How one attempt went.
struct Sent {
    attempt: Attempt,
    /// Whether the receiver was there at all.
    is_away: bool,
    wish: Option<Duration>,
}

impl Governance {
    /// Sends what is due, for as long as it is polled.
    pub async fn run_webhooks(&self) {
        let Ok(ports) = self.webhook_ports() else { return };
        let mut lanes: JoinSet<()> = JoinSet::new();
        let mut purged_at: Option<Instant> = None;
        loop {
            if purged_at.is_none_or(|at| at.elapsed() >= PURGE) {
                purged_at = Some(Instant::now());
                self.purge_deliveries(ports).await;
            }
            for lane in self.take_some(MOST_LANES - lanes.len()).await {
                let this = self.clone();
                lanes.spawn(async move { this.run_lane(lane).await });
            }
            tokio::select! {
                _ = lanes.join_next(), if !lanes.is_empty() => {}
                () = tokio::time::sleep(POLL) => {}
                () = ports.wake.notified() => {}
            }
        }
    }

    /// Sends what is due now and waits for it; how many lanes had something.
    pub async fn deliver_due(&self) -> Result<usize, Error> {
        let lanes = self.take_lanes(MOST_LANES).await?;
        let count = lanes.len();
        join_all(lanes.into_iter().map(|lane| self.run_lane(lane))).await;
        Ok(count)
    }

    async fn take_some(&self, room: usize) -> Vec<Lane> {
        self.take_lanes(room).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "cannot look for webhook deliveries; trying again");
            Vec::new()
        })
    }

    async fn take_lanes(&self, room: usize) -> Result<Vec<Lane>, Error> {
        let now = self.db.clock().now();
        if room == 0 || !store::is_due(&self.db, now).await? {
            return Ok(Vec::new());
        }
        let token = *Uuid::new_v4().as_bytes();
        let lease = self.webhook_ports()?.lease();
        let take = async |tx: &mut wharf_db::Tx<'_>| store::take(tx, &token, tx.now().plus(lease), room).await;
        let taken = self.db.transaction(take).await?;
        Ok(taken.into_iter().map(|(webhook, failures)| Lane { webhook, token, failures }).collect())
    }

    async fn run_lane(&self, lane: Lane) {
        if let Err(error) = self.send_all(lane).await {
            // The lease ends by itself, and somebody sends on.
            tracing::warn!(%error, webhook = lane.webhook, "a webhook's deliveries stopped; trying again");
        }
    }

    /// Sends what is due in a lane until nothing is, the receiver is away, or another node has the lane.
    async fn send_all(&self, mut lane: Lane) -> Result<(), Error> {
        let ports = self.webhook_ports()?;
        let mut pause = Duration::ZERO;
        while let Some(sender) = store::sender(&self.db, lane.webhook).await?.filter(|sender| !sender.is_disabled) {
            let limit = if lane.failures > 0 { 1 } else { AT_ONCE };
            let due = delivery::store::due(&self.db, lane.webhook, self.db.clock().now(), limit).await?;
            if due.is_empty() {
                break;
            }
            let secrets = open(ports, &sender, self.db.clock().now()).await?;
            let sent = join_all(due.iter().map(|one| send(ports, &sender, &secrets, one))).await;
            let is_away = sent.iter().any(|sent| sent.is_away);
            lane.failures = if is_away { lane.failures.saturating_add(1) } else { 0 };
            if !self.write_down(lane, due.iter().zip(&sent)).await? {
                return Ok(());
            }
            tell(ports, &sender, due.iter().zip(&sent));
            if is_away {
                pause = rule::lane_pause(lane.failures);
                break;
            }
        }
        let release = async |tx: &mut wharf_db::Tx<'_>| {
            store::release(tx, lane.webhook, &lane.token, (lane.failures, tx.now().plus(pause))).await
        };
        self.db.transaction(release).await
    }

    /// Writes down how deliveries went. False when another node has the lane by now: then they are its to judge.
    async fn write_down<'s>(
        &self,
        lane: Lane,
        sent: impl Iterator<Item = (&'s Delivery, &'s Sent)> + Clone,
    ) -> Result<bool, Error> {
        let outcomes: Vec<_> = sent.collect();
        let lease = self.webhook_ports()?.lease();
        self.db
            .transaction(async |tx| {
                if !store::renew(tx, lane.webhook, &lane.token, tx.now().plus(lease)).await? {
                    return Ok(false);
                }
                for (delivery, sent) in &outcomes {
                    match next(delivery, sent, tx.now()) {
                        None => {
                            delivery::store::delivered(tx, delivery.id, &sent.attempt).await?;
                            hear(tx, delivery, sent).await?;
                        }
                        Some(next) => delivery::store::failed(tx, delivery.id, &sent.attempt, next).await?,
                    }
                }
                Ok(true)
            })
            .await
    }

    async fn purge_deliveries(&self, ports: &WebhookPorts) {
        let purge = async |tx: &mut wharf_db::Tx<'_>| delivery::store::purge(tx, tx.now().minus(ports.keep)).await;
        loop {
            match self.db.transaction(purge).await {
                Ok(0) => return,
                Ok(_) => {}
                Err(error) => return tracing::warn!(%error, "cannot forget old webhook deliveries; trying again later"),
            }
        }
    }
}

/// What was asked may have been answered at once.
async fn hear(tx: &mut wharf_db::Tx<'_>, delivery: &Delivery, sent: &Sent) -> Result<(), Error> {
    match &sent.attempt.answer {
        Some(answer) if delivery.event == event::INQUIRY => inquiry::take(tx, &delivery.event_id, answer).await,
        Some(_) | None => Ok(()),
    }
}

/// What comes after a failure; `None` after success.
fn next(delivery: &Delivery, sent: &Sent, now: Timestamp) -> Option<Next> {
    sent.attempt.failure.as_ref()?;
    Some(rule::after_failure(delivery.attempts + 1, delivery.created_at, now, sent.wish))
}

/// A webhook's secrets, opened.
struct Secrets {
    current: SigningSecret,
    former: Option<SigningSecret>,
    credential: Option<Zeroizing<Vec<u8>>>,
}

async fn open(ports: &WebhookPorts, sender: &Sender, now: Timestamp) -> Result<Secrets, Error> {
    let place = (sender.project, &sender.name);
    let current = SigningSecret::from_bytes(ports.unseal(place.0, place.1, &sender.secret).await?);
    let former = match &sender.former {
        Some((sealed, until)) if now < *until => Some(ports.unseal(place.0, place.1, sealed).await?),
        Some(_) | None => None,
    };
    let credential = match &sender.credential {
        Some(sealed) => Some(ports.unseal(place.0, place.1, sealed).await?),
        None => None,
    };
    Ok(Secrets { current, former: former.map(SigningSecret::from_bytes), credential })
}

async fn send(ports: &WebhookPorts, sender: &Sender, secrets: &Secrets, delivery: &Delivery) -> Sent {
    let begun = Instant::now();
    let now = ports.clock.now();
    let answer = match request(sender, secrets, delivery, now) {
        Ok(request) => ports.way.send(request, ANSWER_BYTES).await.map_err(|error| chain(error.as_ref())),
        Err(error) => Err(chain(&error)),
    };
    let duration_ms = i64::try_from(begun.elapsed().as_millis()).ok();
    match answer {
        Ok(answer) => {
            let status = answer.status();
            let is_away = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
            let attempt = Attempt {
                status: Some(status.as_u16()),
                duration_ms,
                answer: Some(text(answer.body())),
                failure: (!status.is_success()).then(|| refusal(status)),
            };
            Sent { attempt, is_away, wish: wharf_http::retry::retry_after(answer.headers()) }
        }
        Err(failure) => {
            let attempt = Attempt { duration_ms, failure: Some(failure), ..Attempt::default() };
            Sent { attempt, is_away: true, wish: None }
        }
    }
}

fn request(sender: &Sender, secrets: &Secrets, delivery: &Delivery, now: Timestamp) -> Result<Request<Vec<u8>>, Error> {
    let credential = secrets.credential.as_ref().map(|bytes| String::from_utf8_lossy(bytes));
    let document = delivery.document.as_deref().unwrap_or_default();
    let document = match delivery.event == event::INQUIRY {
        true => Cow::Owned(inquiry::with_token(document, &delivery.event_id, &secrets.current)),
        false => Cow::Borrowed(document),
    };
    let filling = Filling {
        event_name: &delivery.event,
        document: &document,
        git_ref: sender.git_ref.as_deref().unwrap_or("main"),
        credential: credential.as_deref(),
    };
    let rendered = sender.template.render(&filling)?;
    let seconds = now.seconds();
    let sign = |secret: &SigningSecret| secret.sign(&delivery.event_id, seconds, &rendered.body);
    let signatures: Vec<String> = std::iter::once(&secrets.current).chain(&secrets.former).map(sign).collect();
    let mut request = Request::post(sender.url.as_str())
        .header(header::CONTENT_TYPE, rendered.content_type)
        .header("webhook-id", &delivery.event_id)
        .header("webhook-timestamp", seconds)
        .header("webhook-signature", signatures.join(" "));
    if let Some(authorization) = &rendered.authorization {
        request = request.header(header::AUTHORIZATION, authorization.as_str());
    }
    if let Some((name, value)) = &rendered.header {
        request = request.header(*name, value.as_str());
    }
    request.body(rendered.body.to_vec()).map_err(|_| Error::WebhookInvalid { reason: "it makes no request".to_owned() })
}

fn refusal(status: StatusCode) -> String {
    match status.is_redirection() {
        true => format!("the receiver answered {status}, and redirects are not followed: name the place itself"),
        false => format!("the receiver answered {status}"),
    }
}

/// An error with its causes, in one line.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ").replace('\0', "")
}

/// The first bytes of an answer, fit for the catalog and for a terminal.
fn text(bytes: &[u8]) -> String {
    let is_fit = |c: &char| !c.is_control() || matches!(c, '\n' | '\t');
    String::from_utf8_lossy(bytes).chars().filter(is_fit).collect()
}

/// Says in the log where this server has sent something, and counts it.
fn tell<'s>(ports: &WebhookPorts, sender: &Sender, sent: impl Iterator<Item = (&'s Delivery, &'s Sent)>) {
    let host = sender.url.parse::<url::Url>().ok().and_then(|url| url.host_str().map(str::to_owned));
    let (project, webhook) = (&sender.project_name, &sender.name);
    for (delivery, sent) in sent {
        let Attempt { status, duration_ms, failure, .. } = &sent.attempt;
        ports.figures.count(failure.is_none());
        tracing::info!(
            project, %webhook, host, event = delivery.event, event_id = delivery.event_id, status, duration_ms, failure,
            "webhook"
        );
    }
}
