//! `wharf history verify`: a document of evidence is what the registry signed. Needs no server.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};
use wharf_governance::evidence::PREDICATE_TYPE;
use wharf_oci::Digest;
use wharf_oci::dsse::{self, Envelope};
use wharf_oci::statement::{self, Statement};

use crate::command::audit::Noted;
use crate::command::client::{Connection, Error};

/// The largest document that is read.
const MAX_BYTES: u64 = 64 << 20;

/// `wharf history verify`.
#[derive(Debug, Args)]
#[command(after_help = "Exit code 10: it is not what the registry signed, or about another digest.")]
pub(super) struct Verify {
    /// What `wharf history --evidence` has written.
    file: PathBuf,
    /// Believe these keys: a file that `wharf audit keys --json` has written while you trusted the server. May be repeated.
    #[arg(long, value_name = "FILE", required = true)]
    keys: Vec<String>,
    /// The digest that it has to be about.
    #[arg(long, value_name = "DIGEST")]
    about: Option<Digest>,
}

impl Verify {
    pub(super) fn run(&self, connection: &Connection) -> Result<(), Error> {
        let read_file = |source| Error::ReadFile { path: self.file.clone(), source };
        let size = std::fs::metadata(&self.file).map_err(read_file)?.len();
        let wrong = |reason: String| Error::Evidence { path: self.file.clone(), reason };
        if size > MAX_BYTES {
            return Err(wrong(format!("it has more than {MAX_BYTES} bytes")));
        }
        let bytes = std::fs::read(&self.file).map_err(read_file)?;
        let envelope = Envelope::parse(dsse::MEDIA_TYPE, &bytes).map_err(|error| wrong(error.to_string()))?;
        let keys = Noted::read(&self.keys)?.keys();
        let Some(key) = keys.signer_of(&envelope) else { return Err(wrong("none of the keys signed it".to_owned())) };
        let statement = Statement::parse(&envelope.payload).map_err(|error| wrong(error.to_string()))?;
        if envelope.payload_type != statement::PAYLOAD_TYPE || statement.predicate_type != PREDICATE_TYPE {
            return Err(wrong("it is signed, but no evidence".to_owned()));
        }
        if let Some(about) = self.about.filter(|about| !statement.is_about(about)) {
            return Err(wrong(format!("it is not about `{about}`")));
        }
        self.tell(connection, &statement, key)
    }

    fn tell(&self, connection: &Connection, statement: &Statement, key: &str) -> Result<(), Error> {
        let subjects: Vec<String> = statement.subjects.iter().map(ToString::to_string).collect();
        let said = &statement.predicate;
        let document = json!({ "is_whole": true, "digests": subjects, "key": key, "evidence": said });
        let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        let places: Vec<String> = said["placements"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|placement| placement["until"].is_null())
            .map(|placement| text(&placement["environment"]))
            .collect();
        let told = format!(
            "{}@{}\nsigned at {} by key {key}\nstood in: {}\n",
            text(&said["repository"]),
            subjects.join(", "),
            text(&said["madeAt"]),
            if places.is_empty() { "development".to_owned() } else { places.join(", ") },
        );
        connection.output().told(&document, &told)
    }
}
