//! The disk is full.

use std::path::{Path, PathBuf};

use super::{eventually, push, status, verify};
use crate::command::{Program, has, is_root, skip, variable};
use crate::disk::Disk;
use crate::server::{Server, Settings};

/// All files below a folder, with their sizes.
fn used_bytes(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).map(Iterator::flatten).into_iter().flatten();
    let size = |path: PathBuf| match std::fs::symlink_metadata(&path) {
        Ok(metadata) if metadata.is_dir() => used_bytes(&path),
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    };
    entries.map(|entry| size(entry.path())).sum()
}

#[test]
fn root_a_full_disk_is_told_with_507_and_service_goes_on_when_there_is_room() {
    if variable("WHARF_TEST_POSTGRES").is_some() {
        return skip("PostgreSQL's own disk is not ours to fill");
    }
    if !has(&["mkfs.ext4", "mount"]) || !is_root() {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let disk = Disk::make(folder.path(), 48 << 20);
    let ballast = disk.mounted.join("ballast");
    std::fs::write(&ballast, vec![1; 8 << 20]).expect("room");
    let server = Server::with(Settings { data: Some(disk.data()), ..Settings::default() });
    let client = server.administrator();
    let mut pushed = Vec::new();
    let refused = loop {
        match push(&client, "faults/app", 3_000_000) {
            Ok(image) => pushed.push(image),
            Err(refused) => break refused,
        }
        assert!(pushed.len() < 20, "the disk has no end");
    };
    assert_eq!(refused.status, 507, "{}", refused.text());
    assert!(refused.text().contains("space"), "{}", refused.text());
    // Again and again: what was refused takes no space.
    let full_bytes = used_bytes(&disk.data().join("blobs"));
    for _ in 0..10 {
        assert_eq!(push(&client, "faults/app", 3_000_000).expect_err("still full").status, 507);
    }
    // The small blobs of an image whose layer was refused may have found room: they are what is left.
    let small_bytes = 10 * 4_000;
    eventually("the space of what was refused is free", || {
        used_bytes(&disk.data().join("blobs")) <= full_bytes + small_bytes
    });
    pushed.iter().for_each(|image| verify(&client, "faults/app", image));

    // Not a byte is left, for the catalog neither.
    Program::new("sh", folder.path())
        .args(["-c", "dd if=/dev/zero of=\"$0\" bs=4k; true"])
        .args([disk.mounted.join("rest")])
        .output();
    for _ in 0..10 {
        let refused = push(&client, "faults/app", 100).expect_err("not a byte is left");
        assert!([503, 507].contains(&refused.status), "{} {}", refused.status, refused.text());
    }
    pushed.iter().for_each(|image| verify(&client, "faults/app", image));
    assert_eq!(status(&client, "/livez"), 200);

    std::fs::remove_file(&ballast).expect("removed");
    std::fs::remove_file(disk.mounted.join("rest")).expect("removed");
    eventually("ready again", || status(&client, "/readyz") == 200);
    let after = push(&client, "faults/app", 3_000_000).expect("there is room again");
    verify(&client, "faults/app", &after);
    pushed.iter().for_each(|image| verify(&client, "faults/app", image));
}
