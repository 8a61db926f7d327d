//! Bodies: slow ones are cut and lose nothing that came, others end even when the server is asked to.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::server::{Server, ask_again, connect, read_answer};

/// A server that anyone may push to and that has little patience.
fn impatient() -> Server {
    Server::start_with(&["--open"], |command| {
        command.env("WHARF_LIMITS_BODY_WINDOW", "2s").env("WHARF_LIMITS_BODY_RATE", "10KiB");
    })
}

/// Opens an upload and returns its path.
pub(crate) fn open_upload(server: &Server) -> String {
    let mut stream = server.connect();
    stream.write_all(b"POST /v2/a/b/blobs/uploads/ HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n").expect("sent");
    let answer = read_answer(&mut stream);
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
    let location = answer.lines().find_map(|line| line.strip_prefix("location: ")).expect("a location");
    location[location.find("/v2/").expect("a path")..].to_owned()
}

/// Begins a PATCH of `length` bytes.
pub(crate) fn begin_patch(server: &Server, path: &str, length: usize) -> TcpStream {
    let mut stream = server.connect();
    let head = format!("PATCH {path} HTTP/1.1\r\nhost: a\r\ncontent-length: {length}\r\n\r\n");
    stream.write_all(head.as_bytes()).expect("sent");
    stream
}

/// Where the upload at `path` stands: the bytes that are safe.
fn safe_bytes(server: &Server, path: &str) -> usize {
    let answer = ask_again(&mut server.connect(), path);
    let range = answer.lines().find_map(|line| line.strip_prefix("range: 0-")).unwrap_or_else(|| panic!("{answer}"));
    range.parse::<usize>().expect("a number") + 1
}

/// Pushes a blob of `size` zeros and returns its path.
pub(crate) fn push_zeros(server: &Server, size: usize, digest: &str) -> String {
    let mut stream = server.connect();
    let head = format!(
        "POST /v2/a/b/blobs/uploads/?digest={digest} HTTP/1.1\r\nhost: a\r\n\
         content-type: application/octet-stream\r\ncontent-length: {size}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).expect("sent");
    let zeros = vec![0; 1 << 20];
    (0..size / zeros.len()).for_each(|_| stream.write_all(&zeros).expect("sent"));
    let answer = read_answer(&mut stream);
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    format!("/v2/a/b/blobs/{digest}")
}

/// `head -c 67108864 /dev/zero | sha256sum`
pub(crate) const ZEROS: (usize, &str) =
    (64 << 20, "sha256:3b6a07d0d404fab4e23b6d34bc6696a6a312dd92821332385e5af7c01c421351");

#[test]
fn a_body_that_trickles_is_answered_with_408_and_what_came_is_kept() {
    let server = impatient();
    let path = open_upload(&server);
    let mut stream = begin_patch(&server, &path, 1 << 20);
    stream.write_all(&[7; 5000]).expect("sent");
    let began = Instant::now();
    let mut sent = 5000;
    stream.set_read_timeout(Some(Duration::from_millis(100))).expect("a timeout");
    let mut answer = Vec::new();
    while answer.is_empty() {
        assert!(began.elapsed() < Duration::from_secs(10), "a trickle was taken for ten seconds");
        sent += stream.write(b"7").expect("the answer comes before the end");
        let mut bytes = [0; 4096];
        if let Ok(count) = stream.read(&mut bytes) {
            answer.extend_from_slice(&bytes[..count]);
        }
    }
    let answer = String::from_utf8_lossy(&answer).into_owned();
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("connection: close"), "{answer}");
    assert!(answer.contains("request_id") && answer.contains("came too slowly"), "{answer}");
    let safe = safe_bytes(&server, &path);
    assert!((5000..=sent).contains(&safe), "{safe} of {sent}");
}

#[test]
fn a_body_that_is_fast_enough_is_not_cut_however_long_it_takes() {
    let server = impatient();
    let path = open_upload(&server);
    let mut stream = begin_patch(&server, &path, 50 * 2048);
    for _ in 0..50 {
        stream.write_all(&[7; 2048]).expect("sent");
        std::thread::sleep(Duration::from_millis(100));
    }
    let answer = read_answer(&mut stream);
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
}

#[test]
fn a_reader_of_a_blob_that_stops_reading_is_cut() {
    let server = impatient();
    let path = push_zeros(&server, ZEROS.0, ZEROS.1);
    let mut stream = server.connect();
    stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n").as_bytes()).expect("sent");
    stream.read_exact(&mut [0; 4096]).expect("a beginning");
    std::thread::sleep(Duration::from_secs(6));
    let mut rest = Vec::new();
    let end = stream.read_to_end(&mut rest);
    assert!(rest.len() < ZEROS.0 - 4096 || end.is_err(), "everything was waiting: {}", rest.len());
}

#[test]
fn an_http_2_stream_that_is_not_read_is_cut_with_its_connection() {
    drop(rustls::crypto::ring::default_provider().install_default());
    let server = impatient();
    let path = push_zeros(&server, ZEROS.0, ZEROS.1);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let client = reqwest::Client::builder().http2_prior_knowledge().http2_initial_stream_window_size(65_535);
        let client = client.build().expect("a client");
        let url = |path: &str| format!("http://{}{path}", server.address());
        let mut unread = client.get(url(&path)).send().await.expect("an answer");
        assert_eq!(unread.version(), reqwest::Version::HTTP_2);
        unread.chunk().await.expect("a beginning");
        // Another stream of the connection works meanwhile; it takes too few bytes to count.
        let other = client.get(url("/livez")).send().await.expect("an answer");
        assert_eq!(other.status(), 200);
        tokio::time::sleep(Duration::from_secs(6)).await;
        let mut rest = 0;
        let end = loop {
            match unread.chunk().await {
                Ok(Some(bytes)) => rest += bytes.len(),
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        assert!(end.is_err(), "{rest} more bytes came");
    });
}

#[test]
fn a_transfer_that_is_under_way_ends_before_the_server_does() {
    let mut server = Server::start(&["--open"]);
    let blob = push_zeros(&server, ZEROS.0, ZEROS.1);
    let upload = open_upload(&server);
    let mut up = begin_patch(&server, &upload, 10);
    up.write_all(b"12345").expect("sent");
    let mut down = server.connect();
    down.write_all(format!("GET {blob} HTTP/1.1\r\nhost: a\r\n\r\n").as_bytes()).expect("sent");
    down.read_exact(&mut [0; 1024]).expect("a beginning");

    server.signal("TERM");
    super::server::eventually("nobody is accepted", || TcpStream::connect(server.address()).is_err());
    up.write_all(b"67890").expect("sent");
    let answer = read_answer(&mut up);
    assert!(answer.starts_with("HTTP/1.1 202") && answer.contains("connection: close"), "{answer}");
    let mut rest = Vec::new();
    down.read_to_end(&mut rest).expect("the whole blob");
    assert!(rest.len() + 1024 > ZEROS.0, "{}", rest.len());
    assert_eq!(server.wait().code(), Some(0));
    assert!(server.log().contains("all transfers completed"), "{}", server.log());
}

#[test]
fn an_early_answer_reaches_a_client_that_is_still_sending() {
    let server = Server::start(&[]);
    let mut stream = connect(server.address());
    let head = "PATCH /v2/a/b/blobs/uploads/x HTTP/1.1\r\nhost: a\r\ncontent-length: 4194304\r\n\r\n";
    stream.write_all(head.as_bytes()).expect("sent");
    stream.write_all(&vec![0; 4 << 20]).expect("the server goes on reading for a while");
    let answer = read_answer(&mut stream);
    assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
    assert!(
        ask_again(&mut stream, "/livez").starts_with("HTTP/1.1 200"),
        "what was sent in full leaves nothing behind"
    );
}

#[test]
fn a_second_signal_ends_at_once() {
    let mut server = Server::start(&["--open"]);
    let upload = open_upload(&server);
    let mut stuck = begin_patch(&server, &upload, 10);
    stuck.write_all(b"12345").expect("sent");
    server.signal("TERM");
    super::server::eventually("the first is heard", || server.log().contains("waiting for transfers"));
    server.signal("INT");
    assert_eq!(server.wait().code(), Some(130));
}
