//! libarchive's bsdtar, asked by `-t` for what is there and by `-O` for contents.

use std::path::Path;
use std::process::Command;

use sha2::{Digest as _, Sha256};

use super::Reader;
use super::gnu::{mode, plain};
use crate::tarball::hex;

pub(super) struct Libarchive;

impl Reader for Libarchive {
    fn read(&mut self, archive: &Path) -> Option<Vec<String>> {
        let list = bsdtar(&["-tvf"], archive);
        let all = bsdtar(&["-xOf"], archive);
        let text = String::from_utf8(list?).expect("escaped");
        let lines: Option<Vec<_>> = text.lines().map(parse).collect();
        contents(lines?, &all?)
    }
}

fn bsdtar(arguments: &[&str], archive: &Path) -> Option<Vec<u8>> {
    let output = Command::new("bsdtar")
        .env("LC_ALL", "C.UTF-8")
        .args(["--numeric-owner"])
        .args(arguments)
        .arg(archive)
        .output()
        .expect("bsdtar runs");
    output.status.success().then_some(output.stdout)
}

/// Gives each file its part of all contents.
pub(super) fn contents(lines: Vec<(String, Option<usize>)>, mut all: &[u8]) -> Option<Vec<String>> {
    let mut whole = Vec::new();
    for (line, size) in lines {
        whole.push(match size {
            Some(size) => {
                let (content, rest) = all.split_at_checked(size)?;
                all = rest;
                format!("{line} {size} {}", &hex(&Sha256::digest(content))[..16])
            }
            None => line,
        });
    }
    all.is_empty().then_some(whole)
}

/// One line, such as `hrw-r--r--  0 0 0 0 Jan  1  1970 a link to b`.
fn parse(line: &str) -> Option<(String, Option<usize>)> {
    let mut columns = Vec::new();
    let mut rest = line;
    for _ in 0..8 {
        let (column, next) = rest.trim_start().split_once(' ')?;
        columns.push(column);
        rest = next;
    }
    // A hard link whose mode says that it is a file is shown as one, but for the words behind it.
    let is_link = columns[0].starts_with('-') && rest.contains(" link to ");
    let letter = if is_link { "h" } else { &columns[0][..1] };
    let (path, link) = match letter {
        "h" => rest.split_once(" link to ")?,
        "l" => rest.split_once(" -> ")?,
        _ => (rest, ""),
    };
    let tail = match letter {
        "c" | "b" => columns[4].to_owned(),
        "l" => hex(&unescape(link)),
        _ => hex(&plain(&unescape(link))),
    };
    let size = (letter == "-").then(|| columns[4].parse().expect("a size"));
    let mode = mode(&columns[0][1..10]);
    let owner = format!("{}/{}", columns[2], columns[3]);
    Some((format!("{letter} {mode:04o} {owner} {} {tail}", hex(&plain(&unescape(path)))).trim_end().to_owned(), size))
}

/// What bsdtar escapes to keep a line a line.
fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    loop {
        let (byte, length) = match rest {
            [] => return bytes,
            [b'\\', digit @ b'0'..=b'7', b, c, ..] => ((digit - b'0') * 64 + (b - b'0') * 8 + (c - b'0'), 4),
            [b'\\', letter, ..] => (super::gnu::control(*letter), 2),
            [byte, ..] => (*byte, 1),
        };
        bytes.push(byte);
        rest = &rest[length..];
    }
}
