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
    let mut command = wharf();
    command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(&data);
    let again = Server::spawn(command, tempfile::tempdir().expect("a folder"));
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
