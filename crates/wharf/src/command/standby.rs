//! `wharf standby`: how a pair is, and taking over. Asks the server that has the data folder.

use anyhow::Context as _;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::admin::place::{Place, run};
use crate::control;
use crate::data::Folder;
use crate::operator::order::Order;
use crate::standby::role::RoleFile;
use crate::standby::take_over::{self, Force};

/// `wharf standby`.
#[derive(Debug, Args)]
pub(crate) struct Standby {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// How far the standby is. On either machine.
    Status {
        #[command(flatten)]
        place: Place,
    },
    /// Make this standby the primary. The old one is asked to stop; if it cannot be reached, it is told later.
    TakeOver {
        /// Also where this server was told that another has taken over: for when that one is lost. What was pushed to it
        /// since is lost with it.
        #[arg(long)]
        force: bool,
        #[command(flatten)]
        place: Place,
    },
}

impl Standby {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        match self.verb {
            Verb::Status { place } => status(&place),
            Verb::TakeOver { force, place } => take_over(&place, if force { Force::AlsoFenced } else { Force::No }),
        }
    }
}

fn status(place: &Place) -> anyhow::Result<()> {
    let config = place.load(Vec::new())?;
    let outcome = run(&config, async {
        if let Some(outcome) = control::order(config.server.data(), &Order::StandbyStatus, |_| ()).await? {
            return Ok(outcome);
        }
        let role = RoleFile::of(config.server.data()).read()?.context("this data folder is no part of a pair")?;
        Ok(json!({ "role": role }))
    })?;
    place.show(&outcome, &sentence(&outcome));
    Ok(())
}

fn take_over(place: &Place, force: Force) -> anyhow::Result<()> {
    let config = place.load(Vec::new())?;
    let outcome = run(&config, async {
        if let Some(outcome) = control::order(config.server.data(), &Order::TakeOver, |_| ()).await? {
            return Ok(outcome);
        }
        let folder = Folder::take(config.server.data())?;
        take_over::take_over_alone(&config, folder.path(), force)
    })?;
    let stopped = if outcome["primary_stopped"] == true {
        "the old primary has stopped"
    } else {
        "the old primary was not reached and is told when it is"
    };
    let sentence = format!("this server is the primary now (epoch {}); {stopped}", outcome["epoch"]);
    place.show(&outcome, &sentence);
    Ok(())
}

/// What a status says, for people.
fn sentence(outcome: &Value) -> String {
    let (standby, primary) = (&outcome["standby"], &outcome["primary"]);
    if standby.is_object() {
        let copy = if standby["is_whole"] == true { "can take over" } else { "does not have all of the registry yet" };
        let follows = match standby["trouble"].as_str().filter(|_| standby["is_following"] != true) {
            Some(trouble) => format!("does not follow: {trouble}"),
            None => "follows".to_owned(),
        };
        let behind = standby["behind_seconds"].as_f64().map_or("unknown".to_owned(), |behind| format!("{behind:.1} s"));
        return format!(
            "standby of {}: {follows}; {copy}; behind: {behind}, {} items",
            standby["of"].as_str().unwrap_or_default(),
            standby["behind_items"]
        );
    }
    if primary.is_object() {
        let standby = match (primary["is_level"] == true, primary["is_connected"] == true) {
            (true, _) => "the standby follows",
            (false, true) => "the standby is copying",
            (false, false) => "there is no standby",
        };
        let fenced = if primary["is_fenced"] == true { "; another server has taken over" } else { "" };
        return format!(
            "primary, epoch {}: {standby}; behind: {:.1} s, {} bytes{fenced}",
            primary["epoch"],
            primary["lag_seconds"].as_f64().unwrap_or_default(),
            primary["lag_bytes"]
        );
    }
    format!("no server runs here; the data folder says: {}", outcome["role"])
}
