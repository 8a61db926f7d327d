//! `wharf promotion`, `wharf approve`: what is asked for, and what people say to it.

use clap::{Args, Subcommand};
use http::HeaderValue;
use serde_json::{Value, json};
use wharf_oci::Digest;

use super::client::{Client, Connection, Error};
use super::promote::show;
use super::subject::{PROMOTIONS, shown};

/// `wharf promotion`.
#[derive(Debug, Args)]
pub(crate) struct Promotion {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    verb: Verb,
}

/// `wharf approve`.
#[derive(Debug, Args)]
pub(crate) struct Approve {
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    decision: Decision,
}

/// One promotion.
#[derive(Debug, Args)]
struct One {
    /// `PROJECT/ID`, as `wharf promotion ls` shows it.
    #[arg(value_name = "PROJECT/ID")]
    promotion: String,
}

/// What somebody says to a promotion.
#[derive(Debug, Args)]
struct Decision {
    #[command(flatten)]
    one: One,
    /// The digest that `wharf promotion show` names: nobody agrees to what they did not see.
    #[arg(long)]
    digest: Digest,
    /// Why.
    #[arg(long, value_name = "TEXT", default_value = "")]
    comment: String,
    /// Only if it still is at this revision.
    #[arg(long, value_name = "NUMBER")]
    over: Option<u64>,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List a project's promotions, the newest first.
    Ls {
        project: String,
        /// Only those that stand there, such as `awaiting`.
        #[arg(long)]
        state: Option<String>,
    },
    /// Show one, with what its gates said.
    Show(One),
    /// Agree to one.
    Approve(Decision),
    /// Say no, which ends it. Takes a comment.
    Reject(Decision),
    /// Take back what you asked for.
    Cancel(One),
    /// Ask the gates of one that waits for them again.
    Check(One),
    /// Execute what was approved and waits for somebody to do so.
    Execute(One),
}

impl Promotion {
    pub(crate) fn run(self) -> Result<(), Error> {
        let client = self.connection.open()?;
        match self.verb {
            Verb::Ls { project, state } => list(&client, &project, state.as_deref()),
            Verb::Show(one) => {
                let (project, id) = one.split()?;
                show(&client, client.get(&["projects", project, "promotions", id])?)
            }
            Verb::Approve(decision) => decision.say(&client, "approve"),
            Verb::Reject(decision) => decision.say(&client, "reject"),
            Verb::Cancel(one) => one.act(&client, "cancel"),
            Verb::Check(one) => one.act(&client, "check"),
            Verb::Execute(one) => one.act(&client, "execute"),
        }
    }
}

impl Approve {
    pub(crate) fn run(self) -> Result<(), Error> {
        let client = self.connection.open()?;
        self.decision.say(&client, "approve")
    }
}

impl One {
    fn split(&self) -> Result<(&str, &str), Error> {
        self.promotion.split_once('/').ok_or(Error::PromotionName)
    }

    fn act(&self, client: &Client, verb: &str) -> Result<(), Error> {
        let (project, id) = self.split()?;
        show(client, client.post(&["projects", project, "promotions", id, verb], &Value::Null)?)
    }
}

impl Decision {
    fn say(&self, client: &Client, verb: &str) -> Result<(), Error> {
        let (project, id) = self.one.split()?;
        let body = json!({ "digest": self.digest.to_string(), "comment": self.comment });
        let tag = self.over.map(|revision| format!("\"{revision}\""));
        let tag = tag.map(|tag| HeaderValue::from_str(&tag).expect("digits and quotes are a header"));
        show(client, client.post_over(&["projects", project, "promotions", id, verb], tag.as_ref(), &body)?)
    }
}

fn list(client: &Client, project: &str, state: Option<&str>) -> Result<(), Error> {
    let query: Vec<(&str, &str)> = state.map(|state| ("state", state)).into_iter().collect();
    let promotions = client.list_with(&["projects", project, "promotions"], &query)?;
    let promotions: Vec<Value> = match client.output.is_json() {
        true => promotions,
        false => promotions.into_iter().map(|it| with_project(shown(it), project)).collect(),
    };
    client.output.list(&promotions, &PROMOTIONS)
}

/// The id as the other verbs take it.
fn with_project(mut promotion: Value, project: &str) -> Value {
    promotion["id"] = format!("{project}/{}", promotion["id"].as_str().unwrap_or_default()).into();
    promotion
}
