//! The disk says that it could not write what it was asked to: fsync fails.
//!
//! strace answers instead of the kernel (`EIO`), so that nothing else is different. It counts the calls of each thread by
//! themselves: each fails for a while, one after the other.

use super::{Pushed, eventually, push, status, verify};
use crate::command::{has, is_root, skip, variable};
use crate::server::{Server, Settings};

fn with_failing(calls: &'static str) -> Option<Server> {
    if variable("WHARF_TEST_POSTGRES").is_some() {
        skip("PostgreSQL's own syncs are not ours to break");
        return None;
    }
    if !has(&["strace"]) || !is_root() {
        return None;
    }
    let wrapper =
        vec!["strace", "-f", "--seccomp-bpf", "-qqq", "-o", "/dev/null", "-e", "trace=fsync,fdatasync", calls];
    Some(Server::with(Settings { wrapper, ..Settings::default() }))
}

/// Pushes until it has been refused and has gone on; what was acknowledged is there, also after a restart.
fn push_through(mut server: Server) {
    let client = server.administrator();
    let (mut pushed, mut refused): (Vec<Pushed>, usize) = (Vec::new(), 0);
    // Until nothing has failed for a while.
    let mut in_a_row = 0;
    for _ in 0..2_000 {
        match push(&client, "faults/sync", 20_000) {
            Ok(image) => {
                pushed.push(image);
                in_a_row += 1;
            }
            Err(answer) => {
                in_a_row = 0;
                assert!((500..600).contains(&answer.status), "{} {}", answer.status, answer.text());
                refused += 1;
            }
        }
        if refused > 0 && in_a_row == 20 {
            break;
        }
    }
    assert!(refused > 0, "nothing failed, so that nothing was tested");
    eventually("ready", || status(&client, "/readyz") == 200);
    assert_eq!(in_a_row, 20, "full service, without a restart");
    pushed.iter().for_each(|image| verify(&client, "faults/sync", image));
    server.kill();
    server.restart();
    let client = server.administrator();
    pushed.iter().for_each(|image| verify(&client, "faults/sync", image));
}

#[test]
fn root_syncs_of_files_that_fail_are_told_and_nothing_acknowledged_is_lost() {
    // Blobs are synced by fdatasync; some of them fail for a while.
    if let Some(server) = with_failing("--inject=fdatasync:error=EIO:when=20..25") {
        push_through(server);
    }
}

#[test]
fn root_syncs_of_folders_and_the_catalog_that_fail_are_told_and_nothing_acknowledged_is_lost() {
    if let Some(server) = with_failing("--inject=fsync:error=EIO:when=20..25") {
        push_through(server);
    }
}
