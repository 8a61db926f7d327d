//! `wharf standard`: whether images are as the project's standards say.

use std::time::{Duration, Instant};

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::client::image::Image;
use super::client::{Client, Connection, Error};

/// How often to look whether the check is done.
const PAUSE: Duration = Duration::from_millis(500);

/// `wharf standard`.
#[derive(Debug, Args)]
pub(crate) struct Standard {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Compare an image with the standards of its repository, and say what it does not keep. Exit code 10 if there is anything.
    Check {
        /// `PROJECT/REPOSITORY[:TAG]` or `…@DIGEST`.
        image: String,
        /// How many seconds to wait for the image to be read.
        #[arg(long, value_name = "SECONDS", default_value_t = 300)]
        wait: u64,
    },
}

impl Standard {
    pub(crate) fn run(self) -> Result<(), Error> {
        let client = self.connection.open()?;
        let Verb::Check { image, wait } = self.verb;
        let image = Image::parse(&client, &image)?;
        let checks = checked(&client, &image, Duration::from_secs(wait))?;
        client.output.told(&checks, &sentences(&image, &checks))?;
        match count(&checks) {
            0 => Ok(()),
            count => Err(Error::Standards { count }),
        }
    }
}

/// The results of what is in force. What is old or missing is asked for.
fn checked(client: &Client, image: &Image, wait: Duration) -> Result<Value, Error> {
    let path = ["projects", image.project.as_str(), "standards", "checks"];
    let (begun, mut is_asked) = (Instant::now(), false);
    loop {
        let checks = client.page(&path, &image.query(), None)?;
        let is_empty = checks["standards"].as_array().is_none_or(Vec::is_empty);
        if is_empty || is_done(&checks) || begun.elapsed() >= wait {
            return Ok(checks);
        }
        if !is_asked {
            client.post(&path, &json!({ "repository": image.repository, "reference": image.reference }))?;
            is_asked = true;
        }
        std::thread::sleep(PAUSE);
    }
}

fn entries(checks: &Value) -> &[Value] {
    checks["checks"].as_array().map_or(&[], Vec::as_slice)
}

fn is_done(checks: &Value) -> bool {
    let is_all = checks["open"].as_array().is_some_and(Vec::is_empty) && !entries(checks).is_empty();
    is_all && entries(checks).iter().all(|check| check["is_current"] == true)
}

fn complaints(checks: &Value) -> impl Iterator<Item = (&Value, &Value)> {
    let results = entries(checks).iter().flat_map(|check| check["results"].as_array().into_iter().flatten());
    results.flat_map(|result| {
        result["complaints"].as_array().into_iter().flatten().map(move |complaint| (&result["standard"], complaint))
    })
}

/// How much is not as it should be; what was not read counts.
fn count(checks: &Value) -> usize {
    let unread = entries(checks).iter().filter(|check| !check["problem"].is_null()).count();
    let is_open = !checks["standards"].as_array().is_none_or(Vec::is_empty) && !is_done(checks);
    complaints(checks).count() + unread + usize::from(is_open)
}

fn sentences(image: &Image, checks: &Value) -> String {
    let word = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let standards: Vec<String> = checks["standards"].as_array().into_iter().flatten().map(word).collect();
    if standards.is_empty() {
        return format!("no standard is for {}", image.repository);
    }
    let mut lines = vec![format!("{}: {}", image.name, standards.join(", "))];
    for check in entries(checks) {
        lines.extend(check["problem"].as_str().map(|problem| format!("  it cannot be read: {problem}")));
    }
    for (standard, complaint) in complaints(checks) {
        lines.push(format!("  {}: {}: {}", word(standard), word(&complaint["rule"]), word(&complaint["reason"])));
    }
    if !is_done(checks) {
        lines.push("  it has not been read yet".to_owned());
    } else if lines.len() == 1 {
        lines.push("  all kept".to_owned());
    }
    lines.join("\n")
}
