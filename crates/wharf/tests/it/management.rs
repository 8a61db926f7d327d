//! Projects, users, groups and robots by the command line against a running server: log-in, answers, exit codes.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use super::server::{Server, wharf, write};

/// Somebody at a shell of their own.
pub(crate) struct Shell {
    address: String,
    folder: TempDir,
}

pub(crate) struct Outcome {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) problem: String,
}

impl Outcome {
    /// What a command says that runs to its end.
    pub(crate) fn of(command: &mut Command) -> Self {
        let output = command.stdin(Stdio::null()).output().expect("the binary runs");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        let code = output.status.code().expect("it ended by itself");
        Self { code, out: text(output.stdout), problem: text(output.stderr) }
    }

    pub(crate) fn done(self) -> String {
        assert_eq!(self.code, 0, "{}", self.problem);
        self.out
    }

    pub(crate) fn json(self) -> Value {
        serde_json::from_str(&self.done()).expect("JSON")
    }

    /// The sentence of what failed; a hint stands below it.
    pub(crate) fn failed(self, code: i32) -> String {
        assert_eq!(self.code, code, "{}{}", self.out, self.problem);
        let hints = self.problem.lines().filter(|line| line.starts_with("hint: ")).count();
        assert_eq!(hints, 1, "{}", self.problem);
        self.problem.lines().next().expect("a line").to_owned()
    }
}

impl Shell {
    pub(crate) fn at(server: &Server) -> Self {
        Self { address: server.address().to_string(), folder: tempfile::tempdir().expect("a folder") }
    }

    pub(crate) fn run(&self, words: &str) -> Outcome {
        self.run_with(words, "", |_| {})
    }

    fn run_with(&self, words: &str, stdin: &str, prepare: impl FnOnce(&mut Command)) -> Outcome {
        let mut command = wharf();
        command.args(words.split(' ')).env("WHARF_SERVER", &self.address).env("DOCKER_CONFIG", self.folder.path());
        prepare(&mut command);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary runs");
        // A command that does not read it may have ended already.
        drop(child.stdin.take().expect("piped").write_all(stdin.as_bytes()));
        let output = child.wait_with_output().expect("it ends");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        let code = output.status.code().expect("it ended by itself");
        Outcome { code, out: text(output.stdout), problem: text(output.stderr) }
    }

    /// What `docker login` writes.
    pub(crate) fn log_in(&self, name: &str, password: &str) {
        let pair = data_encoding::BASE64.encode(format!("{name}:{password}").as_bytes());
        let config = format!(r#"{{"auths":{{"{}":{{"auth":"{pair}"}}}}}}"#, self.address);
        write(&self.folder.path().join("config.json"), &config);
    }
}

/// The administrator's shell.
pub(crate) fn administrator(server: &Server) -> Shell {
    let shell = Shell::at(server);
    let password = server.welcome("password").expect("a first run");
    shell.log_in("admin", password.split(' ').next().expect("a word"));
    shell
}

#[test]
fn a_team_is_set_up_from_nothing() {
    let server = Server::start(&[]);
    let admin = administrator(&server);
    assert!(admin.run("whoami").done().contains("administrator"));
    admin.run("project create shop").done();
    admin.run_with("user create alice --new-password-stdin", "alice's good password\n", |_| {}).done();
    admin.run("user create bob --no-password --system-role auditor").done();
    admin.run("project member add shop alice developer").done();
    admin.run("group create team").done();
    admin.run("group user add team bob").done();
    admin.run("project member add shop group:team guest").done();

    let members = admin.run("project member list shop").done();
    let members: Vec<Vec<&str>> = members.lines().map(|line| line.split_whitespace().take(2).collect()).collect();
    assert_eq!(members, [["MEMBER", "ROLE"], ["user:alice", "developer"], ["group:team", "guest"]]);
    let users = admin.run("user list --json").json();
    let names: Vec<_> = users.as_array().expect("a list").iter().map(|user| user["name"].clone()).collect();
    assert_eq!(names, ["admin", "alice", "bob"]);

    let alice = Shell::at(&server);
    let own = |words: &str| {
        alice.run_with(&format!("{words} --username alice --password-stdin"), "alice's good password\n", |_| {})
    };
    assert!(own("project show shop").done().contains("developer"));
    assert!(own("project set shop --public").failed(6).contains("you may not change the settings"));
    assert!(own("user list").failed(6).contains("you may not see other users"));

    admin.run("project member remove shop alice").done();
    assert!(own("project show shop").failed(7).contains("project `shop` is not known"));
    admin.run("group user remove team bob").done();
    admin.run("group delete team").done();
    admin.run("user delete bob").done();
    admin.run("project delete shop").done();
    let log = admin.run("audit list --object shop --json").json();
    assert_eq!(log[0]["action"], "project.delete");
}

#[test]
fn a_robot_logs_in_with_the_secret_that_was_shown() {
    let server = Server::start(&[]);
    let admin = administrator(&server);
    admin.run("project create shop").done();
    let words = "robot create shop+ci --permission pull,push --repository shop/** --expires-in 90d --json";
    let made = admin.run(words).json();
    let log_in = |secret: &Value| {
        let robot = Shell::at(&server);
        robot.log_in("shop+ci", secret.as_str().expect("a secret"));
        robot.run("whoami")
    };
    assert!(log_in(&made["secret"]).done().contains("shop+ci"));
    let rotated = admin.run("robot rotate shop+ci --json").json();
    log_in(&made["secret"]).failed(6);
    log_in(&rotated["secret"]).done();
    admin.run("robot disable shop+ci").done();
    log_in(&rotated["secret"]).failed(6);
    let changed = admin.run("robot set shop+ci --permission pull --all-repositories --never-expires --json").json();
    assert_eq!((&changed["permissions"][0], &changed["expires_at"]), (&Value::from("pull"), &Value::Null));
    assert_eq!(changed["repositories"], Value::Array(Vec::new()));
    admin.run("robot enable shop+ci").done();
    log_in(&rotated["secret"]).done();
    assert!(admin.run("robot list shop").done().contains("shop+ci  pull         all           never    no"));
    admin.run("robot delete shop+ci").done();
    assert!(admin.run("robot show shop+ci").failed(7).contains("shop+ci"));
    assert!(admin.run("robot show shop").problem.contains("PROJECT+NAME"));
}

#[test]
fn passwords_come_by_lines_and_files_and_never_by_flags() {
    let server = Server::start(&[]);
    let admin = administrator(&server);
    let (first, second) = ("the first good password", "the second good password");
    admin.run_with("user create alice --new-password-stdin", &format!("{first}\n"), |_| {}).done();
    let alice = Shell::at(&server);
    let words = "user password --username alice --password-stdin --new-password-stdin";
    alice.run_with(words, &format!("{first}\n{second}\n"), |_| {}).done();
    let by_file = |password: &str| {
        let path = alice.folder.path().join("password");
        write(&path, &format!("{password}\n"));
        alice.run_with("whoami", "", |command| {
            command.env("WHARF_USERNAME", "alice").env("WHARF_PASSWORD_FILE", &path);
        })
    };
    assert!(by_file(first).failed(6).contains("user name or password is wrong"));
    by_file(second).done();
    admin.run_with("user password alice --new-password-stdin", &format!("{first}\n"), |_| {}).done();
    by_file(first).done();
    admin.run("user disable alice").done();
    by_file(first).failed(6);
    admin.run("user enable alice").done();
    by_file(first).done();

    assert!(alice.run("whoami --username alice").failed(6).contains("no terminal to ask at"));
    assert!(alice.run("whoami --password-stdin").failed(2).contains("needs --username"));
    assert!(admin.run("user create eve").failed(6).contains("no terminal to ask at"));
}

#[test]
fn an_htpasswd_file_is_imported() {
    let server = Server::start(&[]);
    let admin = administrator(&server);
    let hash = "$2y$05$01234567890123456789012345678901234567890123456789012";
    let imported = admin.run_with("user import-htpasswd -", &format!("bob:{hash}\nadmin:{hash}\n"), |_| {}).done();
    assert!(imported.contains("bob") && imported.contains("admin"), "{imported}");
    assert!(admin.run_with("user import-htpasswd -", "eve:plain\n", |_| {}).failed(1).contains("line 1"));
    assert!(admin.run("user import-htpasswd /nowhere").failed(1).contains("/nowhere"));
}

#[test]
fn a_credential_helper_and_an_identity_token_log_in() {
    let server = Server::start(&[]);
    let admin = administrator(&server);
    admin.run_with("user create alice --new-password-stdin", "alice's good password\n", |_| {}).done();

    let alice = Shell::at(&server);
    let helper = alice.folder.path().join("docker-credential-test");
    write(
        &helper,
        "#!/bin/sh\nread host\nprintf '{\"Username\":\"alice\",\"Secret\":\"alice'\"'\"'s good password\"}'\n",
    );
    std::fs::set_permissions(&helper, std::fs::Permissions::from_mode(0o755)).expect("ours");
    let config = alice.folder.path().join("config.json");
    write(&config, r#"{"credsStore":"test"}"#);
    let path = format!("{}:/usr/bin:/bin", alice.folder.path().display());
    let asked = alice.run_with("whoami --json", "", |command| {
        command.env("PATH", path);
    });
    assert_eq!(asked.json()["name"], "alice");

    let form = "grant_type=password&username=alice&password=alice's good password&access_type=offline&client_id=test";
    let form = form.replace(' ', "+").replace('\'', "%27");
    let answer = server.post("/token", "application/x-www-form-urlencoded", &form);
    let body = answer.split("\r\n\r\n").nth(1).expect("a body");
    let token: Value = serde_json::from_str(body).expect("JSON");
    let token = token["refresh_token"].as_str().expect("a refresh token");
    write(&config, &format!(r#"{{"auths":{{"{}":{{"auth":"YWxpY2U6","identitytoken":"{token}"}}}}}}"#, alice.address));
    assert_eq!(alice.run("whoami --json").json()["name"], "alice");
    write(&config, "{");
    assert!(alice.run("whoami").failed(1).contains("not what `docker login` writes"));
}

#[test]
fn what_goes_wrong_is_said_with_a_hint_and_a_code() {
    let server = Server::start(&[]);
    let admin = administrator(&server);
    admin.run("project create shop").done();
    assert!(admin.run("project create shop").failed(8).contains("exists already"));
    assert!(admin.run("project create Shop").failed(1).contains("lower-case letters"));
    assert!(admin.run("project member add shop nobody guest").failed(7).contains("user `nobody` is not known"));
    assert_eq!(admin.run("project member add shop admin king").code, 2, "the command line knows the roles");
    let stranger = Shell::at(&server);
    assert!(stranger.run("user list").failed(6).contains("log in to do this"));
    assert_eq!(stranger.run("project list").done(), "NAME  PUBLIC  BYTES  MANIFESTS  CREATED\n");
    assert!(stranger.run("whoami --server 127.0.0.1:1").failed(9).contains("cannot reach `127.0.0.1:1`"));
    assert!(stranger.run("whoami --server ftp://x").failed(2).contains("not a server's address"));
    stranger.log_in("a", "b");
    let exposed = "whoami --server http://192.0.2.1 --username a --password-stdin";
    assert!(stranger.run_with(exposed, "b\n", |_| {}).failed(6).contains("without TLS"));
}
