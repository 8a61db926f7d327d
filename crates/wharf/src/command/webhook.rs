//! `wharf webhook`: who outside is told of what happens in a project.

use std::time::{Duration, Instant};

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::client::output::Column;
use super::client::{Client, Connection, Error};

const TEMPLATES: [&str; 4] = ["cloudevents", "gitlab-trigger", "jenkins-generic", "github-dispatch"];
const STATES: [&str; 3] = ["waiting", "delivered", "dead"];
/// How long a test waits for its outcome: an attempt takes at most as long.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(100);

const COLUMNS: [Column; 6] = [
    ("WEBHOOK", "name", "-"),
    ("URL", "url", "-"),
    ("EVENTS", "events", "all"),
    ("REPOSITORIES", "repositories", "all"),
    ("FAILURES", "failures", "-"),
    ("DISABLED", "is_disabled", "-"),
];
const LINES: [Column; 13] = [
    ("webhook", "name", "-"),
    ("url", "url", "-"),
    ("events", "events", "all"),
    ("repositories", "repositories", "all"),
    ("template", "template", "-"),
    ("ref", "git_ref", "-"),
    ("credential", "has_credential", "-"),
    ("disabled", "is_disabled", "-"),
    ("created by", "created_by", "-"),
    ("created", "created_at", "-"),
    ("next delivery", "next_at", "none waits"),
    ("failures in a row", "failures", "-"),
    ("dropped", "dropped", "-"),
];
const SECRET: [Column; 3] =
    [("webhook", "webhook", "-"), ("secret", "secret", "-"), ("the old one signs until", "former_secret_until", "-")];
const DELIVERIES: [Column; 7] = [
    ("DELIVERY", "id", "-"),
    ("EVENT", "event", "-"),
    ("SUBJECT", "subject", "-"),
    ("STATE", "state", "-"),
    ("ATTEMPTS", "attempts", "-"),
    ("STATUS", "status", "-"),
    ("FAILURE", "failure", "-"),
];
const DELIVERY: [Column; 10] = [
    ("delivery", "id", "-"),
    ("event", "event", "-"),
    ("event id", "event_id", "-"),
    ("subject", "subject", "-"),
    ("state", "state", "-"),
    ("attempts", "attempts", "-"),
    ("status", "status", "-"),
    ("milliseconds", "duration_ms", "-"),
    ("failure", "failure", "-"),
    ("answer", "answer", "-"),
];
const EVENTS: [Column; 2] = [("EVENT", "name", "-"), ("WHEN", "summary", "-")];

/// `wharf webhook`.
#[derive(Debug, Args)]
pub(crate) struct Webhook {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Tell an address of what happens, and show the secret that signs, this one time.
    Add {
        project: String,
        name: String,
        /// `https://…` or `http://…`.
        url: String,
        #[command(flatten)]
        what: What,
    },
    /// List a project's webhooks.
    #[command(alias = "list")]
    Ls { project: String },
    /// Show one webhook and how it goes.
    Show { project: String, name: String },
    /// Change a webhook. What is not named stays.
    Set {
        project: String,
        name: String,
        /// Where deliveries go from now on.
        #[arg(long)]
        url: Option<String>,
        #[command(flatten)]
        what: What,
        /// Send nothing until it is enabled again.
        #[arg(long, conflicts_with = "enable")]
        disable: bool,
        /// Send again.
        #[arg(long)]
        enable: bool,
    },
    /// Delete a webhook.
    Rm { project: String, name: String },
    /// Send a test event and wait for what becomes of it.
    Test { project: String, name: String },
    /// Give a webhook another secret and show it, this one time. The old one signs, too, for a day.
    Rotate { project: String, name: String },
    /// List a webhook's deliveries, newest first.
    Deliveries {
        project: String,
        name: String,
        /// Only those in this state.
        #[arg(long, value_parser = STATES)]
        state: Option<String>,
        /// How many; at most 1000.
        #[arg(long, value_name = "NUMBER", default_value = "50", value_parser = clap::value_parser!(u16).range(1..=1000))]
        limit: u16,
    },
    /// Show one delivery with the event that it carries.
    Delivery { project: String, name: String, delivery: u64 },
    /// Send a delivery's event again, under the same id.
    Replay { project: String, name: String, delivery: u64 },
    /// List the events that webhooks can be asked for.
    Events,
}

#[derive(Debug, Args)]
struct What {
    /// Which events: names, or `NOUN.*`; all without it. May be repeated, or a list with commas.
    #[arg(long = "event", value_name = "EVENT", value_delimiter = ',')]
    events: Option<Vec<String>>,
    /// Of which repositories; `*` stands for part of one path component, `**` for anything. May be repeated.
    #[arg(long = "repository", value_name = "PATTERN", value_delimiter = ',')]
    repositories: Option<Vec<String>>,
    /// The form of the body.
    #[arg(long, value_parser = TEMPLATES)]
    template: Option<String>,
    /// The Git ref that a pipeline starts on.
    #[arg(long = "ref", value_name = "REF")]
    git_ref: Option<String>,
    /// File with what the receiver asks for by itself, such as the token of a pipeline trigger; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    credential_file: Option<std::path::PathBuf>,
}

impl What {
    /// The members of a document that were named.
    fn members(self) -> Result<Map<String, Value>, Error> {
        let credential = self.credential_file.as_deref().map(read).transpose()?;
        let members = [
            ("events", self.events.map(Value::from)),
            ("repositories", self.repositories.map(Value::from)),
            ("template", self.template.map(Value::from)),
            ("git_ref", self.git_ref.map(Value::from)),
            ("credential", credential.map(Value::from)),
        ];
        Ok(members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect())
    }
}

impl Webhook {
    pub(crate) fn run(self) -> Result<(), Error> {
        let client = self.connection.open()?;
        match self.verb {
            Verb::Add { project, name, url, what } => add(&client, &project, json!({ "name": name, "url": url }), what),
            Verb::Ls { project } => client.output.list(&client.list(&["projects", &project, "webhooks"])?, &COLUMNS),
            Verb::Show { project, name } => client.output.one(&client.get(&place(&project, &name))?, &LINES),
            Verb::Set { project, name, url, what, disable, enable } => {
                let mut changes = what.members()?;
                changes.extend(url.map(|url| ("url".to_owned(), url.into())));
                changes.extend((disable || enable).then(|| ("is_disabled".to_owned(), disable.into())));
                client.output.one(&client.patch(&place(&project, &name), &changes.into())?, &LINES)
            }
            Verb::Rm { project, name } => {
                client.delete(&place(&project, &name))?;
                client.output.done(&format!("webhook `{name}` is deleted"))
            }
            Verb::Test { project, name } => test(&client, &project, &name),
            Verb::Rotate { project, name } => {
                show_secret(&client, &client.post(&below(&project, &name, &["secret"]), &Value::Null)?)
            }
            Verb::Deliveries { project, name, state, limit } => {
                let limit = limit.to_string();
                let mut query = vec![("limit", limit.as_str())];
                query.extend(state.as_deref().map(|state| ("state", state)));
                let page = client.page(&below(&project, &name, &["deliveries"]), &query, None)?;
                client.output.list(page["entries"].as_array().map_or(&[], Vec::as_slice), &DELIVERIES)
            }
            Verb::Delivery { project, name, delivery } => show_delivery(&client, (&project, &name), delivery),
            Verb::Replay { project, name, delivery } => {
                let path = ["deliveries", &delivery.to_string(), "replay"];
                client.output.one(&client.post(&below(&project, &name, &path), &Value::Null)?, &DELIVERY)
            }
            Verb::Events => {
                let events = client.get(&["events"])?;
                client.output.list(events["events"].as_array().map_or(&[], Vec::as_slice), &EVENTS)
            }
        }
    }
}

fn place<'a>(project: &'a str, name: &'a str) -> [&'a str; 4] {
    ["projects", project, "webhooks", name]
}

fn below<'a>(project: &'a str, name: &'a str, rest: &[&'a str]) -> Vec<&'a str> {
    place(project, name).into_iter().chain(rest.iter().copied()).collect()
}

fn add(client: &Client, project: &str, new: Value, what: What) -> Result<(), Error> {
    let mut new = new;
    new.as_object_mut().expect("it was made as one").extend(what.members()?);
    let made = client.post(&["projects", project, "webhooks"], &new)?;
    let shown = json!({ "webhook": made["webhook"]["name"], "secret": made["secret"] });
    if client.output.is_json() {
        return client.output.one(&made, &[]);
    }
    show_secret(client, &shown)
}

fn show_secret(client: &Client, document: &Value) -> Result<(), Error> {
    client.output.one(document, &SECRET)?;
    client.output.remark("keep the secret: it is not shown again");
    Ok(())
}

/// Ends when the first attempt was made; a receiver that did not take it is a failure.
fn test(client: &Client, project: &str, name: &str) -> Result<(), Error> {
    let sent = client.post(&below(project, name, &["test"]), &Value::Null)?;
    let id = sent["id"].to_string();
    let begun = Instant::now();
    loop {
        let delivery = client.get(&below(project, name, &["deliveries", &id]))?["delivery"].take();
        if delivery["attempts"].as_u64() > Some(0) || begun.elapsed() > PATIENCE {
            client.output.one(&delivery, &DELIVERY)?;
            let is_taken = delivery["state"] == "delivered";
            return if is_taken { Ok(()) } else { Err(Error::NotDelivered { webhook: name.to_owned() }) };
        }
        std::thread::sleep(LOOK);
    }
}

fn show_delivery(client: &Client, (project, name): (&str, &str), delivery: u64) -> Result<(), Error> {
    let mut document = client.get(&below(project, name, &["deliveries", &delivery.to_string()]))?;
    if client.output.is_json() {
        return client.output.one(&document, &[]);
    }
    client.output.one(&document["delivery"].take(), &DELIVERY)?;
    client.output.told(&Value::Null, &format!("{:#}", document["document"]))
}

/// A credential's text; a line end is the editor's, not the credential's.
fn read(path: &std::path::Path) -> Result<String, Error> {
    let text = match path.to_str() {
        Some("-") => std::io::read_to_string(std::io::stdin()),
        Some(_) | None => std::fs::read_to_string(path),
    };
    let text = text.map_err(|source| Error::ReadFile { path: path.to_owned(), source })?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}
