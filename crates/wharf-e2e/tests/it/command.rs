//! Running programs: the real clients, and what to do when one is not installed.

use std::ffi::OsStr;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// With this variable a missing client is a failure and not a skip, so that CI can't pass for want of one.
const REQUIRE: &str = "WHARF_E2E_REQUIRE_CLIENTS";

/// The variable's value.
#[expect(clippy::disallowed_methods, reason = "these tests are told by their runner which binary and database to use")]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Whether the programs are there. When one is not, says so where the person who runs the tests sees it, or fails.
#[track_caller]
pub(crate) fn has(programs: &[&str]) -> bool {
    let missing = programs.iter().find(|program| find(program).is_none());
    let Some(missing) = missing else { return true };
    assert!(variable(REQUIRE).is_none(), "{missing} is not installed, and {REQUIRE} asks for it");
    skip(&format!("{missing} is not installed"));
    false
}

/// Whether the test runs as root. The same rule as for clients: CI runs it as root.
#[track_caller]
pub(crate) fn is_root() -> bool {
    let is_root = id() == "0";
    assert!(is_root || variable(REQUIRE).is_none(), "this test needs root, and {REQUIRE} asks for it");
    if !is_root {
        skip("it needs root");
    }
    is_root
}

/// The number of the user who runs the test.
pub(crate) fn id() -> String {
    let id = Command::new("id").arg("-u").output().map(|output| output.stdout).unwrap_or_default();
    String::from_utf8_lossy(id.trim_ascii()).into_owned()
}

/// Straight to the process's own standard error: the harness shows captured output of failed tests only.
pub(crate) fn skip(reason: &str) {
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    writeln!(std::io::stderr(), "skipped: {test}: {reason}").expect("standard error is open");
}

fn find(program: &str) -> Option<std::path::PathBuf> {
    let path = variable("PATH").unwrap_or_default();
    let folders = path.split(':').map(Path::new).chain([Path::new("/usr/sbin"), Path::new("/sbin")]);
    folders.map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// A program with its arguments. Its home is `home`, so that no test reads or writes its user's files.
#[derive(Debug)]
pub(crate) struct Program(Command);

impl Program {
    pub(crate) fn new(program: &str, home: &Path) -> Self {
        // Some of them stop at a file of logins that they are told of and that isn't there.
        let logins = home.join("auth.json");
        if !logins.exists() {
            std::fs::write(&logins, "{}").expect("a writable folder");
        }
        let mut command = Command::new(find(program).unwrap_or_else(|| program.into()));
        command.current_dir(home).stdin(Stdio::null());
        command.env("HOME", home).env("DOCKER_CONFIG", home.join("docker")).env("XDG_RUNTIME_DIR", home);
        command
            .env("XDG_CONFIG_HOME", home.join("config"))
            .env("XDG_CACHE_HOME", home.join("cache"))
            .env("XDG_DATA_HOME", home.join("share"));
        command.env("REGISTRY_AUTH_FILE", logins).env("TMPDIR", home);
        Self(command)
    }

    pub(crate) fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.0.args(args);
        self
    }

    /// Runs it to its end, whatever that is.
    #[track_caller]
    pub(crate) fn output(mut self) -> Output {
        self.0.output().unwrap_or_else(|error| panic!("{:?}: {error}", self.0))
    }

    /// Runs it and answers what it printed; it must succeed.
    #[track_caller]
    pub(crate) fn run(self) -> String {
        let shown = format!("{:?}", self.0);
        let output = self.output();
        let words = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "{shown}: {}\n{words}\n{}",
            output.status,
            String::from_utf8_lossy(&output.stdout)
        );
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Runs it and answers all that it said; it must fail.
    #[track_caller]
    pub(crate) fn refused(self) -> String {
        let shown = format!("{:?}", self.0);
        let output = self.output();
        let words = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(!output.status.success(), "{shown} should have been refused:\n{words}");
        words
    }
}
