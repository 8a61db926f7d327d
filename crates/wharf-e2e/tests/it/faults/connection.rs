//! Connections that break at every byte of a chunk, and what is left of them.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use super::{BYTES, eventually};
use crate::http::{Client, Payload};
use crate::image::Algorithm;
use crate::random;
use crate::server::{Server, Settings};
use crate::specification::{Repository, with};

/// A whole request as it goes over the wire, and where its body begins.
struct Wire {
    bytes: Vec<u8>,
    body_at: usize,
}

fn sized(target: &str, host: &str, chunk: &[u8]) -> Wire {
    let head = format!("PATCH {target} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {}\r\n\r\n", chunk.len());
    Wire { body_at: head.len(), bytes: [head.as_bytes(), chunk].concat() }
}

/// The same in two pieces of unknown length (RFC 9112, section 7.1).
fn chunked(target: &str, host: &str, chunk: &[u8]) -> Wire {
    let head = format!("PATCH {target} HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n");
    let (first, second) = chunk.split_at(chunk.len() / 2);
    let mut bytes = head.clone().into_bytes();
    for piece in [first, second] {
        bytes.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
        bytes.extend_from_slice(piece);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"0\r\n\r\n");
    Wire { body_at: head.len(), bytes }
}

/// Sends the first `cut` bytes and breaks the connection.
fn send_part(address: &str, bytes: &[u8]) {
    let mut stream = TcpStream::connect(address).expect("the server listens");
    stream.write_all(bytes).expect("sent");
    stream.shutdown(Shutdown::Write).expect("half closed");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
    // The server ends its side when it has seen the break.
    drop(stream.read_to_end(&mut Vec::new()));
}

/// How many bytes the server says are safe.
fn offset(client: &Client, upload: &str) -> usize {
    let answer = client.get(upload).expect(204);
    let range = answer.header("range").expect("a range");
    let last: usize = range.strip_prefix("0-").expect("from the beginning").parse().expect("a number");
    // An empty upload answers `0-0`, as one of a single byte does: ask for its end to tell them apart is not needed here,
    // because the first chunk is longer.
    if last == 0 { 0 } else { last + 1 }
}

#[test]
fn a_chunk_that_breaks_at_any_byte_goes_on_where_it_stopped() {
    let settings = Settings { arguments: vec!["--open"], ..Settings::default() };
    let server = Server::with(settings);
    let client = server.anonymous();
    let repository = Repository::new(&client, "faults/cut");
    let bytes = random::bytes(400);
    let digest = Algorithm::Sha256.digest(&bytes);
    let (first, chunk) = bytes.split_at(250);
    for (name, wire) in [("sized", sized as fn(&str, &str, &[u8]) -> Wire), ("chunked", chunked)] {
        let length = wire("/v2/faults/cut/blobs/uploads/00000000-0000-0000-0000-000000000000", &server.address, chunk);
        for cut in 0..length.bytes.len() {
            let upload = repository.open();
            let upload = client.send("PATCH", &upload, &[BYTES], Payload::Sized(first)).expect(202).location();
            let request = wire(&upload, &server.address, chunk);
            let cut = cut.min(request.bytes.len() - 1);
            send_part(&server.address, &request.bytes[..cut]);
            let mut safe = 0;
            eventually("the upload is free again", || {
                safe = offset(&client, &upload);
                safe >= first.len()
            });
            let arrived = cut.saturating_sub(request.body_at);
            assert!(safe <= first.len() + arrived.min(chunk.len()), "{name} {cut}: more than was sent");
            let rest = &bytes[safe..];
            let answer = client.send("PUT", &with(&upload, "digest", &digest), &[BYTES], Payload::Sized(rest));
            assert_eq!(answer.status, 201, "{name} cut at {cut}, safe {safe}: {}", answer.text());
            repository.has_blob(&digest, &bytes);
            repository.delete_blob(&digest);
        }
    }
    assert_eq!(open_uploads(&server), 0, "every upload has ended");
}

/// Files of open uploads.
fn open_uploads(server: &Server) -> usize {
    let folder = server.folder.path().join("data/blobs/uploads");
    std::fs::read_dir(folder).expect("the store's folder").count()
}

#[test]
fn broken_connections_leave_no_file_no_descriptor_and_no_memory_behind() {
    let settings = Settings { arguments: vec!["--open"], ..Settings::default() };
    let server = Server::with(settings);
    let client = server.anonymous();
    let repository = Repository::new(&client, "faults/leak");
    let bytes = random::bytes(1_000_000);
    let digest = Algorithm::Sha256.digest(&bytes);
    let breaks = |times: usize| {
        for _ in 0..times {
            let target = with(&repository.at("blobs/uploads/"), "digest", &digest);
            let host = &server.address;
            let head = format!("POST {target} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {}\r\n\r\n", bytes.len());
            send_part(&server.address, &[head.as_bytes(), &bytes[..700_000]].concat());
        }
    };
    breaks(50);
    eventually("no upload is open", || open_uploads(&server) == 0);
    let (descriptors, resident) = (server.descriptors(), server.resident_bytes());
    breaks(200);
    eventually("no upload is open", || open_uploads(&server) == 0);
    eventually("descriptors are given back", || server.descriptors() <= descriptors + 4);
    let grown = server.resident_bytes().saturating_sub(resident);
    assert!(grown < 30 << 20, "{grown} bytes more after 200 broken pushes of 1 MB");
    repository.push(&digest, &bytes);
}
