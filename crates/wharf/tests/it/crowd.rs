//! A client among a thousand idle and three hundred slow connections, with the limits that nobody set.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::limits::peek;
use super::server::{Server, ask_again};
use super::transfers::{ZEROS, begin_patch, open_upload, push_zeros};

/// When the last slow connection must have been cut.
const CUT: Duration = Duration::from_secs(30);

/// A connection that sends a byte now and then and never comes to an end.
struct Trickle(TcpStream);

impl Trickle {
    /// Headers that do not end.
    fn headers(server: &Server) -> Self {
        Self(server.connect())
    }

    /// A body that does not end.
    fn body(server: &Server) -> Self {
        Self(begin_patch(server, &open_upload(server), 1 << 20))
    }

    /// Sends a byte, and says whether the server still takes it.
    fn goes_on(&mut self) -> bool {
        self.0.write_all(b"G").is_ok() && peek(&self.0).is_none()
    }
}

/// The time that 99 of 100 requests take at most. Each is one read of the catalog.
fn p99(stream: &mut TcpStream, path: &str) -> Duration {
    let mut times: Vec<Duration> = (0..1000)
        .map(|_| {
            let began = Instant::now();
            ask_again(stream, path);
            began.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[times.len() * 99 / 100]
}

/// Asks for a blob and reads nothing of it.
fn unread(server: &Server, path: &str) -> TcpStream {
    let mut stream = server.connect();
    stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n").as_bytes()).expect("sent");
    stream
}

#[test]
fn a_thousand_idle_and_three_hundred_slow_connections_do_not_slow_another_client() {
    let server = Server::start(&["--open"]);
    let blob = push_zeros(&server, ZEROS.0, ZEROS.1);
    let path = open_upload(&server);
    let mut client = server.connect();
    p99(&mut client, &path);
    let alone = p99(&mut client, &path);

    let mut idle: Vec<TcpStream> = (0..1000).map(|_| server.connect()).collect();
    idle.iter_mut().for_each(|stream| assert!(ask_again(stream, "/livez").contains("200")));
    let began = Instant::now();
    let readers: Vec<TcpStream> = (0..30).map(|_| unread(&server, &blob)).collect();
    let mut slow: Vec<Trickle> = (0..135).map(|_| Trickle::body(&server)).collect();
    slow.extend((0..135).map(|_| Trickle::headers(&server)));

    // The best of several rounds: the machine may be busy with something else.
    let mut crowded = Duration::MAX;
    while !slow.is_empty() {
        assert!(began.elapsed() < CUT, "{} slow connections are still open", slow.len());
        slow.retain_mut(Trickle::goes_on);
        if began.elapsed() < CUT / 3 {
            crowded = crowded.min(p99(&mut client, &path));
        }
        std::thread::sleep(Duration::from_millis(500));
    }
    assert!(crowded <= alone * 2 + Duration::from_micros(200), "alone {alone:?}, in the crowd {crowded:?}");
    std::thread::sleep(CUT.saturating_sub(began.elapsed()));
    for mut reader in readers {
        let mut rest = Vec::new();
        let end = reader.read_to_end(&mut rest);
        assert!(end.is_err() || rest.len() < ZEROS.0, "the answer waited for its reader");
    }
    assert!(ask_again(&mut idle[0], "/livez").starts_with("HTTP/1.1 200"), "idle ones were not cut");
}
