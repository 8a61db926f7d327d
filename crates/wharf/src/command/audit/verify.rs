//! `wharf audit verify`: an export is read line by line, and each row, each hash and each signature is computed again.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use wharf_identity::{ChainVerifier, Fault, Link, Others, Proof};

use super::keys::Noted;
use super::line::{FORMAT, Head, Line};
use super::list::Time;
use super::server::{Chain, Item};
use crate::command::client::output::Output;
use crate::command::client::{Connection, Error};

/// The longest line that is looked at.
const MAX_LINE_BYTES: u64 = 16 << 20;

/// `wharf audit verify`.
#[derive(Debug, Args)]
#[command(
    after_help = "An export brings the keys along that it is signed with. Whoever could write a whole new log could bring keys of their own: \
    note `wharf audit keys` down while you trust the server, and name what you noted with --key.\n\
    Exit code 10: it is not as it was written; the answer says from which row on."
)]
pub(super) struct Verify {
    /// What `wharf audit export` has written; `-` is standard input.
    #[arg(value_name = "FILE", required_unless_present = "from_server")]
    file: Option<PathBuf>,
    /// Read the log from the server instead.
    #[arg(long, conflicts_with = "file")]
    from_server: bool,
    /// Believe this key alone: its id, or a file that `wharf audit keys --json` has written. May be repeated.
    #[arg(long, value_name = "KEY")]
    key: Vec<String>,
}

/// How a log was found.
#[derive(Debug)]
struct Found {
    proof: Proof,
    end: Result<(), Fault>,
}

impl Verify {
    pub(super) fn run(self, connection: Connection) -> Result<(), Error> {
        let noted = Noted::read(&self.key)?;
        let output = connection.output();
        let found = match &self.file {
            Some(path) if path.as_os_str() == "-" => read(io::stdin().lock(), path, &noted)?,
            Some(path) => {
                let read_file = |source| Error::ReadFile { path: path.clone(), source };
                read(BufReader::with_capacity(1 << 20, File::open(path).map_err(read_file)?), path, &noted)?
            }
            None => ask(connection, &noted)?,
        };
        tell(&output, &found, &noted)?;
        found.end.map_err(Error::AuditFault)
    }
}

/// Verifies a file.
fn read(mut lines: impl BufRead, path: &Path, noted: &Noted) -> Result<Found, Error> {
    let mut line = String::new();
    let no_export = || Error::AuditExport { path: path.to_owned() };
    next(&mut lines, &mut line).map_err(|source| Error::ReadFile { path: path.to_owned(), source })?;
    let head: Head = serde_json::from_str(&line).map_err(|_| no_export())?;
    let start = head.start().filter(|_| head.format == FORMAT).ok_or_else(no_export)?;
    let mut verifier = verifier(start, &head, noted);
    while next(&mut lines, &mut line).map_err(|source| Error::ReadFile { path: path.to_owned(), source })? {
        let looked = match Line::parse(&line) {
            Ok(Line::Row(row)) => verifier.row(&row),
            Ok(Line::Checkpoint(document)) => verifier.checkpoint(&document),
            Err(_) => Err(Fault::Unreadable { after: verifier.end().sequence }),
        };
        if let Err(fault) = looked {
            return Ok(Found { proof: verifier.proof().clone(), end: Err(fault) });
        }
    }
    let (proof, end) = verifier.finish(head.last);
    Ok(Found { proof, end })
}

/// Verifies the log of a server.
fn ask(connection: Connection, noted: &Noted) -> Result<Found, Error> {
    let client = connection.open()?;
    let mut chain = Chain::open(&client, &Time { from: None, to: None })?;
    let mut verifier = verifier(Link::ORIGIN, &chain.head, noted);
    while let Some(item) = chain.next()? {
        let looked = match item {
            Item::Row(row) => verifier.row(&(*row).into()),
            Item::Checkpoint(document) => verifier.checkpoint(&document),
        };
        if let Err(fault) = looked {
            return Ok(Found { proof: verifier.proof().clone(), end: Err(fault) });
        }
    }
    let (proof, end) = verifier.finish(chain.head.last);
    Ok(Found { proof, end })
}

fn verifier(start: Link, head: &Head, noted: &Noted) -> ChainVerifier {
    let others = if noted.is_empty() { Others::Refused } else { Others::PassedOver };
    ChainVerifier::new(start, noted.believed(&head.keys), others)
}

/// The next line; `false` at the end. What is longer than any row is cut, and then is none.
fn next(lines: &mut impl BufRead, line: &mut String) -> io::Result<bool> {
    line.clear();
    match lines.by_ref().take(MAX_LINE_BYTES).read_line(line) {
        Ok(bytes) => Ok(bytes > 0),
        // No text is no row: what is wrong with it is told where it stands.
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            line.clear();
            Ok(true)
        }
        Err(error) => Err(error),
    }
}

fn tell(output: &Output, found: &Found, noted: &Noted) -> Result<(), Error> {
    let Found { proof, end } = found;
    let signed_at = proof.signed_at.and_then(|at| jiff::Timestamp::from_microsecond(at.0).ok());
    let signed_at = signed_at.map(|at| at.to_string());
    let document = json!({
        "is_whole": end.is_ok(),
        "fault": end.as_ref().err().map(ToString::to_string),
        "rows": proof.rows,
        "checkpoints": proof.checkpoints,
        "proven_to": proof.proven_to,
        "signed_at": signed_at,
        "key": proof.key_id,
    });
    let proven = match (proof.proven_to, &signed_at, &proof.key_id) {
        (Some(row), Some(at), Some(key)) => format!("proven up to row {row}, as signed at {at} by key {key}"),
        _ => "nothing is proven".to_owned(),
    };
    let looked = format!("{} rows and {} checkpoints looked at", proof.rows, proof.checkpoints);
    output.told(&document, &format!("{looked}\n{proven}\n"))?;
    if noted.is_empty() && end.is_ok() {
        output.remark("the keys are those that the export brings along; --key names one that you have noted down");
    }
    Ok(())
}
