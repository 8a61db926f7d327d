//! `wharf audit export`: the log leaves the server, a page at a time.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::Value;

use super::line::{Row, Signed};
use super::list::{Rows, entries};
use super::server::{Chain, Item};
use super::table;
use crate::command::client::{Client, Error};

/// `wharf audit export`.
#[derive(Debug, Args)]
#[command(
    after_help = "Without --person, --object, --action and --outcome it is the chain itself, with some minutes before --from and \
    after --to, up to a signature: `wharf audit verify` proves it without the server. With one of them it is an extract, \
    which proves nothing.\n\
    In CSV, a cell that a spreadsheet would take for a formula begins with an apostrophe."
)]
pub(super) struct Export {
    #[command(flatten)]
    rows: Rows,
    /// How it is written: JSON lines with hashes and signatures, or a table.
    #[arg(long, value_name = "FORMAT", default_value = "jsonl")]
    format: Format,
    /// The file to write; standard output without it.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// How an export is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Jsonl,
    Csv,
}

impl Export {
    pub(super) fn run(self, client: &Client) -> Result<(), Error> {
        let mut sink: Box<dyn Write> = match &self.output {
            Some(path) => {
                let file = File::create(path);
                Box::new(file.map_err(|source| Error::WriteFile { path: path.clone(), source })?)
            }
            None => Box::new(io::stdout().lock()),
        };
        let mut sink = BufWriter::new(&mut sink);
        let failed = |source: io::Error| match &self.output {
            Some(path) => Error::WriteFile { path: path.clone(), source },
            None => Error::Print(source),
        };
        if self.format == Format::Csv {
            sink.write_all(table::line(table::HEADS).as_bytes()).map_err(failed)?;
        }
        let mut write = |text: &str| sink.write_all(text.as_bytes()).map_err(failed);
        if self.rows.are_all() {
            self.chain(client, &mut write)?
        } else {
            self.extract(client, &mut write)?
        }
        sink.flush().map_err(failed)
    }

    /// The chain itself.
    fn chain(&self, client: &Client, write: &mut dyn FnMut(&str) -> Result<(), Error>) -> Result<(), Error> {
        let mut chain = Chain::open(client, &self.rows.time)?;
        if self.format == Format::Jsonl {
            write(&json_line(&chain.head)?)?;
        }
        while let Some(item) = chain.next()? {
            match (item, self.format) {
                (Item::Row(row), Format::Jsonl) => write(&json_line(&row)?)?,
                (Item::Row(row), Format::Csv) => write(&row.csv())?,
                (Item::Checkpoint(checkpoint), Format::Jsonl) => write(&json_line(&Signed { checkpoint })?)?,
                (Item::Checkpoint(_), Format::Csv) => {}
            }
        }
        Ok(())
    }

    /// Some rows of it, the newest first.
    fn extract(&self, client: &Client, write: &mut dyn FnMut(&str) -> Result<(), Error>) -> Result<(), Error> {
        let mut after = None;
        loop {
            let mut query = self.rows.query();
            query.push(("limit", "1000"));
            let page = client.page(&["audit"], &query, after.as_deref())?;
            for entry in entries(&page) {
                let line = if self.format == Format::Csv { csv(entry) } else { format!("{entry}\n") };
                write(&line)?;
            }
            match page["next"].as_str() {
                Some(next) => after = Some(next.to_owned()),
                None => return Ok(()),
            }
        }
    }
}

impl Row {
    fn csv(&self) -> String {
        let number = |number: i64| number.to_string();
        table::line([
            number(self.sequence).as_str(),
            &self.at.to_string(),
            &self.request_id,
            &self.caller_kind,
            &self.caller_id.map(number).unwrap_or_default(),
            &self.caller,
            self.remote.as_deref().unwrap_or_default(),
            &self.action,
            &self.resource,
            &self.outcome,
            self.details.get(),
            &self.hash,
        ])
    }
}

/// A row of the list, which has no hash.
fn csv(entry: &Value) -> String {
    let cell = |head: &&str| match &entry[*head] {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        value @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => value.to_string(),
    };
    let cells: Vec<String> = table::HEADS.iter().map(cell).collect();
    table::line(cells.iter().map(String::as_str))
}

fn json_line(document: &impl serde::Serialize) -> Result<String, Error> {
    let mut line = serde_json::to_string(document).map_err(|source| Error::Print(source.into()))?;
    line.push('\n');
    Ok(line)
}
