//! What one client may take: idle and slow connections, connections of one address, requests a second.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::server::{Server, ask_again, eventually};

/// Waits until the server has closed `stream`, and tells what came before.
fn until_closed(stream: &mut TcpStream, within: Duration) -> String {
    stream.set_read_timeout(Some(within)).expect("a timeout");
    let mut said = Vec::new();
    match stream.read_to_end(&mut said) {
        Ok(_) => {}
        Err(error) if matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe) => {}
        Err(error) => panic!("not closed within {within:?}: {error}"),
    }
    String::from_utf8_lossy(&said).into_owned()
}

fn impatient() -> Server {
    Server::start_with(&[], |command| {
        for (name, value) in [("HEADER_TIMEOUT", "2s"), ("IDLE_TIMEOUT", "3s"), ("BODY_WINDOW", "2s")] {
            command.env(format!("WHARF_LIMITS_{name}"), value);
        }
    })
}

#[test]
fn headers_that_do_not_end_are_cut() {
    let server = impatient();
    let mut stream = server.connect();
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(10) {
        let is_cut = stream.write_all(b"G").is_err() || matches!(peek(&stream), Some(Ok(0) | Err(_)));
        if is_cut {
            return;
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    panic!("one byte at a time was served for ten seconds");
}

/// What a read would give now; None if it would wait.
pub(crate) fn peek(stream: &TcpStream) -> Option<std::io::Result<usize>> {
    stream.set_nonblocking(true).expect("a socket");
    let seen = stream.peek(&mut [0; 1]);
    stream.set_nonblocking(false).expect("a socket");
    match seen {
        Err(error) if error.kind() == ErrorKind::WouldBlock => None,
        seen => Some(seen),
    }
}

#[test]
fn an_idle_connection_is_closed_and_a_used_one_is_not() {
    let server = impatient();
    let mut idle = server.connect();
    let mut used = server.connect();
    let began = Instant::now();
    ask_again(&mut idle, "/livez");
    while began.elapsed() < Duration::from_secs(5) {
        ask_again(&mut used, "/livez");
        std::thread::sleep(Duration::from_millis(500));
    }
    until_closed(&mut idle, Duration::from_secs(5));
    assert!(ask_again(&mut used, "/livez").starts_with("HTTP/1.1 200"));
}

#[test]
fn a_reader_that_takes_nothing_is_cut() {
    let server = impatient();
    let mut stream = server.connect();
    // Answers pile up until the socket takes no more: hundreds of thousands of pipelined requests, none read.
    let requests = b"GET /livez HTTP/1.1\r\nhost: a\r\n\r\n".repeat(1000);
    stream.set_write_timeout(Some(Duration::from_secs(1))).expect("a timeout");
    while stream.write_all(&requests).is_ok() {}
    eventually("the connection is cut", || {
        stream
            .write_all(&requests)
            .is_err_and(|error| matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe))
    });
}

#[test]
fn one_address_gets_only_its_share_of_connections() {
    let server = Server::start_with(&[], |command| {
        command.env("WHARF_LIMITS_CONNECTIONS_PER_ADDRESS", "3");
    });
    let mut held: Vec<TcpStream> = (0..3).map(|_| server.connect()).collect();
    held.iter_mut().for_each(|stream| assert!(ask_again(stream, "/livez").contains("200")));
    until_closed(&mut server.connect(), Duration::from_secs(5));
    drop(held.pop());
    eventually("there is room again", || {
        let mut stream = server.connect();
        stream.write_all(b"GET /livez HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").unwrap_or_default();
        until_closed(&mut stream, Duration::from_secs(5)).contains("200")
    });
}

#[test]
fn a_full_server_lets_the_longest_idle_connection_go() {
    let server = Server::start_with(&[], |command| {
        command.env("WHARF_LIMITS_CONNECTIONS", "8");
    });
    let mut idle: Vec<TcpStream> = (0..8).map(|_| server.connect()).collect();
    idle.iter_mut().for_each(|stream| assert!(ask_again(stream, "/livez").contains("200")));
    eventually("a newcomer is served", || {
        let mut stream = server.connect();
        stream.write_all(b"GET /livez HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").unwrap_or_default();
        until_closed(&mut stream, Duration::from_secs(5)).contains("200")
    });
    until_closed(&mut idle[0], Duration::from_secs(5));
}

#[test]
fn too_many_requests_of_one_address_must_wait() {
    let server = Server::start_with(&[], |command| {
        command.env("WHARF_LIMITS_REQUESTS_PER_SECOND", "1").env("WHARF_LIMITS_REQUEST_BURST", "5");
    });
    let mut stream = server.connect();
    let answers: Vec<String> = (0..6).map(|_| ask_again(&mut stream, "/livez")).collect();
    assert!(answers[..5].iter().all(|answer| answer.starts_with("HTTP/1.1 200")), "{answers:?}");
    let refused = &answers[5];
    assert!(refused.starts_with("HTTP/1.1 429") && refused.contains("retry-after: 1"), "{refused}");
    assert!(refused.contains("TOOMANYREQUESTS") && refused.contains("request_id"), "{refused}");
}

#[test]
fn headers_that_are_too_large_are_refused() {
    let server = Server::start_with(&[], |command| {
        command.env("WHARF_LIMITS_HEADER_SIZE", "8KiB");
    });
    let answer = server.get(&format!("/livez HTTP/1.1\r\nx-large: {}\r\nx:", "a".repeat(9000)));
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
}
