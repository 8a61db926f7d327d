//! `wharf hold`: what must stay as it is.

use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

use super::bin::{project, split};
use super::client::output::Column;
use super::client::{Client, Connection, Error};

const COLUMNS: [Column; 8] = [
    ("HOLD", "hold", "-"),
    ("KIND", "kind", "-"),
    ("REPOSITORY", "repository", "-"),
    ("TAG", "tag", "-"),
    ("DIGEST", "digest", "-"),
    ("UNTIL", "until", "it is lifted"),
    ("SET BY", "set_by", "-"),
    ("REASON", "reason", "-"),
];
const LINES: [Column; 12] = [
    ("hold", "hold", "-"),
    ("kind", "kind", "-"),
    ("repository", "repository", "-"),
    ("tag", "tag", "-"),
    ("digest", "digest", "-"),
    ("reason", "reason", "-"),
    ("set by", "set_by", "-"),
    ("set at", "set_at", "-"),
    ("until", "until", "it is lifted"),
    ("lifted by", "lifted_by", "-"),
    ("lifted at", "lifted_at", "-"),
    ("lifted because", "lift_reason", "-"),
];

/// `wharf hold`.
#[derive(Debug, Args)]
pub(crate) struct Hold {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Let something stay as it is: nobody and nothing deletes or overwrites it until the hold is lifted.
    Set {
        /// `REPOSITORY`, `REPOSITORY:TAG`, or `REPOSITORY@DIGEST`, which is held in all repositories of the project.
        what: String,
        /// Why. Whoever is refused something by the hold reads it.
        #[arg(long)]
        reason: String,
        /// What for.
        #[arg(long, value_enum, default_value_t = Kind::Legal)]
        kind: Kind,
        /// When it ends by itself, such as `2027-01-31T12:00:00Z` [default: when it is lifted].
        #[arg(long, value_name = "TIME")]
        until: Option<String>,
    },
    /// Lift a hold.
    Lift {
        project: String,
        /// The hold's number.
        hold: i64,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// List holds, the newest first. With --json, one object per line.
    Ls {
        /// `PROJECT`, or one repository: `PROJECT/NAME`.
        place: String,
        /// Those that have ended, too.
        #[arg(long)]
        ended: bool,
    },
    /// Show one hold.
    Show {
        project: String,
        /// The hold's number.
        hold: i64,
    },
}

/// What a hold is for.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    /// The law wants it kept.
    Legal,
    /// It is suspected, and kept to be looked at.
    Quarantine,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Legal => "legal",
            Self::Quarantine => "quarantine",
        }
    }
}

impl Hold {
    pub(crate) fn run(self) -> Result<(), Error> {
        let client = self.connection.open()?;
        match self.verb {
            Verb::Set { what, reason, kind, until } => set(&client, &what, (&reason, kind, until.as_deref())),
            Verb::Lift { project, hold, reason } => {
                let place = ["projects", &project, "holds", &hold.to_string(), "lift"];
                client.output.one(&client.post(&place, &json!({ "reason": reason }))?, &LINES)
            }
            Verb::Ls { place, ended } => {
                let repository = place.contains('/').then_some(("repository", place.as_str()));
                let ended = ended.then_some(("ended", "true"));
                let query: Vec<_> = repository.into_iter().chain(ended).collect();
                client.stream(&["projects", project(&place), "holds"], &query, &COLUMNS)
            }
            Verb::Show { project, hold } => {
                let hold = client.get(&["projects", &project, "holds", &hold.to_string()])?;
                client.output.one(&hold, &LINES)
            }
        }
    }
}

fn set(client: &Client, what: &str, (reason, kind, until): (&str, Kind, Option<&str>)) -> Result<(), Error> {
    let (repository, tag, digest) = split(what);
    let body = json!({
        "repository": repository, "tag": tag, "digest": digest,
        "reason": reason, "kind": kind.word(), "until": until,
    });
    client.output.one(&client.post(&["projects", project(repository), "holds"], &body)?, &LINES)
}
