//! `wharf group`: sets of users that have roles in projects together.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::client::output::Column;
use super::client::{Client, Connection, Error};

const COLUMNS: [Column; 2] = [("NAME", "name", "-"), ("CREATED", "created_at", "-")];
const USERS: [Column; 1] = [("NAME", "name", "-")];

/// `wharf group`.
#[derive(Debug, Args)]
pub(crate) struct Group {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List groups.
    List,
    /// Make an empty group. `wharf project member add PROJECT group:NAME ROLE` gives it a role.
    Create { name: String },
    /// Delete a group with its roles. Its users stay.
    Delete { name: String },
    /// Who is in a group.
    #[command(subcommand)]
    User(User),
}

#[derive(Debug, Subcommand)]
enum User {
    /// List a group's users.
    List { group: String },
    /// Put a user into a group.
    Add { group: String, user: String },
    /// Take a user out of a group.
    Remove { group: String, user: String },
}

impl Group {
    pub(crate) fn run(self) -> Result<(), Error> {
        let client = self.connection.open()?;
        match self.verb {
            Verb::List => client.output.list(&client.list(&["groups"])?, &COLUMNS),
            Verb::Create { name } => {
                let group = client.post(&["groups"], &json!({ "name": name }))?;
                client.output.list(&[group], &COLUMNS)
            }
            Verb::Delete { name } => {
                client.delete(&["groups", &name])?;
                client.output.done(&format!("group `{name}` is deleted"))
            }
            Verb::User(user) => user.run(&client),
        }
    }
}

impl User {
    fn run(self, client: &Client) -> Result<(), Error> {
        match self {
            Self::List { group } => client.output.list(&client.list(&["groups", &group, "users"])?, &USERS),
            Self::Add { group, user } => {
                client.put(&["groups", &group, "users", &user], &Value::Null)?;
                client.output.done(&format!("user `{user}` is in group `{group}`"))
            }
            Self::Remove { group, user } => {
                client.delete(&["groups", &group, "users", &user])?;
                client.output.done(&format!("user `{user}` is not in group `{group}`"))
            }
        }
    }
}
