//! `wharf history`: all that is known of a digest, from the push to where it stands.

use clap::Args;
use serde_json::Value;
use wharf_oci::Reference;

use super::client::output::Column;
use super::client::{Connection, Error};
use super::subject::Subject;

const COLUMNS: [Column; 4] = [("AT", "at", "-"), ("WHAT", "what", "-"), ("BY", "by", "-"), ("MORE", "more", "-")];

/// `wharf history`.
#[derive(Debug, Args)]
pub(crate) struct History {
    #[command(flatten)]
    connection: Connection,
    /// `PROJECT/APP@DIGEST`, by the name in development.
    #[arg(value_name = "REPO@DIGEST")]
    subject: Subject,
}

impl History {
    pub(crate) fn run(self) -> Result<(), Error> {
        let client = self.connection.open()?;
        let Reference::Digest(digest) = &self.subject.reference else { return Err(Error::NotADigest) };
        let (project, digest) = (self.subject.project(), digest.to_string());
        let query = [("repository", self.subject.repository.as_str())];
        let history = client.page(&["projects", &project, "history", &digest], &query, None)?;
        if client.output.is_json() {
            return client.output.one(&history, &[]);
        }
        client.output.list(&lines(&history), &COLUMNS)
    }
}

/// What happened, in the order of time.
fn lines(history: &Value) -> Vec<Value> {
    let list = |name: &str| history[name].as_array().cloned().unwrap_or_default();
    let line = |at: &Value, what: String, by: &Value, more: String| serde_json::json!({ "at": at, "what": what, "by": by, "more": more });
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut lines = Vec::new();
    for image in list("images") {
        let labels = &image["labels"];
        let commit = format!(
            "{} {}",
            text(&labels["org.opencontainers.image.source"]),
            text(&labels["org.opencontainers.image.revision"])
        );
        lines.push(line(&image["created_at"], "built".to_owned(), &Value::Null, commit.trim().to_owned()));
    }
    let pushed = &history["pushed"];
    if !pushed.is_null() {
        lines.push(line(&pushed["at"], "pushed".to_owned(), &pushed["by"], text(&history["repository"])));
    }
    for spell in list("tags") {
        lines.push(line(&spell["since"], format!("tag {}", text(&spell["tag"])), &spell["changed_by"], String::new()));
    }
    for promotion in list("promotions") {
        let (kind, to, id) = (text(&promotion["kind"]), text(&promotion["to"]), text(&promotion["id"]));
        lines.push(line(
            &promotion["requested_at"],
            format!("{kind} to {to} asked for"),
            &promotion["requested_by"],
            id.clone(),
        ));
        for said in promotion["decisions"].as_array().into_iter().flatten() {
            let word = if said["is_approval"] == true { "approved" } else { "rejected" };
            lines.push(line(
                &said["decided_at"],
                format!("{kind} to {to} {word}"),
                &said["account"],
                text(&said["comment"]),
            ));
        }
        if !promotion["ended_at"].is_null() {
            let what = format!("{kind} to {to} {}", text(&promotion["state"]));
            lines.push(line(&promotion["ended_at"], what, &promotion["ended_by"], id));
        }
    }
    for placement in list("placements").iter().filter(|placement| !placement["until"].is_null()) {
        let what = format!("{} in {}", text(&placement["ended"]), text(&placement["environment"]));
        lines.push(line(&placement["until"], what, &Value::Null, String::new()));
    }
    lines.sort_by_key(|line| line["at"].as_str().and_then(|at| at.parse::<jiff::Timestamp>().ok()));
    lines
}
