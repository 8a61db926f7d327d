//! `wharf robot`: machine accounts of a project.

use std::str::FromStr;

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::client::output::Column;
use super::client::{Client, Connection, Error};
use crate::config::duration::Span;

const PERMISSIONS: [&str; 5] = ["pull", "push", "overwrite", "delete", "attach"];

const COLUMNS: [Column; 5] = [
    ("ROBOT", "login", "-"),
    ("PERMISSIONS", "permissions", "none"),
    ("REPOSITORIES", "repositories", "all"),
    ("EXPIRES", "expires_at", "never"),
    ("DISABLED", "is_disabled", "-"),
];
const LINES: [Column; 6] = [
    ("robot", "login", "-"),
    ("permissions", "permissions", "none"),
    ("repositories", "repositories", "all"),
    ("expires", "expires_at", "never"),
    ("disabled", "is_disabled", "-"),
    ("created", "created_at", "-"),
];
const SECRET: [Column; 2] = [("robot", "login", "-"), ("secret", "secret", "-")];

/// `wharf robot`.
#[derive(Debug, Args)]
pub(crate) struct Robot {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List a project's robots.
    List { project: String },
    /// Make a robot and show its secret, this one time.
    Create {
        /// `PROJECT+NAME`: what it logs in as.
        robot: Login,
        /// What it may do: pull, push, overwrite, delete, attach. May be repeated, or a list with commas.
        #[arg(long = "permission", value_name = "PERMISSION", required = true, value_delimiter = ',', value_parser = PERMISSIONS)]
        permissions: Vec<String>,
        /// With which repositories of its project; `*` stands for part of one path component, `**` for anything.
        /// Without it, with all of them. May be repeated.
        #[arg(long = "repository", value_name = "PATTERN", value_delimiter = ',')]
        repositories: Vec<String>,
        #[command(flatten)]
        expiry: Expiry,
    },
    /// Show one robot.
    Show {
        /// `PROJECT+NAME`: what it logs in as.
        robot: Login,
    },
    /// Change what a robot may do, or until when. What is not named stays.
    Set {
        /// `PROJECT+NAME`: what it logs in as.
        robot: Login,
        /// What it may do from now on.
        #[arg(long = "permission", value_name = "PERMISSION", value_delimiter = ',', value_parser = PERMISSIONS)]
        permissions: Option<Vec<String>>,
        /// With which repositories of its project from now on.
        #[arg(long = "repository", value_name = "PATTERN", value_delimiter = ',')]
        repositories: Option<Vec<String>>,
        /// With all repositories of its project from now on.
        #[arg(long, conflicts_with = "repositories")]
        all_repositories: bool,
        #[command(flatten)]
        expiry: Expiry,
        /// Let its log-in never end.
        #[arg(long, conflicts_with_all = ["expires_in", "expires_at"])]
        never_expires: bool,
    },
    /// Give a robot another secret and show it, this one time. The old one ends at once.
    Rotate {
        /// `PROJECT+NAME`: what it logs in as.
        robot: Login,
    },
    /// Refuse a robot's log-in.
    Disable {
        /// `PROJECT+NAME`: what it logs in as.
        robot: Login,
    },
    /// Let a robot log in again.
    Enable {
        /// `PROJECT+NAME`: what it logs in as.
        robot: Login,
    },
    /// Delete a robot.
    Delete {
        /// `PROJECT+NAME`: what it logs in as.
        robot: Login,
    },
}

#[derive(Debug, Args)]
#[group(multiple = false)]
struct Expiry {
    /// When its log-in ends, from now: `90d`, `12h`.
    #[arg(long, value_name = "TIME")]
    expires_in: Option<Span>,
    /// When its log-in ends: `2027-01-31T12:00:00Z`.
    #[arg(long, value_name = "DATE")]
    expires_at: Option<jiff::Timestamp>,
}

impl Expiry {
    fn moment(&self) -> Result<Option<jiff::Timestamp>, Error> {
        let Some(Span(length)) = self.expires_in else { return Ok(self.expires_at) };
        jiff::Timestamp::now().checked_add(length).map(Some).map_err(|_| Error::Expiry)
    }
}

/// What a robot logs in as: `PROJECT+NAME`.
#[derive(Debug, Clone)]
struct Login {
    project: String,
    name: String,
}

impl FromStr for Login {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('+') {
            Some((project, name)) if !project.is_empty() && !name.is_empty() => {
                Ok(Self { project: project.to_owned(), name: name.to_owned() })
            }
            Some(_) | None => Err("a robot is written `PROJECT+NAME`"),
        }
    }
}

impl Login {
    fn place(&self) -> [&str; 4] {
        ["projects", &self.project, "robots", &self.name]
    }
}

impl Robot {
    pub(crate) fn run(self) -> Result<(), Error> {
        let client = self.connection.open()?;
        match self.verb {
            Verb::List { project } => client.output.list(&client.list(&["projects", &project, "robots"])?, &COLUMNS),
            Verb::Create { robot, permissions, repositories, expiry } => {
                let expires_at = expiry.moment()?.map(|moment| moment.to_string());
                let new = json!({
                    "name": robot.name, "permissions": permissions, "repositories": repositories, "expires_at": expires_at,
                });
                show_secret(&client, &client.post(&["projects", &robot.project, "robots"], &new)?)
            }
            Verb::Show { robot } => client.output.one(&client.get(&robot.place())?, &LINES),
            Verb::Set { robot, permissions, repositories, all_repositories, expiry, never_expires } => {
                let mut changes = Map::new();
                let repositories = if all_repositories { Some(Vec::new()) } else { repositories };
                changes.extend(permissions.map(|permissions| ("permissions".to_owned(), permissions.into())));
                changes.extend(repositories.map(|repositories| ("repositories".to_owned(), repositories.into())));
                let end = expiry.moment()?.map(|moment| Value::from(moment.to_string()));
                let end = end.or(never_expires.then_some(Value::Null));
                changes.extend(end.map(|end| ("expires_at".to_owned(), end)));
                change(&client, &robot, &changes.into())
            }
            Verb::Rotate { robot } => {
                let [projects, project, robots, name] = robot.place();
                show_secret(&client, &client.post(&[projects, project, robots, name, "secret"], &Value::Null)?)
            }
            Verb::Disable { robot } => change(&client, &robot, &json!({ "is_disabled": true })),
            Verb::Enable { robot } => change(&client, &robot, &json!({ "is_disabled": false })),
            Verb::Delete { robot } => {
                client.delete(&robot.place())?;
                client.output.done(&format!("robot `{}+{}` is deleted", robot.project, robot.name))
            }
        }
    }
}

fn change(client: &Client, robot: &Login, change: &Value) -> Result<(), Error> {
    client.output.one(&client.patch(&robot.place(), change)?, &LINES)
}

fn show_secret(client: &Client, document: &Value) -> Result<(), Error> {
    client.output.one(document, &SECRET)?;
    client.output.remark("keep the secret: it is not shown again");
    Ok(())
}
