//! Any bytes as what a Git server tells: never a panic, and every commit has an id and a repository of one name.

#![no_main]

use libfuzzer_sys::fuzz_target;
use wharf_trust::Sender;
use wharf_trust::git::{is_revision, parse};

fuzz_target!(|body: &[u8]| {
    for sender in Sender::ALL {
        for commit in parse(sender, Some("push"), body).unwrap_or_default() {
            assert!(is_revision(&commit.revision) && commit.source.contains('/') && !commit.title.contains('\n'));
        }
    }
});
