//! The chain as the server gives it, page by page: rows, and the checkpoints behind the rows that they cover.

use std::collections::VecDeque;

use serde::Deserialize;
use serde_json::Value;
use wharf_identity::Link;

use super::line::{FORMAT, Head, Key, Row};
use super::list::Time;
use crate::command::client::{Client, Error};

/// How many rows to ask for at a time.
const PAGE: (&str, &str) = ("limit", "1000");

#[derive(Debug, Deserialize)]
struct Page<T> {
    entries: Vec<T>,
}

/// What is needed of a checkpoint.
#[derive(Debug, Deserialize)]
struct Checkpoint {
    sequence: i64,
    document: String,
}

#[derive(Debug, Deserialize)]
struct Keys {
    entries: Vec<Key>,
}

/// What comes next.
#[derive(Debug)]
pub(super) enum Item {
    Row(Box<Row>),
    Checkpoint(String),
}

/// A part of a server's chain that is being read.
#[derive(Debug)]
pub(super) struct Chain<'c> {
    client: &'c Client,
    /// What an export of it begins with.
    pub(super) head: Head,
    at: i64,
    rows: VecDeque<Row>,
    checkpoints: VecDeque<Checkpoint>,
}

impl<'c> Chain<'c> {
    /// The chain of a time, and its end signed now.
    pub(super) fn open(client: &'c Client, time: &Time) -> Result<Self, Error> {
        let signed = client.post(&["audit", "checkpoints"], &Value::Null)?;
        let range: Value = client.page(&["audit", "range"], &time.query(), None)?;
        let number = |document: &Value, name: &str| document[name].as_i64().unwrap_or_default();
        let first = number(&range, "first").max(1);
        // Rows may have been sealed since; they are not signed yet.
        let last = number(&range, "last").min(number(&signed["checkpoint"], "sequence"));
        let last = if last < first { first - 1 } else { signed_end(client, last)? };
        let keys: Keys = client.document(&["audit", "keys"], &[])?;
        let mut chain = Self {
            client,
            head: Head {
                format: FORMAT.to_owned(),
                server: client.server(),
                first,
                last,
                previous: Link::ORIGIN.hash.to_string(),
                keys: keys.entries,
            },
            at: first - 1,
            rows: VecDeque::new(),
            checkpoints: VecDeque::new(),
        };
        if first > 1 {
            chain.head.previous = chain.page(first - 2, "1")?.pop().map(|row| row.hash).unwrap_or_default();
        }
        Ok(chain)
    }

    /// The next row or checkpoint; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Item>, Error> {
        if let Some(signed) = self.checkpoints.pop_front_if(|next| next.sequence <= self.at) {
            return Ok(Some(Item::Checkpoint(signed.document)));
        }
        if self.at >= self.head.last {
            return Ok(None);
        }
        if self.rows.is_empty() {
            self.rows = self.page(self.at, PAGE.1)?.into();
            self.read_checkpoints()?;
        }
        let Some(row) = self.rows.pop_front() else { return Ok(None) };
        self.at = row.sequence;
        Ok(Some(Item::Row(Box::new(row))))
    }

    fn page(&self, after: i64, limit: &str) -> Result<Vec<Row>, Error> {
        let after = after.to_string();
        let page: Page<Row> =
            self.client.document(&["audit", "chain"], &[("limit", limit), ("after", after.as_str())])?;
        Ok(page.entries)
    }

    fn read_checkpoints(&mut self) -> Result<(), Error> {
        if self.checkpoints.is_empty() {
            let after = self.at.to_string();
            let page: Page<Checkpoint> =
                self.client.document(&["audit", "checkpoints"], &[PAGE, ("after", after.as_str())])?;
            self.checkpoints = page.entries.into();
        }
        Ok(())
    }
}

/// The row of the first checkpoint that covers row `last`: a part of the chain ends where it was signed.
fn signed_end(client: &Client, last: i64) -> Result<i64, Error> {
    let before = (last - 1).max(0).to_string();
    let page: Page<Checkpoint> =
        client.document(&["audit", "checkpoints"], &[("limit", "1"), ("after", before.as_str())])?;
    Ok(page.entries.first().map_or(last, |checkpoint| checkpoint.sequence))
}
