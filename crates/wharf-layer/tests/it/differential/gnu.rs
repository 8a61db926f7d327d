//! GNU tar, asked by `--list` for what is there and by `--to-stdout` for contents.

use std::path::Path;
use std::process::Command;

use super::Reader;
use super::libarchive::contents;
use crate::tarball::hex;

pub(super) struct Gnu;

impl Reader for Gnu {
    fn read(&mut self, archive: &Path) -> Option<Vec<String>> {
        let list = Command::new("tar")
            .env("LC_ALL", "C")
            .args(["--list", "--verbose", "--numeric-owner", "--quoting-style=c", "--file"])
            .arg(archive)
            .output()
            .expect("tar runs");
        if !list.status.success() {
            return None;
        }
        let all = Command::new("tar").args(["--extract", "--to-stdout", "--file"]).arg(archive).output().expect("runs");
        let text = String::from_utf8(list.stdout).expect("escaped");
        let lines: Vec<_> = text.lines().map(parse).collect();
        contents(lines, &all.stdout)
    }
}

/// One line, such as `hrwxr-xr-x 0/0 0 1970-01-01 00:00 "a" link to "b"`: its beginning as [`crate::tarball::line`]
/// writes it, and the size of a file.
fn parse(line: &str) -> (String, Option<usize>) {
    let (head, names) = line.split_at(line.find('"').expect("a quoted name"));
    let columns: Vec<&str> = head.split_whitespace().collect();
    let (letter, mode) = (&columns[0][..1], mode(&columns[0][1..10]));
    let (path, rest) = unquote(names);
    let link = rest.find('"').map(|at| unquote(&rest[at..]).0);
    let tail = match (letter, link) {
        ("c" | "b", _) => columns[2].to_owned(),
        ("l", Some(link)) => hex(&link),
        (_, Some(link)) => hex(&plain(&link)),
        (_, None) => String::new(),
    };
    let size = (letter == "-").then(|| columns[2].parse().expect("a size"));
    (format!("{letter} {mode:04o} {} {} {tail}", columns[1], hex(&plain(&path))).trim_end().to_owned(), size)
}

/// A path without what changes nothing.
pub(super) fn plain(path: &[u8]) -> Vec<u8> {
    let parts: Vec<&[u8]> = path.split(|byte| *byte == b'/').filter(|part| !part.is_empty() && *part != b".").collect();
    parts.join(&b'/')
}

pub(super) fn mode(text: &str) -> u16 {
    let mut mode = 0;
    for (at, letter) in text.bytes().enumerate() {
        let (is_set, is_special) = match letter {
            b'-' => (false, false),
            b's' | b't' => (true, true),
            b'S' | b'T' => (false, true),
            _ => (true, false),
        };
        mode |= u16::from(is_set) << (8 - at);
        mode |= u16::from(is_special) << (11 - at / 3);
    }
    mode
}

/// A C string's bytes, and what follows it.
fn unquote(text: &str) -> (Vec<u8>, &str) {
    let mut bytes = Vec::new();
    let mut rest = &text.as_bytes()[1..];
    loop {
        let (byte, length) = match rest {
            [b'"', ..] => return (bytes, &text[text.len() - rest.len() + 1..]),
            [b'\\', digit @ b'0'..=b'7', b, c, ..] => ((digit - b'0') * 64 + (b - b'0') * 8 + (c - b'0'), 4),
            [b'\\', letter, ..] => (control(*letter), 2),
            [byte, ..] => (*byte, 1),
            [] => panic!("no end of {text}"),
        };
        bytes.push(byte);
        rest = &rest[length..];
    }
}

pub(super) fn control(letter: u8) -> u8 {
    match letter {
        b'a' => 7,
        b'b' => 8,
        b't' => 9,
        b'n' => 10,
        b'v' => 11,
        b'f' => 12,
        b'r' => 13,
        other => other,
    }
}
