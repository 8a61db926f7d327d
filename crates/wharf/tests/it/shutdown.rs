//! Ending: transfers complete, new ones do not begin, a second signal means now.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::server::{Server, ask_again, eventually};

/// A request whose body has not ended: the server must wait for it.
fn begin_request(server: &Server) -> TcpStream {
    let mut stream = server.connect();
    ask_again(&mut stream, "/livez");
    stream.write_all(b"POST /livez HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n12345").expect("sent");
    stream
}

#[test]
fn it_ends_at_once_when_nothing_is_going_on() {
    for signal in ["TERM", "INT"] {
        let mut server = Server::start(&[]);
        let mut idle = server.connect();
        ask_again(&mut idle, "/livez");
        let asked = Instant::now();
        server.signal(signal);
        assert_eq!(server.wait().code(), Some(0));
        assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
        assert_eq!(idle.read(&mut [0; 1]).expect("closed in order"), 0);
        assert!(server.log().contains("all transfers completed"), "{}", server.log());
    }
}

#[test]
fn it_accepts_and_is_not_ready_during_the_delay() {
    let mut server = Server::start_with(&[], |command| {
        command.env("WHARF_SERVER_SHUTDOWN_DELAY", "2s");
    });
    assert!(server.get("/readyz").starts_with("HTTP/1.1 200"));
    server.signal("TERM");
    eventually("it is not ready", || server.get("/readyz").starts_with("HTTP/1.1 503"));
    assert!(server.get("/livez").starts_with("HTTP/1.1 200"));
    assert_eq!(server.wait().code(), Some(0));
}

#[test]
fn it_stops_accepting_and_cuts_what_is_left_after_its_time() {
    let mut server = Server::start_with(&[], |command| {
        command.env("WHARF_SERVER_SHUTDOWN_TIMEOUT", "1s");
    });
    let _stuck = begin_request(&server);
    server.signal("TERM");
    eventually("nobody is accepted", || TcpStream::connect(server.address()).is_err());
    assert_eq!(server.wait().code(), Some(0));
}

#[test]
fn a_unix_socket_is_removed_when_its_server_ends() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("wharf.sock");
    let address = format!("unix:{}", path.display());
    let mut server = Server::start(&["--listen", "127.0.0.1:0", "--listen", &address]);
    let stream = std::os::unix::net::UnixStream::connect(&path).expect("it accepts");
    assert!(super::server::ask(stream, "/livez").starts_with("HTTP/1.1 200"));
    server.signal("TERM");
    server.wait();
    assert!(!path.exists());
}
