//! Python's tarfile: one process that answers for many archives.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

use super::Reader;
use super::gnu::plain;
use crate::tarball::hex;

const READ: &str = r#"
import hashlib, json, sys, tarfile
LETTERS = {b"0": "-", b"\0": "-", b"1": "h", b"2": "l", b"3": "c", b"4": "b", b"5": "d", b"6": "p"}
def line(archive, entry):
    raw = lambda text: text.encode("utf-8", "surrogateescape").hex()
    content = archive.extractfile(entry).read() if entry.isreg() else b""
    return [LETTERS.get(entry.type, "?"), entry.mode & 0o7777, entry.uid, entry.gid, raw(entry.name), raw(entry.linkname),
            entry.size, entry.devmajor, entry.devminor, hashlib.sha256(content).hexdigest()[:16], len(content)]
for path in sys.stdin:
    try:
        with tarfile.open(path.rstrip("\n"), "r:", encoding="utf-8", errors="surrogateescape") as archive:
            print(json.dumps([line(archive, entry) for entry in archive]), flush=True)
    except Exception as error:
        print(json.dumps(str(error)), flush=True)
"#;

/// Writes a folder in a format: arguments are the format, the archive, the folder.
pub(super) const WRITE: &str = r#"
import sys, tarfile
with tarfile.open(sys.argv[2], "w", format=getattr(tarfile, sys.argv[1] + "_FORMAT")) as archive:
    archive.add(sys.argv[3], ".")
"#;

pub(super) struct Python {
    process: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Python {
    pub(super) fn start() -> Self {
        let mut process = Command::new("python3")
            .args(["-c", READ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 runs");
        let questions = process.stdin.take().expect("is piped");
        let answers = BufReader::new(process.stdout.take().expect("is piped"));
        Self { process, questions, answers }
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        self.process.kill().and_then(|()| self.process.wait()).expect("ends");
    }
}

impl Reader for Python {
    fn read(&mut self, archive: &Path) -> Option<Vec<String>> {
        writeln!(self.questions, "{}", archive.display()).expect("is asked");
        let mut answer = String::new();
        self.answers.read_line(&mut answer).expect("answers");
        let answer: Value = serde_json::from_str(&answer).expect("JSON");
        Some(answer.as_array()?.iter().map(line).collect())
    }
}

fn line(entry: &Value) -> String {
    let text = |at: usize| entry[at].as_str().expect("a text");
    let bytes = |at: usize| unhex(text(at));
    let number = |at: usize| entry[at].as_u64().expect("a number");
    let letter = text(0);
    let tail = match letter {
        "-" => format!("{} {}", number(6), text(9)),
        "c" | "b" => format!("{},{}", number(7), number(8)),
        "l" => hex(&bytes(5)),
        "h" => hex(&plain(&bytes(5))),
        _ => String::new(),
    };
    let (mode, owner) = (number(1), format!("{}/{}", number(2), number(3)));
    format!("{letter} {mode:04o} {owner} {} {tail}", hex(&plain(&bytes(4)))).trim_end().to_owned()
}

fn unhex(text: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).expect("hex");
    (0..text.len()).step_by(2).map(digit).collect()
}
