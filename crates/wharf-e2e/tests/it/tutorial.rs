//! The tutorial's commands, from its first to its last, as somebody would copy them: with real clients, and several people.

use crate::command::{Program, has, variable};
use crate::documents::commands;
use crate::server::{ADMINISTRATOR, Server, Settings, binary};

/// What is said where something is refused, found out, or comes out as the page says; and why.
const SAID: &[&str] = &[
    "the tag is refused",
    "tag rule 1 of project `bank` forbids it",
    "the push is refused",
    "images get there by promotion only",
    "the gate says no: exit code 11",
    "it lacks label `org.opencontainers.image.source`",
    "a developer does not agree",
    "you may not approve promotions",
    "nobody agrees twice",
    "each person decides once",
    "the release is sealed",
    "its digests stand; make a new one",
    "the tag stays what it is",
    "which was placed in environment",
    "to be rebuilt: exit code 10",
    "it is the base of `sha256:",
    "hold 1 is on it: a lawyer asks for it",
    "the lawyer still needs it",
    "the image is away",
    "bring it back with `wharf restore",
    "the forged row is found",
    "the audit log is not as it was written",
];

#[test]
fn the_commands_of_the_tutorial_do_what_they_say() {
    if !has(&["crane", "jq", "sh", "tar"]) {
        return;
    }
    let cold = tempfile::tempdir().expect("a temporary folder");
    let variables = vec![("WHARF_ARCHIVE_URL", format!("file://{}", cold.path().display()))];
    let server = Server::with(Settings { variables, ..Settings::default() });
    let home = server.subfolder("home");
    std::os::unix::fs::symlink(binary(), home.join("wharf")).expect("a writable folder");
    let settings = [
        format!("PATH={}:{}", home.display(), variable("PATH").unwrap_or_default()),
        format!("HOME={}", home.display()),
        format!("DOCKER_CONFIG={}", home.display()),
        format!("REGISTRY={}", server.address),
        format!("WHARF_SERVER=http://{}", server.address),
        format!("WHARF_USERNAME={ADMINISTRATOR}"),
        format!("WHARF_PASSWORD_FILE={}", server.folder.path().join("password").display()),
    ];
    let script = format!("exec 2>&1\n{}", commands("docs/guide/tutorial.md"));
    let said = Program::new("env", &home).args(["-i"]).args(&settings).args(["sh", "-eu", "-c", &script]).run();
    let missing: Vec<&&str> = SAID.iter().filter(|text| !said.contains(**text)).collect();
    assert!(missing.is_empty(), "{missing:?} is missing in what was said:\n{said}");
}
