//! The power goes at the instant of an answer: what was answered is on the disk, not only in the kernel's memory.
//!
//! The data lie on an ext4 of their own in a file. At the instant of an answer the server is stopped and the file
//! copied: that is what a disk would hold after a power cut. The copy is mounted elsewhere, its journal replayed, and
//! a new server must find there all that was acknowledged. A second test turns every sync into nothing (strace
//! answers instead of the kernel) and demands that something *is* lost; else the first one would prove nothing.

use std::path::{Path, PathBuf};

use crate::command::{Program, has, is_root, skip, variable};
use crate::disk::Disk;
use crate::http::{Client, Payload};
use crate::image::{Algorithm, Content, OCI_MANIFEST};
use crate::random;
use crate::server::{Server, Settings};
use crate::specification::{Repository, with};

const BYTES: (&str, &str) = ("Content-Type", "application/octet-stream");
/// Every call by which a program asks for its data to be on the disk.
const SYNCS: &str = "--inject=fsync,fdatasync,sync_file_range,msync,sync,syncfs:retval=0";

/// One thing that was answered, and the disk at that instant.
#[derive(Debug)]
struct Instant {
    what: &'static str,
    image: PathBuf,
    check: Check,
}

#[derive(Debug)]
enum Check {
    /// An upload continues after this many bytes.
    Upload { target: String, length: usize },
    /// A target gives these bytes.
    Stored { target: String, bytes: Vec<u8> },
    /// A target is gone.
    Gone { target: String },
}

/// Does one thing after another and keeps the disk as it was at the instant of each answer.
fn instants(server: &Server, disk: &Disk) -> Vec<Instant> {
    let client = server.administrator();
    let repository = Repository::new(&client, "power/app");
    // The first start is on the disk whoever synced it: what can be lost from here on is what was pushed.
    Program::new("sync", &disk.mounted).args(["--file-system", "."]).run();
    let mut content = Content::new(Algorithm::Sha256);
    content.image();
    let mut instants = Vec::new();
    let mut keep = |what, check| {
        let image = disk.image.with_file_name(format!("after-{}.img", instants.len()));
        freeze(server, &disk.image, &image);
        instants.push(Instant { what, image, check });
    };

    let bytes = random::bytes(3_000_000);
    let digest = Algorithm::Sha256.digest(&bytes);
    let (first, second) = bytes.split_at(2_000_000);
    let upload = client.send("PATCH", &repository.open(), &[BYTES], Payload::Sized(first)).expect(202).location();
    keep("a chunk", Check::Upload { target: upload.clone(), length: first.len() });
    client.send("PUT", &with(&upload, "digest", &digest), &[BYTES], Payload::Sized(second)).expect(201);
    keep("a blob", Check::Stored { target: repository.at(&format!("blobs/{digest}")), bytes });

    for (digest, bytes) in &content.blobs {
        repository.push(digest, bytes);
    }
    let document = &content.documents[0];
    repository.put("v1", OCI_MANIFEST, &document.bytes).expect(201);
    let tag = repository.at("manifests/v1");
    keep("a tag", Check::Stored { target: tag.clone(), bytes: document.bytes.clone() });
    client.delete(&tag).expect(202);
    keep("a deletion", Check::Gone { target: tag });
    instants
}

/// Copies the disk while the server can't do a thing.
fn freeze(server: &Server, from: &Path, to: &Path) {
    server.signal("-STOP");
    std::fs::copy(from, to).expect("room for a copy");
    server.signal("-CONT");
}

/// What of the instants is lost on its disk, in words.
fn lost(server: &Server, folder: &Path, instants: Vec<Instant>) -> Vec<String> {
    let mut lost = Vec::new();
    for instant in instants {
        let disk = Disk::mount(folder, instant.image);
        let settings =
            Settings { data: Some(disk.data()), password: Some(server.password.clone()), ..Settings::default() };
        let outcome = match Server::try_with(settings) {
            Ok(reborn) => check(&reborn.administrator(), &instant.check),
            Err(reason) => Err(format!("the server did not start: {reason}")),
        };
        lost.extend(outcome.err().map(|reason| format!("{}: {reason}", instant.what)));
    }
    lost
}

fn check(client: &Client, check: &Check) -> Result<(), String> {
    let (Check::Upload { target, .. } | Check::Stored { target, .. } | Check::Gone { target }) = check;
    let answer = client
        .try_send("GET", target, &[("Accept", OCI_MANIFEST)], Payload::Empty)
        .map_err(|error| error.to_string())?;
    let is_there = match check {
        Check::Upload { length, .. } => {
            answer.status == 204 && answer.header("range") == Some(format!("0-{}", length - 1).as_str())
        }
        Check::Stored { bytes, .. } => answer.status == 200 && answer.body == *bytes,
        Check::Gone { .. } => answer.status == 404,
    };
    if is_there { Ok(()) } else { Err(format!("{target} answers {} {:?}", answer.status, answer.header("range"))) }
}

fn can_run(programs: &[&str]) -> bool {
    if variable("WHARF_TEST_POSTGRES").is_some() {
        skip("PostgreSQL's own durability is not ours to test");
        return false;
    }
    has(programs) && is_root()
}

fn with_power_lost(wrapper: &[&'static str]) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let disk = Disk::make(folder.path(), 96 << 20);
    let settings = Settings { data: Some(disk.data()), wrapper: wrapper.to_vec(), ..Settings::default() };
    let server = Server::with(settings);
    let instants = instants(&server, &disk);
    lost(&server, folder.path(), instants)
}

#[test]
fn root_power_loss_takes_nothing_that_was_acknowledged() {
    if can_run(&["mkfs.ext4", "mount"]) {
        assert_eq!(with_power_lost(&[]), [""; 0]);
    }
}

#[test]
fn root_power_loss_takes_what_was_pushed_when_nothing_is_synced() {
    if can_run(&["mkfs.ext4", "mount", "strace"]) {
        let strace = [
            "strace",
            "-f",
            "--seccomp-bpf",
            "-qqq",
            "-o",
            "/dev/null",
            "-e",
            "trace=fsync,fdatasync,sync_file_range,msync,sync,syncfs",
            SYNCS,
        ];
        let lost = with_power_lost(&strace);
        for what in ["a chunk", "a blob", "a tag"] {
            assert!(
                lost.iter().any(|lost| lost.starts_with(what)),
                "{what} was not lost, so that the other test proves nothing: {lost:?}"
            );
        }
    }
}
