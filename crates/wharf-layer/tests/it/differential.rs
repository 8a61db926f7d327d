//! What our reader accepts, GNU tar, libarchive and Python read alike: also after a header was bent.
//!
//! A reader that is not installed is left out, with a line that says so.

mod gnu;
mod libarchive;
mod python;

use std::cell::{Cell, RefCell};
use std::path::{Path, PathBuf};
use std::process::Command;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use self::python::Python;
use crate::tarball::{Tarball, hex, seen, set_link};
use crate::tool::is_missing;

/// Another reader.
trait Reader {
    /// The lines that [`seen`] gives for the archive in this file, or nothing where it is refused.
    fn read(&mut self, archive: &Path) -> Option<Vec<String>>;
}

fn readers() -> Vec<(&'static str, Box<dyn Reader>)> {
    let mut readers: Vec<(&'static str, Box<dyn Reader>)> = Vec::new();
    let mut add = |program: &'static str, make: fn() -> Box<dyn Reader>| {
        if !is_missing(program, &["--version"]) {
            readers.push((program, make()));
        }
    };
    add("tar", || Box::new(gnu::Gnu));
    add("bsdtar", || Box::new(libarchive::Libarchive));
    add("python3", || Box::new(Python::start()));
    readers
}

/// A place for the archive at hand.
struct Bench {
    folder: tempfile::TempDir,
    readers: Vec<(&'static str, Box<dyn Reader>)>,
}

impl Bench {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder"), readers: readers() }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("archive.tar")
    }

    /// What we see; what another reader sees differently is the error. Whiteouts are not compared.
    fn compare(&mut self, archive: &[u8]) -> Result<Option<Vec<String>>, String> {
        let Ok(ours) = seen(archive) else { return Ok(None) };
        let file = self.file();
        std::fs::write(&file, archive).expect("is written");
        for (name, reader) in &mut self.readers {
            let theirs = reader.read(&file);
            if theirs.as_ref() != Some(&ours) {
                return Err(format!("{name} sees {theirs:#?}, we see {ours:#?}"));
            }
        }
        Ok(Some(ours))
    }
}

/// One of each kind, in every format.
fn specimen() -> Tarball {
    let long = "long/".repeat(40) + "name";
    let owner = |header: &mut tar::Header| {
        header.set_mode(0o4751);
        header.set_uid(2_097_152);
        header.set_gid(100);
    };
    Tarball::default()
        .folder("./")
        .folder("bin/")
        .file("bin/sh", b"#!")
        .entry(b'0', "bin/su", &[7; 1500], owner)
        .link(b'1', "bin/bash", "bin/sh")
        .link(b'2', "etc", "../outside")
        .entry(b'6', "pipe", b"", |_| {})
        .entry(b'3', "null", b"", |header| {
            header.set_device_major(1).and_then(|()| header.set_device_minor(3)).expect("ustar");
        })
        .entry(b'0', "name", b"x", |header| {
            header.as_ustar_mut().expect("ustar").prefix[..6].copy_from_slice(b"prefix")
        })
        .gnu(b'L', "././@LongLink", format!("{long}\0").as_bytes(), |_| {})
        .gnu(b'0', &long[..100], b"content", owner)
        .gnu(b'K', "././@LongLink", format!("{long}\0").as_bytes(), |_| {})
        .gnu(b'2', "short", b"", |header| set_link(header, &long[..100]))
        .pax(&[("path", &long), ("mtime", "1.5"), ("SCHILY.xattr.user.a", "b")])
        .file("pax", b"content")
        .pax(&[("linkpath", "bin/su"), ("uid", "3000000000"), ("gid", "7")])
        .link(b'1', "hard", "truncated")
        .file("bin/sh", b"again: the last counts")
}

#[test]
fn every_kind_in_every_format_is_read_as_others_read_it() {
    let seen = Bench::new().compare(&specimen().end()).expect("all agree").expect("accepted");
    assert_eq!(seen.len(), 14);
}

#[test]
fn what_others_write_is_read_as_they_read_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let tree = folder.path().join("tree");
    let deep = tree.join("d".repeat(120)).join("e".repeat(120));
    std::fs::create_dir_all(&deep).expect("is made");
    std::fs::write(deep.join("ünïcode\n\t\"quoted\" \\ name"), b"x".repeat(3000)).expect("is written");
    std::fs::write(tree.join("a"), b"").expect("is written");
    std::fs::hard_link(tree.join("a"), deep.join("hard")).expect("is linked");
    std::os::unix::fs::symlink("x".repeat(300), tree.join("symlink")).expect("is linked");
    let tree = tree.to_str().expect("UTF-8");
    let mut bench = Bench::new();
    let mut compared = 0;
    for (program, arguments) in [
        ("tar", vec!["--format=gnu"]),
        ("tar", vec!["--format=posix"]),
        ("tar", vec!["--format=posix", "--pax-option=delete=mtime", "--sort=name", "--owner=3000000000"]),
        ("bsdtar", vec!["--format=pax"]),
        ("bsdtar", vec!["--format=gnutar"]),
        ("python3", vec!["-c", python::WRITE, "GNU"]),
        ("python3", vec!["-c", python::WRITE, "PAX"]),
    ] {
        if is_missing(program, &["--version"]) {
            continue;
        }
        let file = bench.file();
        let mut command = Command::new(program);
        match program {
            "python3" => command.args(&arguments).arg(&file).arg(tree),
            _ => command.args(&arguments).arg("-cf").arg(&file).args(["-C", tree, "."]),
        };
        assert!(command.status().expect("runs").success(), "{command:?}");
        let archive = std::fs::read(&file).expect("is read");
        let seen = bench.compare(&archive).unwrap_or_else(|error| panic!("{command:?}: {error}"));
        assert_eq!(seen.unwrap_or_else(|| panic!("{command:?} is refused")).len(), 7);
        compared += 1;
    }
    eprintln!("{compared} archives compared");
}

/// Where a header's fields begin and end that a reader looks at.
const FIELDS: [(usize, usize); 14] = [
    (0, 100),
    (100, 108),
    (108, 116),
    (116, 124),
    (124, 136),
    (136, 148),
    (156, 157),
    (157, 257),
    (257, 263),
    (263, 265),
    (329, 337),
    (337, 345),
    (345, 500),
    (500, 512),
];

/// Writes over a part of a header, or of an extension, and makes the header's sum right.
fn bend(archive: &mut [u8], block: usize, (start, end): (usize, usize), bytes: &[u8]) {
    let count = archive.len() / 512;
    let header = &mut archive[block % count * 512..][..512];
    for (place, byte) in header[start..end].iter_mut().zip(bytes) {
        *place = *byte;
    }
    let is_header = header[257..262] == *b"ustar" || header[148..156].iter().any(|byte| *byte != 0);
    if is_header {
        header[148..156].fill(b' ');
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    }
}

#[test]
fn bent_headers_are_refused_or_read_as_others_read_them() {
    let bench = RefCell::new(Bench::new());
    let bytes = prop_oneof![
        prop::collection::vec(
            prop_oneof![Just(0), Just(b' '), Just(b'0'), Just(b'7'), Just(b'/'), Just(b'.'), any::<u8>()],
            1..13
        ),
        prop::sample::select(vec![
            &b"0"[..],
            b"1",
            b"2",
            b"5",
            b"x",
            b"L",
            b"ustar\0",
            b"ustar ",
            b"../",
            b"00000001000\0"
        ])
        .prop_map(<[u8]>::to_vec),
    ];
    let bends = prop::collection::vec((0..64_usize, prop::sample::select(FIELDS.to_vec()), bytes), 1..3);
    let accepted = Cell::new(0);
    let config = Config { cases: cases(), failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&bends, |bends| {
        let mut archive = specimen().end();
        for (block, field, bytes) in bends {
            bend(&mut archive, block, field, &bytes);
        }
        let seen = bench
            .borrow_mut()
            .compare(&archive)
            .map_err(|error| TestCaseError::fail(format!("{error}\n{}", hex(&archive))))?;
        accepted.set(accepted.get() + u32::from(seen.is_some()));
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
    eprintln!("{} of {} bent archives were accepted", accepted.get(), cases());
}

/// How many; each takes a few processes. The variable is for a longer look.
#[expect(clippy::disallowed_methods, reason = "a test's own setting")]
fn cases() -> u32 {
    std::env::var("WHARF_DIFFERENTIAL_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(300)
}
