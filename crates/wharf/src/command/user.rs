//! `wharf user`: people who log in with a name and a password.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::client::output::Column;
use super::client::{Client, Connection, Error, password};

const SYSTEM_ROLES: [&str; 2] = ["administrator", "auditor"];

const COLUMNS: [Column; 4] = [
    ("NAME", "name", "-"),
    ("SYSTEM ROLE", "system_role", "-"),
    ("DISABLED", "is_disabled", "-"),
    ("CREATED", "created_at", "-"),
];
const LINES: [Column; 5] = [
    ("name", "name", "-"),
    ("system role", "system_role", "none"),
    ("disabled", "is_disabled", "-"),
    ("password", "has_password", "-"),
    ("created", "created_at", "-"),
];
const IMPORTED: [Column; 2] = [("created", "created", "none"), ("left as they are", "existing", "none")];

/// `wharf user`.
#[derive(Debug, Args)]
pub(crate) struct User {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List users.
    List,
    /// Make a user.
    Create {
        name: String,
        /// Give the user a role in the whole system: `administrator` may do everything, `auditor` reads everything.
        #[arg(long, value_name = "ROLE", value_parser = SYSTEM_ROLES)]
        system_role: Option<String>,
        /// Read the new password from a line of standard input (the second, after --password-stdin).
        #[arg(long)]
        new_password_stdin: bool,
        /// Make the user without a password: nobody can log in until one is set.
        #[arg(long, conflicts_with = "new_password_stdin")]
        no_password: bool,
    },
    /// Show one user.
    Show { name: String },
    /// Change a user's role in the whole system.
    Set {
        name: String,
        /// The role, or `none`.
        #[arg(long, value_name = "ROLE", value_parser = ["administrator", "auditor", "none"])]
        system_role: String,
    },
    /// Refuse a user's log-in, and end what logged them in before.
    Disable { name: String },
    /// Let a user log in again.
    Enable { name: String },
    /// Delete a user.
    Delete { name: String },
    /// Set a user's password; without a name, your own.
    Password {
        name: Option<String>,
        /// Read the new password from a line of standard input (the second, after --password-stdin).
        #[arg(long)]
        new_password_stdin: bool,
    },
    /// Make users of the entries of an htpasswd file with bcrypt hashes (`htpasswd -B`).
    ImportHtpasswd {
        /// The file; `-` is standard input.
        file: PathBuf,
    },
}

impl User {
    pub(crate) fn run(self) -> Result<(), Error> {
        let client = self.connection.open()?;
        match self.verb {
            Verb::List => client.output.list(&client.list(&["users"])?, &COLUMNS),
            Verb::Create { name, system_role, new_password_stdin, no_password } => {
                let password = if no_password { None } else { Some(password::new(&name, new_password_stdin)?) };
                let password = password.as_ref().map(|password| password.expose());
                let user = json!({ "name": name, "system_role": system_role, "password": password });
                client.output.one(&client.post(&["users"], &user)?, &LINES)
            }
            Verb::Show { name } => client.output.one(&client.get(&["users", &name])?, &LINES),
            Verb::Set { name, system_role } => {
                let role = (system_role != "none").then_some(system_role);
                change(&client, &name, &json!({ "system_role": role }))
            }
            Verb::Disable { name } => change(&client, &name, &json!({ "is_disabled": true })),
            Verb::Enable { name } => change(&client, &name, &json!({ "is_disabled": false })),
            Verb::Delete { name } => {
                client.delete(&["users", &name])?;
                client.output.done(&format!("user `{name}` is deleted"))
            }
            Verb::Password { name: Some(name), new_password_stdin } => set(&client, &name, new_password_stdin),
            Verb::Password { name: None, new_password_stdin } => change_own(&client, new_password_stdin),
            Verb::ImportHtpasswd { file } => {
                let imported = client.post(&["imports", "htpasswd"], &json!({ "htpasswd": read(&file)? }))?;
                client.output.one(&imported, &IMPORTED)
            }
        }
    }
}

fn change(client: &Client, name: &str, change: &Value) -> Result<(), Error> {
    client.output.one(&client.patch(&["users", name], change)?, &LINES)
}

fn set(client: &Client, name: &str, is_on_stdin: bool) -> Result<(), Error> {
    let password = password::new(name, is_on_stdin)?;
    client.put(&["users", name, "password"], &json!({ "password": password.expose() }))?;
    client.output.done(&format!("the password of `{name}` is set"))
}

fn change_own(client: &Client, is_on_stdin: bool) -> Result<(), Error> {
    let present = match client.password() {
        Some(password) => password.clone(),
        None => password::ask("Present password: ")?,
    };
    let new = password::new("yours", is_on_stdin)?;
    client.put(&["me", "password"], &json!({ "present": present.expose(), "new": new.expose() }))?;
    client.output.done("your password is changed; log in anew wherever you were")
}

fn read(path: &Path) -> Result<String, Error> {
    let mut text = String::new();
    let read = if path == Path::new("-") {
        std::io::stdin().lock().read_to_string(&mut text)
    } else {
        std::fs::File::open(path).and_then(|mut file| file.read_to_string(&mut text))
    };
    read.map_err(|source| Error::ReadFile { path: path.to_owned(), source })?;
    Ok(text)
}
