//! Sockets that a service manager hands over, and what it is told.

use std::os::unix::net::UnixDatagram;
use std::process::Command;

use super::server::{Server, eventually, wharf};

/// Starts the server as systemd does: with a listening socket as descriptor 3. The shell opens it by means of Python,
/// which is what the machine has.
fn activated(notify: &std::path::Path) -> Server {
    let folder = tempfile::tempdir().expect("a folder");
    let template = wharf();
    let script = r#"
import os, socket, sys
listener = socket.create_server(("127.0.0.1", 0))
listener.set_inheritable(True)
if listener.fileno() != 3:
    os.dup2(listener.fileno(), 3, inheritable=True)
os.environ["LISTEN_PID"] = str(os.getpid())
os.environ["LISTEN_FDS"] = "1"
os.execv(sys.argv[1], sys.argv[1:])
"#;
    let mut command = Command::new("python3");
    command.args(["-c", script]).arg(template.get_program()).args(["serve", "--listen", "127.0.0.1:1", "--data"]);
    command.arg(folder.path().join("data")).env("NOTIFY_SOCKET", notify);
    for (name, value) in template.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None if name == "NOTIFY_SOCKET" => &mut command,
            None => command.env_remove(name),
        };
    }
    Server::spawn(command, folder)
}

#[test]
fn an_inherited_socket_is_used_instead_of_the_configured_address_and_the_manager_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("notify");
    let manager = UnixDatagram::bind(&path).expect("a socket");
    manager.set_nonblocking(true).expect("a socket");
    let mut told = String::new();
    let mut hear = |word: &str| {
        eventually(word, || {
            let mut message = [0; 1024];
            if let Ok(length) = manager.recv(&mut message) {
                told.push_str(&String::from_utf8_lossy(&message[..length]));
            }
            told.contains(word)
        });
    };

    let mut server = activated(&path);
    assert_ne!(server.address().port(), 1);
    assert!(server.get("/livez").starts_with("HTTP/1.1 200"));
    hear("READY=1");
    server.signal("TERM");
    hear("STOPPING=1");
    assert_eq!(server.wait().code(), Some(0));
}
