//! `wharf access why`: whether somebody may do something, and for what reasons.

use std::fmt::Write as _;

use clap::{Args, Subcommand};
use serde_json::Value;

use super::client::{Connection, Error};

/// `wharf access`.
#[derive(Debug, Args)]
pub(crate) struct Access {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Say whether somebody may do something, for what reasons, and what is missing.
    Why {
        /// A user, `PROJECT+ROBOT`, or `anonymous`.
        who: String,
        /// `pull`, `push`, `overwrite`, `delete`, `attach`, or an action such as `promotion.approve`.
        action: String,
        /// `payments/app`, `payments/app:1.0`, `t/payments/app`; a project alone for what concerns it as a whole.
        resource: String,
    },
}

impl Access {
    pub(crate) fn run(self) -> Result<(), Error> {
        let client = self.connection.open()?;
        let Verb::Why { who, action, resource } = self.verb;
        let query = [("who", who.as_str()), ("action", action.as_str()), ("on", resource.as_str())];
        let answer = client.page(&["access", "why"], &query, None)?;
        let is_allowed = answer["is_allowed"] == Value::Bool(true);
        let verdict = if is_allowed { "may" } else { "may not" };
        let mut text = format!("`{who}` {verdict} `{action}` on `{resource}`\n");
        for (head, list) in [("because of", "because"), ("missing", "missing")] {
            for reason in answer[list].as_array().into_iter().flatten().filter_map(Value::as_str) {
                writeln!(text, "  {head}: {reason}").expect("a String takes everything");
            }
        }
        client.output.told(&answer, &text)
    }
}
