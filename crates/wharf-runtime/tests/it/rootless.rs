//! The same, as an ordinary user in a user namespace.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use wharf_runtime::*;

use crate::rig::Rig;

/// Nobody has this number.
const UID: &str = "54321";

/// What `/etc/subuid` and `/etc/subgid` say to the ordinary user.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Subordinate {
    Nothing,
    Many,
}

/// Runs tests of this binary as an ordinary user; they begin by entering a user namespace. What they said.
fn as_ordinary_user(subordinate: Subordinate, tests: &[&str]) -> Option<String> {
    Rig::new()?;
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    // Where it was built may be nobody else's to enter.
    let program = folder.path().join("it");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    // Seen in a mount namespace of its own only; whom `/etc/passwd` does not know, `newuidmap` serves not.
    let ranges = if subordinate == Subordinate::Many { "ordinary:200000:65536\n" } else { "" };
    let passwd = fs::read_to_string("/etc/passwd").unwrap() + &format!("ordinary:x:{UID}:{UID}::/:/bin/sh\n");
    fs::write(folder.path().join("ranges"), ranges).unwrap();
    fs::write(folder.path().join("passwd"), passwd).unwrap();
    let script = format!(
        "touch -a /etc/subuid /etc/subgid; mount --bind ranges /etc/subuid; mount --bind ranges /etc/subgid; \
         mount --bind passwd /etc/passwd; exec setpriv --reuid={UID} --regid={UID} --clear-groups \"$@\""
    );
    let done = Command::new("unshare")
        .args(["--mount", "sh", "-ec", &script, "sh"])
        .arg(&program)
        .arg(entry::ROOTLESS_TESTS)
        .args(tests)
        .current_dir(folder.path())
        .output()
        .unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{said}");
    Some(said)
}

#[test]
fn root_an_ordinary_user_builds_and_nothing_escapes() {
    let tests = [
        "escape::",
        "a_process_runs_as_first",
        "upper_holds_what_was_changed",
        "a_folder_made_for_a_mount",
        "a_command_that_is_not_there",
        "trees_show_a_part",
        "without_layers",
        "hundreds_of_layers",
        "stopping_kills",
        "only_ids_that_exist",
    ];
    let Some(said) = as_ordinary_user(Subordinate::Nothing, &tests) else { return };
    assert!(!said.contains("skipped") && said.contains("test result: ok. 2"), "{said}");
}

#[test]
fn root_an_ordinary_user_with_more_ids_has_the_images_users() {
    let tests = ["users_are_the_images_own", "upper_holds_what_was_changed", "only_ids_that_exist"];
    let Some(said) = as_ordinary_user(Subordinate::Many, &tests) else { return };
    assert!(!said.contains("skipped") && said.contains("test result: ok. 3"), "{said}");
}

#[test]
fn root_only_ids_that_exist_can_be_had() {
    let Some(rig) = Rig::new() else { return };
    let mut process = rig.shell("id -u; cat /proc/self/uid_map");
    match rootless::ids() {
        // Without an entry in /etc/subuid there is one; it is root in there and nobody special outside.
        rootless::Ids::Mapped(1) => {
            let said = rig.output(&process);
            assert_eq!(said.split_whitespace().collect::<Vec<_>>(), ["0", "0", UID, "1"]);
            process.user = "app".to_owned();
            let refused = crate::rig::refusal(rig.run(&process));
            assert_eq!(refused.fault, Fault::User);
            assert!(refused.reason.contains("/etc/subuid"), "{refused}");
        }
        rootless::Ids::Machine | rootless::Ids::Mapped(_) => {
            process.user = "app".to_owned();
            assert!(rig.output(&process).starts_with("1000\n"));
        }
    }
}
