//! `wharf audit list`, and which rows are meant.

use clap::{Args, ValueEnum};
use serde_json::Value;

use crate::command::client::output::Column;
use crate::command::client::{Client, Error};

const COLUMNS: [Column; 6] = [
    ("AT", "at", "-"),
    ("CALLER", "caller", "-"),
    ("FROM", "remote", "-"),
    ("ACTION", "action", "-"),
    ("RESOURCE", "resource", "-"),
    ("OUTCOME", "outcome", "-"),
];

/// Which rows. All conditions must hold.
#[derive(Debug, Clone, Args)]
pub(super) struct Rows {
    /// Only what this user or robot did.
    #[arg(long, value_name = "NAME")]
    person: Option<String>,
    /// Only what was done to this: a project, a user, a repository; `pay/*` is all whose names begin with `pay/`.
    #[arg(long, value_name = "NAME")]
    object: Option<String>,
    /// Only this was done, such as `tag.delete`.
    #[arg(long, value_name = "ACTION")]
    action: Option<String>,
    /// Only what ended so.
    #[arg(long, value_name = "OUTCOME")]
    outcome: Option<Outcome>,
    #[command(flatten)]
    pub(super) time: Time,
}

/// From when until when.
#[derive(Debug, Clone, Args)]
pub(super) struct Time {
    /// Not before: `2027-01-31`, `2027-01-31T12:00:00Z`.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub(super) from: Option<String>,
    /// Before.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub(super) to: Option<String>,
}

/// How it ended.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Outcome {
    Succeeded,
    Denied,
    Failed,
}

/// `wharf audit list`.
#[derive(Debug, Args)]
pub(super) struct List {
    #[command(flatten)]
    rows: Rows,
    /// How many entries, the newest first.
    #[arg(long, value_name = "NUMBER", default_value = "50", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    limit: u32,
}

impl List {
    pub(super) fn run(self, client: &Client) -> Result<(), Error> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let (mut entries, mut after) = (Vec::new(), None);
        while entries.len() < limit {
            let wanted = (limit - entries.len()).min(1_000).to_string();
            let mut query = self.rows.query();
            query.push(("limit", wanted.as_str()));
            let mut page = client.page(&["audit"], &query, after.as_deref())?;
            entries.append(page["entries"].as_array_mut().unwrap_or(&mut Vec::new()));
            after = page["next"].as_str().map(str::to_owned);
            if after.is_none() {
                break;
            }
        }
        client.output.list(&entries, &COLUMNS)
    }
}

impl Rows {
    /// Whether every row of a time is meant.
    pub(super) fn are_all(&self) -> bool {
        self.person.is_none() && self.object.is_none() && self.action.is_none() && self.outcome.is_none()
    }

    /// As the server takes it.
    pub(super) fn query(&self) -> Vec<(&'static str, &str)> {
        let outcome = self.outcome.map(|outcome| match outcome {
            Outcome::Succeeded => "succeeded",
            Outcome::Denied => "denied",
            Outcome::Failed => "failed",
        });
        let all = [
            ("person", self.person.as_deref()),
            ("object", self.object.as_deref()),
            ("action", self.action.as_deref()),
            ("outcome", outcome),
        ];
        let conditions = all.into_iter().filter_map(|(name, value)| Some((name, value?)));
        conditions.chain(self.time.query()).collect()
    }
}

impl Time {
    /// As the server takes it.
    pub(super) fn query(&self) -> Vec<(&'static str, &str)> {
        let all = [("from", self.from.as_deref()), ("to", self.to.as_deref())];
        all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}

/// A moment, or a day: its beginning in UTC.
fn moment(text: &str) -> Result<String, String> {
    let wrong = || format!("`{text}` is neither a day, `2027-01-31`, nor a moment, `2027-01-31T12:00:00Z`");
    // A date that has a time behind it is read as one, too.
    let day =
        || text.parse::<jiff::civil::Date>().ok().filter(|_| text.len() == 10)?.to_zoned(jiff::tz::TimeZone::UTC).ok();
    let moment = text.parse().ok().or_else(|| Some(day()?.timestamp()));
    let moment: jiff::Timestamp = moment.ok_or_else(wrong)?;
    Ok(moment.to_string())
}

/// The rows of a page, as the server gave them.
pub(super) fn entries(page: &Value) -> &[Value] {
    page["entries"].as_array().map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_its_beginning() {
        assert_eq!(moment("2027-01-31").as_deref(), Ok("2027-01-31T00:00:00Z"));
        assert_eq!(moment("2027-01-31T12:00:00+01:00").as_deref(), Ok("2027-01-31T11:00:00Z"));
        for wrong in ["", "yesterday", "2027-02-30", "2027-01-31T12:00:00"] {
            assert!(moment(wrong).is_err(), "{wrong}");
        }
    }
}
