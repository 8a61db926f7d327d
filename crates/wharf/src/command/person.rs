//! `wharf person`: whom identities belong to, so that two accounts are never two people who approve.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::client::output::Column;
use super::client::{Connection, Error};

const COLUMNS: [Column; 3] = [("PERSON", "name", "-"), ("ACCOUNTS", "accounts", "none"), ("SINCE", "created_at", "-")];

/// `wharf person`.
#[derive(Debug, Args)]
pub(crate) struct Person {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List persons with what they log in as and the robots that they answer for.
    Ls,
    /// Make a person.
    Add { person: String },
    /// Delete a person. Their accounts stay and belong to nobody.
    Rm { person: String },
    /// Say that an account is a person's, after you have made sure; it is then no other's.
    Link {
        person: String,
        /// A user, or `PROJECT+ROBOT`.
        account: String,
    },
    /// Say that an account is a person's no more.
    Unlink {
        person: String,
        /// A user, or `PROJECT+ROBOT`.
        account: String,
    },
}

impl Person {
    pub(crate) fn run(self) -> Result<(), Error> {
        let client = self.connection.open()?;
        match self.verb {
            Verb::Ls => {
                let persons = client.list(&["persons"])?;
                let is_json = client.output.is_json();
                let shown: Vec<Value> = persons.into_iter().map(|it| if is_json { it } else { brief(it) }).collect();
                client.output.list(&shown, &COLUMNS)
            }
            Verb::Add { person } => {
                let person = client.post(&["persons"], &json!({ "name": person }))?;
                client.output.list(&[person], &COLUMNS)
            }
            Verb::Rm { person } => {
                client.delete(&["persons", &person])?;
                client.output.done(&format!("person `{person}` is deleted"))
            }
            Verb::Link { person, account } => {
                client.put(&["persons", &person, "accounts", &account], &Value::Null)?;
                client.output.done(&format!("`{account}` is person `{person}`"))
            }
            Verb::Unlink { person, account } => {
                client.delete(&["persons", &person, "accounts", &account])?;
                client.output.done(&format!("`{account}` is nobody's"))
            }
        }
    }
}

/// A person with the names of their accounts alone.
fn brief(mut person: Value) -> Value {
    let accounts = person["accounts"].as_array().map_or(&[][..], Vec::as_slice);
    let names: Vec<Value> = accounts.iter().map(|account| account["account"].clone()).collect();
    person["accounts"] = names.into();
    person
}
