//! `wharf role`: what custom roles allow, who was given a role within limits, and which repositories only a role pulls.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::client::output::Column;
use super::client::{Connection, Error};

const ROLES: [Column; 3] = [("ROLE", "name", "-"), ("ALLOWS", "powers", "nothing"), ("CREATED", "created_at", "-")];
const GIVEN: [Column; 7] = [
    ("ID", "id", "-"),
    ("HOLDER", "holder", "-"),
    ("ROLE", "role", "-"),
    ("REPOSITORIES", "repositories", "all"),
    ("ENVIRONMENTS", "environments", "all"),
    ("TAGS", "tags", "all"),
    ("SINCE", "since", "-"),
];
const RESERVED: [Column; 3] = [("REPOSITORIES", "pattern", "-"), ("ROLE", "role", "-"), ("SINCE", "since", "-")];

/// `wharf role`.
#[derive(Debug, Args)]
pub(crate) struct Role {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List custom roles.
    List {
        #[command(flatten)]
        owner: Owner,
    },
    /// Make a custom role, or give one other powers.
    Set {
        role: String,
        /// What it allows: pull, push, overwrite, delete, attach, promotion.request, promotion.approve and so on. May be
        /// repeated, or a list with commas.
        #[arg(long = "allow", value_name = "POWER", required = true, value_delimiter = ',')]
        powers: Vec<String>,
        #[command(flatten)]
        owner: Owner,
    },
    /// Delete a custom role that nobody has.
    Delete {
        role: String,
        #[command(flatten)]
        owner: Owner,
    },
    /// Show who was given which role within limits.
    Given { project: String },
    /// Give a role, built-in or custom, within limits.
    Give {
        project: String,
        /// `NAME` or `user:NAME` for a user, `group:NAME` for a group, `robot:NAME` for a robot of the project.
        holder: String,
        role: String,
        #[command(flatten)]
        limits: Limits,
    },
    /// Take a role that was given, by its id.
    Take { project: String, id: u64 },
    /// Show which repositories only members of a role pull.
    Reserved { project: String },
    /// Let only members of a role pull from some repositories.
    Reserve {
        project: String,
        /// `bases/compile-*`, `bases/**`.
        pattern: String,
        role: String,
    },
    /// End a reservation.
    Unreserve { project: String, pattern: String },
}

#[derive(Debug, Args)]
struct Owner {
    /// A role of this project alone; of the whole server without it.
    #[arg(long, value_name = "PROJECT")]
    project: Option<String>,
}

#[derive(Debug, Args)]
struct Limits {
    /// In these repositories only; `*` stands for part of one path component, `**` for anything. May be repeated.
    #[arg(long = "repository", value_name = "PATTERN", value_delimiter = ',')]
    repositories: Vec<String>,
    /// In these environments only. May be repeated.
    #[arg(long = "environment", value_name = "NAME", value_delimiter = ',')]
    environments: Vec<String>,
    /// Push, move and delete these tags only; `*` stands for anything. May be repeated.
    #[arg(long = "tag", value_name = "PATTERN", value_delimiter = ',')]
    tags: Vec<String>,
}

impl Owner {
    /// Where its roles are.
    fn path<'a>(&'a self, role: Option<&'a str>) -> Vec<&'a str> {
        let project = self.project.iter().flat_map(|project| ["projects", project.as_str()]);
        project.chain(["roles"]).chain(role).collect()
    }
}

impl Role {
    pub(crate) fn run(self) -> Result<(), Error> {
        let client = self.connection.open()?;
        match self.verb {
            Verb::List { owner } => client.output.list(&client.list(&owner.path(None))?, &ROLES),
            Verb::Set { role, powers, owner } => {
                let role = client.put(&owner.path(Some(&role)), &json!({ "powers": powers }))?;
                client.output.list(&[role], &ROLES)
            }
            Verb::Delete { role, owner } => {
                client.delete(&owner.path(Some(&role)))?;
                client.output.done(&format!("role `{role}` is deleted"))
            }
            Verb::Given { project } => {
                client.output.list(&client.list(&["projects", &project, "assignments"])?, &GIVEN)
            }
            Verb::Give { project, holder, role, limits } => {
                let given = client.post(&["projects", &project, "assignments"], &body(&holder, &role, &limits))?;
                client.output.list(&[given], &GIVEN)
            }
            Verb::Take { project, id } => {
                client.delete(&["projects", &project, "assignments", &id.to_string()])?;
                client.output.done(&format!("what was given under {id} is taken"))
            }
            Verb::Reserved { project } => {
                client.output.list(&client.list(&["projects", &project, "reservations"])?, &RESERVED)
            }
            Verb::Reserve { project, pattern, role } => {
                let body = json!({ "pattern": pattern, "role": role });
                client.output.list(&[client.put(&["projects", &project, "reservations"], &body)?], &RESERVED)
            }
            Verb::Unreserve { project, pattern } => {
                client.delete_where(&["projects", &project, "reservations"], &[("pattern", &pattern)])?;
                client.output.done(&format!("`{pattern}` is reserved no more"))
            }
        }
    }
}

/// A name alone is a user's.
fn body(holder: &str, role: &str, limits: &Limits) -> Value {
    let holder = if holder.contains(':') { holder.to_owned() } else { format!("user:{holder}") };
    json!({
        "holder": holder, "role": role,
        "repositories": limits.repositories, "environments": limits.environments, "tags": limits.tags,
    })
}
