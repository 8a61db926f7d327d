//! The data folder, the welcome, and who may be let in without a password.

use std::os::unix::fs::PermissionsExt as _;

use super::server::{Server, run, wharf};

#[test]
fn a_second_process_is_told_who_has_the_folder() {
    let server = Server::start(&[]);
    let (code, _, problem) = run(|command| {
        command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(server.data());
    });
    assert_eq!(code, 4, "{problem}");
    assert!(problem.contains(&format!("in use by process {} (since ", server.pid())), "{problem}");
    assert!(problem.lines().last().is_some_and(|line| line.starts_with("hint: ")), "{problem}");
}

#[test]
fn a_folder_is_free_again_when_its_process_was_killed() {
    let mut server = Server::start(&[]);
    let data = server.data();
    server.signal("KILL");
    server.wait();
    let again = start_again(&data);
    assert!(again.get("/livez").starts_with("HTTP/1.1 200"));
}

#[test]
fn the_folder_is_nobody_elses() {
    let server = Server::start(&[]);
    let mode = std::fs::metadata(server.data()).expect("the folder").permissions().mode();
    assert_eq!(mode & 0o077, 0, "{mode:o}");
}

#[test]
fn the_welcome_tells_the_address_the_folder_and_how_to_log_in() {
    let server = Server::start(&[]);
    let address = server.address();
    assert_eq!(server.welcome("address"), Some(format!("http://{address}")));
    assert_eq!(server.welcome("data"), Some(server.data().canonicalize().expect("it exists").display().to_string()));
    assert_eq!(server.welcome("log in"), Some(format!("docker login {address} --username admin")));
}

#[test]
fn the_welcome_names_the_public_url() {
    let server = Server::start(&["--public-url", "https://registry.example.com"]);
    assert_eq!(server.welcome("address").as_deref(), Some("https://registry.example.com"));
    assert_eq!(server.welcome("log in").as_deref(), Some("docker login registry.example.com --username admin"));
}

#[test]
fn open_is_refused_where_others_could_reach_it() {
    let folder = tempfile::tempdir().expect("a folder");
    for arguments in [&["--listen", "0.0.0.0:0"][..], &["--listen", "127.0.0.1:0", "--public-url", "https://a.example"]]
    {
        let (code, _, problem) = run(|command| {
            command.args(["serve", "--open", "--data"]).arg(folder.path()).args(arguments);
        });
        assert!(code == 3 && problem.contains("--force-open"), "{problem}");
    }
    let server = Server::start(&["--listen", "0.0.0.0:0", "--force-open"]);
    assert!(server.welcome("log in").is_some_and(|line| line.contains("not needed")));
}

#[test]
fn an_address_that_is_taken_is_told() {
    let server = Server::start(&[]);
    let folder = tempfile::tempdir().expect("a folder");
    let (code, _, problem) = run(|command| {
        command.args(["serve", "--listen", &server.address().to_string(), "--data"]).arg(folder.path());
    });
    assert!(code == 5 && problem.contains(&server.address().to_string()), "{problem}");
}

/// The status line of `GET /v2/` as the administrator.
fn log_in(server: &Server, password: &str) -> String {
    let credentials = data_encoding::BASE64.encode(format!("admin:{password}").as_bytes());
    let answer = server.get(&format!("/v2/ HTTP/1.1\r\nauthorization: Basic {credentials}\r\nx:"));
    answer.lines().next().unwrap_or_default().to_owned()
}

/// A server on the data of another, which has ended.
fn start_again(data: &std::path::Path) -> Server {
    let mut command = wharf();
    command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data);
    Server::spawn(command, tempfile::tempdir().expect("a folder"))
}

#[test]
fn the_administrators_password_is_shown_on_the_first_run_and_never_again() {
    let mut server = Server::start(&[]);
    let shown = server.welcome("password").expect("a password");
    let (password, _) = shown.split_once(' ').expect("the password and a remark");
    assert_eq!(log_in(&server, password), "HTTP/1.1 200 OK");
    assert_eq!(log_in(&server, "wrong"), "HTTP/1.1 401 Unauthorized");
    assert!(!server.log().contains(password), "not in the log");
    server.signal("TERM");
    server.wait();

    let again = start_again(&server.data());
    assert_eq!(again.welcome("password"), None);
    assert_eq!(log_in(&again, password), "HTTP/1.1 200 OK");
}

#[test]
fn the_administrators_password_can_come_from_a_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("password");
    super::server::write(&path, "correct horse battery staple\n");
    let server = Server::start_with(&[], |command| {
        command.env("WHARF_ADMIN_PASSWORD_FILE", &path);
    });
    assert_eq!(server.welcome("password"), None);
    assert_eq!(log_in(&server, "correct horse battery staple"), "HTTP/1.1 200 OK");
}

#[test]
fn blobs_and_catalog_elsewhere_are_held_by_one_process_too() {
    let elsewhere = tempfile::tempdir().expect("a folder");
    let blobs = format!("file:{}", elsewhere.path().join("blobs").display());
    let catalog = format!("sqlite:{}", elsewhere.path().join("wharf.db").display());
    for (name, value) in [("WHARF_STORAGE_URL", &blobs), ("WHARF_DATABASE_URL", &catalog)] {
        let server = Server::start_with(&[], |command| {
            command.env(name, value);
        });
        let other = tempfile::tempdir().expect("a folder");
        let (code, _, problem) = run(|command| {
            command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(other.path()).env(name, value);
        });
        assert!(code == 4 && problem.contains(&format!("process {} ", server.pid())), "{name}: {problem}");
    }
}
