//! `wharf promote`, `wharf rollback`: something goes on to the next environment, or back to what stood there.

use std::thread::sleep;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::{Value, json};
use wharf_oci::RepositoryName;

use super::client::{Client, Connection, Error};
use super::subject::{GATES, PROMOTION, Subject, project, shown};
use crate::config::duration::Span;

/// How often a promotion that is waited for is looked at.
const LOOK: Duration = Duration::from_millis(500);
/// The states in which nothing happens by itself any more, beside `done`.
const ENDS: [&str; 6] = ["blocked", "rejected", "expired", "cancelled", "failed", "invalidated"];

/// `wharf promote`.
#[derive(Debug, Args)]
#[command(
    after_help = "With --wait, exit code 11: it ended without being done, or a gate says no; 12: it is not done yet."
)]
pub(crate) struct Promote {
    #[command(flatten)]
    connection: Connection,
    /// `PROJECT/APP:TAG` or `PROJECT/APP@DIGEST`, by the name in development.
    #[arg(value_name = "REPO:TAG", required_unless_present = "release")]
    subject: Option<Subject>,
    /// All of a release instead, `PROJECT/VERSION`.
    #[arg(long, value_name = "PROJECT/VERSION", conflicts_with = "subject")]
    release: Option<String>,
    /// The environment that it is to go to.
    #[arg(long, value_name = "ENVIRONMENT")]
    to: String,
    /// Why.
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
    /// Let all its tags go along, not only the one that is named.
    #[arg(long, conflicts_with = "release")]
    all_tags: bool,
    /// Use the emergency passage. It raises an alarm, and somebody else has to review it.
    #[arg(long, requires = "reason")]
    emergency: bool,
    /// Where an emergency is taken from.
    #[arg(long, value_name = "ENVIRONMENT", requires = "emergency")]
    from: Option<String>,
    /// Only show what it would meet: every gate, why, and what to do about it.
    #[arg(long, conflicts_with_all = ["emergency", "wait"])]
    dry_run: bool,
    #[command(flatten)]
    patience: Patience,
    /// A name for this request: sent again with it, nothing is done twice.
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
}

/// Whether to stay until it is done.
#[derive(Debug, Args)]
pub(crate) struct Patience {
    /// Wait until it is done, or cannot be.
    #[arg(long)]
    wait: bool,
    /// How long to wait at most, such as `30m`.
    #[arg(long, value_name = "SPAN", default_value = "1h", requires = "wait")]
    timeout: Span,
}

/// `wharf rollback`.
#[derive(Debug, Args)]
#[command(
    after_help = "With --wait, exit code 11: it ended without being done, or a gate says no; 12: it is not done yet."
)]
pub(crate) struct Rollback {
    #[command(flatten)]
    connection: Connection,
    /// The repository, by its name in development. With it goes all that came with the same release.
    #[arg(value_name = "REPO")]
    repository: RepositoryName,
    /// The environment.
    #[arg(long = "in", value_name = "ENVIRONMENT")]
    environment: String,
    /// Why.
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
    #[command(flatten)]
    patience: Patience,
}

impl Promote {
    pub(crate) fn run(self) -> Result<(), Error> {
        let client = self.connection.open()?;
        let (project, mut body) = match (&self.subject, &self.release) {
            (Some(subject), _) => {
                let body =
                    json!({ "repository": subject.repository.as_str(), "reference": subject.reference.to_string() });
                (subject.project(), body)
            }
            (None, Some(release)) => {
                let (project, version) = release.split_once('/').ok_or(Error::ReleaseName)?;
                (project.to_owned(), json!({ "release": version }))
            }
            (None, None) => return Err(Error::ReleaseName),
        };
        if self.dry_run {
            return eligibility(&client, &project, (&body, &self.to));
        }
        body["to"] = self.to.into();
        body["reason"] = self.reason.into();
        if self.all_tags {
            body["all_tags"] = true.into();
        }
        if let Some(from) = self.from {
            body["from"] = from.into();
        }
        let list = if self.emergency { "emergencies" } else { "promotions" };
        let path = ["projects", &project, list];
        let asked = client.post_once(&path, &body, self.idempotency_key.as_deref())?;
        self.patience.see(&client, &project, asked)
    }
}

impl Rollback {
    pub(crate) fn run(self) -> Result<(), Error> {
        let client = self.connection.open()?;
        let project = project(&self.repository);
        let body = json!({
            "repository": self.repository.as_str(), "environment": self.environment, "reason": self.reason,
        });
        let asked = client.post(&["projects", &project, "rollbacks"], &body)?;
        self.patience.see(&client, &project, asked)
    }
}

impl Patience {
    /// Shows a promotion, now or when nothing happens to it any more.
    fn see(&self, client: &Client, project: &str, mut promotion: Value) -> Result<(), Error> {
        let id = promotion["id"].as_str().unwrap_or_default().to_owned();
        let (deadline, mut told) = (Instant::now() + self.timeout.0, Value::Null);
        while self.wait && promotion["state"] != "done" {
            let state = promotion["state"].clone();
            if ENDS.iter().any(|end| state == *end) {
                show(client, promotion)?;
                return Err(Error::NotPromoted { state: state.as_str().unwrap_or_default().to_owned() });
            }
            if Instant::now() >= deadline {
                show(client, promotion)?;
                return Err(Error::NotYet);
            }
            if state != told {
                client.output.remark(&format!("promotion {id} is {}", state.as_str().unwrap_or_default()));
                told = state;
            }
            sleep(LOOK);
            promotion = client.get(&["projects", project, "promotions", &id])?;
        }
        show(client, promotion)
    }
}

/// A promotion and what its gates said.
pub(crate) fn show(client: &Client, promotion: Value) -> Result<(), Error> {
    if client.output.is_json() {
        return client.output.one(&promotion, &[]);
    }
    let gates = promotion["gates"].as_array().cloned().unwrap_or_default();
    client.output.one(&shown(promotion), &PROMOTION)?;
    if gates.is_empty() { Ok(()) } else { client.output.list(&gates, &GATES) }
}

fn eligibility(client: &Client, project: &str, (body, to): (&Value, &str)) -> Result<(), Error> {
    let text = |name: &str| body[name].as_str().map(str::to_owned);
    let parameters =
        [("repository", text("repository")), ("reference", text("reference")), ("release", text("release"))];
    let mut query: Vec<(&str, &str)> = vec![("to", to)];
    query.extend(parameters.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?))));
    let found = client.page(&["projects", project, "eligibility"], &query, None)?;
    let (is_eligible, obstacle) =
        (found["is_eligible"] == true, found["obstacle"].as_str().unwrap_or_default().to_owned());
    if client.output.is_json() {
        client.output.one(&found, &[])?;
    } else {
        client.output.list(found["gates"].as_array().map_or(&[], Vec::as_slice), &GATES)?;
        client.output.remark(&obstacle);
        client.output.done(&format!("it takes {}", found["passage"]["wanted"].as_str().unwrap_or("nobody")))?;
    }
    if is_eligible { Ok(()) } else { Err(Error::NotPromoted { state: "not eligible".to_owned() }) }
}
