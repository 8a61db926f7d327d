//! `wharf history`: all that is known of a digest, from the push to where it stands.

mod verify;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::Value;
use wharf_oci::Reference;

use super::client::output::Column;
use super::client::{Connection, Error};
use super::subject::Subject;

const COLUMNS: [Column; 4] = [("AT", "at", "-"), ("WHAT", "what", "-"), ("BY", "by", "-"), ("MORE", "more", "-")];

/// `wharf history`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct History {
    #[command(flatten)]
    connection: Connection,
    /// `PROJECT/APP@DIGEST`, by the name in development.
    #[arg(value_name = "REPO@DIGEST", required = true)]
    subject: Option<Subject>,
    /// Have it signed and attached to the digest, and write the signed document into a file.
    #[arg(long, value_name = "FILE")]
    evidence: Option<PathBuf>,
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Check that a document of evidence is what the registry signed, without asking it.
    Verify(verify::Verify),
}

impl History {
    pub(crate) fn run(self) -> Result<(), Error> {
        if let Some(Verb::Verify(verify)) = &self.verb {
            return verify.run(&self.connection);
        }
        let subject = self.subject.as_ref().ok_or(Error::NotADigest)?;
        let client = self.connection.open()?;
        let Reference::Digest(digest) = &subject.reference else { return Err(Error::NotADigest) };
        let (project, digest) = (subject.project(), digest.to_string());
        let query = [("repository", subject.repository.as_str())];
        if let Some(path) = &self.evidence {
            let path_there = ["projects", &project, "history", &digest, "evidence"];
            let made = client.post(&path_there, &serde_json::json!({ "repository": subject.repository.as_str() }))?;
            let document = made["envelope"].to_string();
            std::fs::write(path, document).map_err(|source| Error::WriteFile { path: path.clone(), source })?;
            let place =
                format!("{}@{}", made["repository"].as_str().unwrap_or("-"), made["manifest"].as_str().unwrap_or("-"));
            return client.output.told(&made, &format!("signed and attached as {place}\n"));
        }
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
