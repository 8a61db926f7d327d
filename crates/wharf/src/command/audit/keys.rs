//! The keys that sign checkpoints: those of a server, and those that whoever verifies has noted down.

use std::path::Path;

use data_encoding::BASE64URL_NOPAD;
use serde::Deserialize;
use wharf_identity::CheckpointKeys;

use super::line::Key;
use crate::command::client::output::Column;
use crate::command::client::{Client, Error};

const COLUMNS: [Column; 2] = [("ID", "id", "-"), ("PUBLIC KEY", "x", "-")];

/// `wharf audit keys`.
pub(super) fn list(client: &Client) -> Result<(), Error> {
    let keys = client.get(&["audit", "keys"])?;
    client.output.list(super::list::entries(&keys), &COLUMNS)
}

/// What was noted: the ids of keys, and whole keys.
#[derive(Debug, Default)]
pub(crate) struct Noted {
    ids: Vec<String>,
    keys: Vec<Key>,
}

/// What `wharf audit keys --json` prints, or the server's answer.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Printed {
    List(Vec<Key>),
    Answer { entries: Vec<Key> },
}

impl Noted {
    /// Each is a file of `wharf audit keys --json`, or a key's id.
    pub(crate) fn read(notes: &[String]) -> Result<Self, Error> {
        let mut noted = Self::default();
        for note in notes {
            let path = Path::new(note);
            if !path.is_file() {
                noted.ids.push(note.clone());
                continue;
            }
            let read_file = |source| Error::ReadFile { path: path.to_owned(), source };
            let text = std::fs::read_to_string(path).map_err(read_file)?;
            let printed = serde_json::from_str(&text);
            match printed.map_err(|source| Error::AuditKeys { path: path.to_owned(), source })? {
                Printed::List(keys) | Printed::Answer { entries: keys } => noted.keys.extend(keys),
            }
        }
        Ok(noted)
    }

    /// Whether nothing was noted, so that the export's own keys are believed.
    pub(super) fn is_empty(&self) -> bool {
        self.ids.is_empty() && self.keys.is_empty()
    }

    /// The keys that were noted.
    pub(crate) fn keys(&self) -> CheckpointKeys {
        CheckpointKeys::new(self.keys.iter().filter_map(|key| bytes(&key.x)))
    }

    /// The keys to believe, of an export that brings `own` along.
    pub(super) fn believed(&self, own: &[Key]) -> CheckpointKeys {
        let all = CheckpointKeys::new(own.iter().chain(&self.keys).filter_map(|key| bytes(&key.x)));
        if self.is_empty() {
            return all;
        }
        let whole = CheckpointKeys::new(self.keys.iter().filter_map(|key| bytes(&key.x)));
        let ids: Vec<String> = whole.ids().map(str::to_owned).chain(self.ids.iter().cloned()).collect();
        all.only(&ids)
    }
}

fn bytes(x: &str) -> Option<Vec<u8>> {
    BASE64URL_NOPAD.decode(x.as_bytes()).ok()
}
