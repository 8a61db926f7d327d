//! `wharf project`: projects and their members.

use clap::{Args, Subcommand};
use serde_json::json;

use super::client::output::Column;
use super::client::{Client, Connection, Error};

const ROLES: [&str; 4] = ["guest", "developer", "maintainer", "owner"];

const COLUMNS: [Column; 3] = [("NAME", "name", "-"), ("PUBLIC", "is_public", "-"), ("CREATED", "created_at", "-")];
const LINES: [Column; 4] = [
    ("name", "name", "-"),
    ("public", "is_public", "-"),
    ("your role", "role", "none"),
    ("created", "created_at", "-"),
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
            Verb::List => client.output.list(&client.list(&["projects"])?, &COLUMNS),
            Verb::Create { name, public } => {
                let project = client.post(&["projects"], &json!({ "name": name, "is_public": public }))?;
                client.output.one(&project, &LINES[..2])
            }
            Verb::Show { name } => client.output.one(&client.get(&["projects", &name])?, &LINES),
            Verb::Set { name, openness } => {
                let project = client.patch(&["projects", &name], &json!({ "is_public": openness.public }))?;
                client.output.one(&project, &LINES[..2])
            }
            Verb::Delete { name } => {
                client.delete(&["projects", &name])?;
                client.output.done(&format!("project `{name}` is deleted"))
            }
            Verb::Member(member) => member.run(&client),
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

/// A name alone is a user's.
fn written(member: &str) -> String {
    if member.contains(':') { member.to_owned() } else { format!("user:{member}") }
}
