//! `wharf retention`: which tags stay and which go, and why.

use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::bin::{project, split};
use super::client::output::Column;
use super::client::{Client, Connection, Error};

const RUNS: [Column; 8] = [
    ("RUN", "run", "-"),
    ("PLAN", "is_plan", "-"),
    ("STATE", "state", "-"),
    ("STARTED", "started_at", "-"),
    ("BY", "started_by", "-"),
    ("STAY", "keep", "-"),
    ("GO", "delete", "-"),
    ("GONE", "done", "-"),
];
const RUN: [Column; 11] = [
    ("run", "run", "-"),
    ("plan", "is_plan", "-"),
    ("state", "state", "-"),
    ("policy", "policy_revision", "-"),
    ("started", "started_at", "-"),
    ("ended", "ended_at", "not yet"),
    ("stay", "keep", "-"),
    ("go", "delete", "-"),
    ("gone", "done", "-"),
    ("left", "left", "-"),
    ("why", "why", "-"),
];
const ITEMS: [Column; 6] = [
    ("REPOSITORY", "repository", "-"),
    ("TAG", "tag", "-"),
    ("ACTION", "action", "-"),
    ("BECAUSE", "because", "-"),
    ("OUTCOME", "outcome", "-"),
    ("LEFT BECAUSE", "left_because", "-"),
];
const WHY: [Column; 3] = [("action", "action", "-"), ("rule", "rule", "-"), ("because", "because", "-")];
/// How often a run that goes on is asked how far it is.
const LOOK: Duration = Duration::from_millis(300);

/// `wharf retention`.
#[derive(Debug, Args)]
#[command(
    after_help = "The rules stand in the project's policy. The server does the work and goes on with it when this \
    command is ended.\nExit code 10: something was left that the rules wanted gone, or the run was given up."
)]
pub(crate) struct Retention {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Tell what a run would do now, and do nothing.
    Plan {
        project: String,
        /// Tell what stays, too.
        #[arg(long)]
        all: bool,
    },
    /// Put into the bin what the rules say.
    Run {
        project: String,
        /// Start and come back at once.
        #[arg(long)]
        detach: bool,
    },
    /// Say whether a tag stays or goes at this moment, and why.
    Why {
        /// `REPOSITORY:TAG`.
        what: String,
    },
    /// List runs and plans, the newest first. With --json, one object per line.
    Ls { project: String },
    /// Show one run or plan and what it decided.
    Show {
        project: String,
        run: i64,
        /// Tell what stays, too.
        #[arg(long)]
        all: bool,
    },
}

/// Which verdicts are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Going,
    All,
}

impl Told {
    fn of(all: bool) -> Self {
        if all { Self::All } else { Self::Going }
    }
}

impl Retention {
    pub(crate) fn run(self) -> Result<(), Error> {
        let client = self.connection.open()?;
        match self.verb {
            Verb::Plan { project, all } => {
                let plan = start(&client, &project, true)?;
                show(&client, &project, (wait(&client, &project, plan)?, Told::of(all)))
            }
            Verb::Run { project, detach } => {
                let run = start(&client, &project, false)?;
                if detach {
                    return client.output.one(&run, &RUN);
                }
                show(&client, &project, (wait(&client, &project, run)?, Told::Going))
            }
            Verb::Why { what } => {
                let (repository, tag, _) = split(&what);
                let query = [("repository", repository), ("tag", tag.unwrap_or_default())];
                let why = client.page(&["projects", project(repository), "retention", "why"], &query, None)?;
                client.output.one(&why, &WHY)
            }
            Verb::Ls { project } => client.stream(&["projects", &project, "retention", "runs"], &[], &RUNS),
            Verb::Show { project, run, all } => {
                let found = client.get(&["projects", &project, "retention", "runs", &run.to_string()])?;
                show(&client, &project, (found, Told::of(all)))
            }
        }
    }
}

fn start(client: &Client, project: &str, is_plan: bool) -> Result<Value, Error> {
    client.post(&["projects", project, "retention", "runs"], &json!({ "is_plan": is_plan }))
}

/// Waits for the end.
fn wait(client: &Client, project: &str, mut run: Value) -> Result<Value, Error> {
    let number = run["run"].to_string();
    while run["ended_at"].is_null() {
        std::thread::sleep(LOOK);
        run = client.get(&["projects", project, "retention", "runs", &number])?;
    }
    Ok(run)
}

fn show(client: &Client, project: &str, (run, told): (Value, Told)) -> Result<(), Error> {
    let number = run["run"].to_string();
    client.output.one(&run, &RUN)?;
    let query: &[(&str, &str)] = if told == Told::All { &[] } else { &[("action", "delete")] };
    client.stream(&["projects", project, "retention", "runs", &number, "items"], query, &ITEMS)?;
    let left = run["left"].as_u64().unwrap_or_default();
    match run["state"].as_str() {
        Some("given_up") => Err(Error::TagsLeft { count: left.max(1) }),
        _ if left > 0 => Err(Error::TagsLeft { count: left }),
        _ => Ok(()),
    }
}
