//! `wharf project`: projects, their members, and what they may use.

mod quota;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::client::output::Column;
use super::client::{Client, Connection, Error};

const ROLES: [&str; 4] = ["guest", "developer", "maintainer", "owner"];

const COLUMNS: [Column; 5] = [
    ("NAME", "name", "-"),
    ("PUBLIC", "is_public", "-"),
    ("BYTES", "bytes", "-"),
    ("MANIFESTS", "manifests", "-"),
    ("CREATED", "created_at", "-"),
];
const LINES: [Column; 6] = [
    ("name", "name", "-"),
    ("public", "is_public", "-"),
    ("your role", "role", "none"),
    ("created", "created_at", "-"),
    ("bytes", "bytes", "-"),
    ("manifests", "manifests", "-"),
];
const MEMBERS: [Column; 3] = [("MEMBER", "member", "-"), ("ROLE", "role", "-"), ("SINCE", "since", "-")];

/// `wharf project`.
#[derive(Debug, Args)]
pub(crate) struct Project {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List the projects that you see.
    List,
    /// Make a project. Its name is the first part of its repositories' names.
    Create {
        name: String,
        /// Let everybody pull.
        #[arg(long)]
        public: bool,
    },
    /// Show one project and your role in it.
    Show { name: String },
    /// Change a project's settings.
    Set {
        name: String,
        #[command(flatten)]
        openness: Openness,
    },
    /// Delete a project with its members and robots. One that has repositories stays.
    Delete { name: String },
    /// Who has which role in a project.
    #[command(subcommand)]
    Member(Member),
    /// What a project may use, and what it uses.
    #[command(subcommand)]
    Quota(quota::Quota),
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Openness {
    /// Let everybody pull.
    #[arg(long)]
    public: bool,
    /// Let only members and robots pull.
    #[arg(long)]
    private: bool,
}

#[derive(Debug, Subcommand)]
enum Member {
    /// List a project's members.
    List { project: String },
    /// Give a user or a group a role, or another one.
    Add {
        project: String,
        /// `NAME` or `user:NAME` for a user, `group:NAME` for a group.
        member: String,
        #[arg(value_parser = ROLES)]
        role: String,
    },
    /// Take a role away.
    Remove {
        project: String,
        /// `NAME` or `user:NAME` for a user, `group:NAME` for a group.
        member: String,
    },
}

impl Project {
    pub(crate) fn run(self) -> Result<(), Error> {
        let client = self.connection.open()?;
        match self.verb {
            Verb::List => {
                let projects: Vec<Value> =
                    client.list(&["projects"])?.into_iter().map(|it| shown(&client, it)).collect();
                client.output.list(&projects, &COLUMNS)
            }
            Verb::Create { name, public } => {
                let project = client.post(&["projects"], &json!({ "name": name, "is_public": public }))?;
                client.output.one(&project, &LINES[..2])
            }
            Verb::Show { name } => {
                let project = client.get(&["projects", &name])?;
                client.output.one(&shown(&client, project), &LINES)
            }
            Verb::Set { name, openness } => {
                let project = client.patch(&["projects", &name], &json!({ "is_public": openness.public }))?;
                client.output.one(&project, &LINES[..2])
            }
            Verb::Delete { name } => {
                client.delete(&["projects", &name])?;
                client.output.done(&format!("project `{name}` is deleted"))
            }
            Verb::Member(member) => member.run(&client),
            Verb::Quota(quota) => quota.run(&client),
        }
    }
}

impl Member {
    fn run(self, client: &Client) -> Result<(), Error> {
        match self {
            Self::List { project } => client.output.list(&client.list(&["projects", &project, "members"])?, &MEMBERS),
            Self::Add { project, member, role } => {
                let place = ["projects", &project, "members", &written(&member)];
                let member = client.put(&place, &json!({ "role": role }))?;
                client.output.list(&[member], &MEMBERS)
            }
            Self::Remove { project, member } => {
                let member = written(&member);
                client.delete(&["projects", &project, "members", &member])?;
                client.output.done(&format!("`{member}` is no longer a member of project `{project}`"))
            }
        }
    }
}

/// A project with what it uses in words, where the server says so and people read it.
fn shown(client: &Client, mut project: Value) -> Value {
    if !client.output.is_json() {
        project["bytes"] = quota::brief(project["quota"]["bytes"]["used"].as_u64()).into();
        project["manifests"] = project["quota"]["manifests"]["used"].clone();
    }
    project
}

/// A name alone is a user's.
fn written(member: &str) -> String {
    if member.contains(':') { member.to_owned() } else { format!("user:{member}") }
}
