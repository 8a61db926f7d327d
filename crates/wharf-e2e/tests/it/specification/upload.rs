//! Every way to push a blob, and every way that it goes wrong.

use super::{BOTH, BYTES, Repository, blob, with};
use crate::http::{Client, Payload, Response};
use crate::image::Algorithm;
use crate::server::Server;

/// The suite cuts blobs into pieces of this size.
const CHUNK: usize = 1024;

fn each(test: impl Fn(&Repository<'_>, Algorithm)) {
    let server = Server::start();
    let client = server.administrator();
    for algorithm in BOTH {
        test(&Repository::new(&client, "conformance/repo1"), algorithm);
    }
}

fn patch(client: &Client, target: &str, range: Option<(usize, usize)>, payload: Payload<'_>) -> Response {
    send_chunk(client, "PATCH", target, range, payload)
}

fn send_chunk(
    client: &Client,
    method: &str,
    target: &str,
    range: Option<(usize, usize)>,
    payload: Payload<'_>,
) -> Response {
    let range = range.map(|(first, last)| format!("{first}-{last}"));
    let mut headers = vec![BYTES];
    headers.extend(range.as_deref().map(|range| ("Content-Range", range)));
    client.send(method, target, &headers, payload)
}

#[test]
fn one_post_with_the_bytes_is_enough() {
    each(|repository, algorithm| {
        let (digest, bytes) = blob(algorithm, 512);
        let target = with(&repository.at("blobs/uploads/"), "digest", &digest);
        let answer = repository.client.send("POST", &target, &[BYTES], Payload::Sized(&bytes)).expect(201);
        repository.pushed(&answer, &digest, &bytes);
        repository.has_blob(&digest, &bytes);
        repository.delete_blob(&digest);
    });
}

#[test]
fn post_then_put() {
    each(|repository, algorithm| {
        let (digest, bytes) = blob(algorithm, 512);
        repository.push(&digest, &bytes);
        repository.has_blob(&digest, &bytes);
        repository.delete_blob(&digest);
    });
}

#[test]
fn a_stream_of_unknown_length_then_an_empty_put() {
    each(|repository, algorithm| {
        let (digest, bytes) = blob(algorithm, 100_000);
        let upload =
            patch(repository.client, &repository.open(), None, Payload::Chunked(&bytes)).expect(202).location();
        let answer =
            repository.client.send("PUT", &with(&upload, "digest", &digest), &[BYTES], Payload::Empty).expect(201);
        repository.pushed(&answer, &digest, &bytes);
        repository.has_blob(&digest, &bytes);
    });
}

#[test]
fn empty_and_tiny_blobs_are_blobs() {
    each(|repository, algorithm| {
        for bytes in [b"".as_slice(), b"{}"] {
            let digest = algorithm.digest(bytes);
            repository.push(&digest, bytes);
            repository.has_blob(&digest, bytes);
            repository.delete_blob(&digest);
        }
    });
}

/// How a blob is pushed in pieces.
#[derive(Debug, Clone, Copy, Default)]
struct Way {
    /// The last piece comes with the PUT that ends the upload.
    puts_last: bool,
    /// A wrong piece is tried before each right one, and the state is asked for.
    tries: bool,
}

fn push_in_pieces(repository: &Repository<'_>, algorithm: Algorithm, way: Way) {
    let (digest, bytes) = blob(algorithm, 3 * CHUNK - 5);
    let mut upload = repository.open();
    let mut sent = 0;
    for piece in bytes.chunks(CHUNK) {
        let end = sent + piece.len();
        if way.tries {
            upload = refuse_a_wrong_piece(repository, &upload, (&digest, &bytes), (sent, way.puts_last));
        }
        if way.puts_last && end == bytes.len() {
            let target = with(&upload, "digest", &digest);
            let answer =
                send_chunk(repository.client, "PUT", &target, Some((sent, end - 1)), Payload::Sized(piece)).expect(201);
            repository.pushed(&answer, &digest, &bytes);
        } else {
            let answer = patch(repository.client, &upload, Some((sent, end - 1)), Payload::Sized(piece)).expect(202);
            assert_eq!(answer.header("range"), Some(format!("0-{}", end - 1).as_str()));
            upload = answer.location();
        }
        sent = end;
    }
    if !way.puts_last {
        let answer =
            repository.client.send("PUT", &with(&upload, "digest", &digest), &[BYTES], Payload::Empty).expect(201);
        repository.pushed(&answer, &digest, &bytes);
    }
    repository.has_blob(&digest, &bytes);
}

/// Sends the piece after the next one, or the first one again, and answers where the upload really continues.
fn refuse_a_wrong_piece(repository: &Repository<'_>, upload: &str, blob: (&str, &[u8]), at: (usize, bool)) -> String {
    let ((digest, bytes), (sent, puts_last)) = (blob, at);
    let start = if sent + CHUNK < bytes.len() { sent + CHUNK } else { 0 };
    let end = (start + CHUNK).min(bytes.len());
    let is_last = puts_last && end == bytes.len();
    let target = if is_last { with(upload, "digest", digest) } else { upload.to_owned() };
    let method = if is_last { "PUT" } else { "PATCH" };
    let piece = Payload::Sized(&bytes[start..end]);
    send_chunk(repository.client, method, &target, Some((start, end - 1)), piece).expect(416);
    // The suite asks for the state with whatever query its last request had.
    let state = repository.client.get(&target).expect(204);
    let last: usize =
        state.header("range").and_then(|range| range.strip_prefix("0-")).expect("a Range").parse().expect("a number");
    assert_eq!(last, sent.saturating_sub(1));
    state.location()
}

#[test]
fn pieces_then_an_empty_put() {
    each(|repository, algorithm| push_in_pieces(repository, algorithm, Way::default()));
}

#[test]
fn pieces_with_the_last_one_in_the_put() {
    each(|repository, algorithm| push_in_pieces(repository, algorithm, Way { puts_last: true, tries: false }));
}

#[test]
fn pieces_out_of_order_are_refused_and_the_upload_goes_on() {
    each(|repository, algorithm| {
        push_in_pieces(repository, algorithm, Way { puts_last: false, tries: true });
        push_in_pieces(repository, algorithm, Way { puts_last: true, tries: true });
    });
}

#[test]
fn an_upload_that_was_cancelled_is_gone() {
    each(|repository, algorithm| {
        // The token that a client keeps for DELETE was issued for deleting blobs: the next DELETE asks for another.
        let (digest, bytes) = blob(algorithm, 16);
        repository.push(&digest, &bytes);
        repository.delete_blob(&digest);
        let upload = repository.open();
        repository.client.delete(&upload).expect(204);
        repository.client.get(&upload).expect(404);
    });
}

#[test]
fn an_upload_outlives_the_server() {
    let mut server = Server::start();
    let (digest, bytes) = blob(Algorithm::Sha512, 300_000);
    let client = server.administrator();
    let repository = Repository::new(&client, "conformance/repo1");
    let upload = patch(&client, &repository.open(), None, Payload::Sized(&bytes[..200_000])).expect(202).location();
    server.kill();
    server.restart();
    assert_eq!(client.get(&upload).expect(204).header("range"), Some("0-199999"));
    let rest = Payload::Sized(&bytes[200_000..]);
    let answer = client.send("PUT", &with(&upload, "digest", &digest), &[BYTES], rest).expect(201);
    repository.pushed(&answer, &digest, &bytes);
}

#[test]
fn bytes_that_do_not_have_the_digest_are_refused_however_they_come() {
    each(|repository, algorithm| {
        let (digest, mut bytes) = blob(algorithm, 2000);
        bytes.extend_from_slice(b"more");
        let client = repository.client;
        let named = |target: &str| with(target, "digest", &digest);
        let post = named(&repository.at("blobs/uploads/"));
        client.send("POST", &post, &[BYTES], Payload::Sized(&bytes)).expect(400);
        client.send("PUT", &named(&repository.open()), &[BYTES], Payload::Sized(&bytes)).expect(400);
        let streamed = patch(client, &repository.open(), None, Payload::Chunked(&bytes)).expect(202).location();
        let answer = client.send("PUT", &named(&streamed), &[BYTES], Payload::Empty).expect(400);
        assert_eq!(answer.codes(), ["DIGEST_INVALID"]);
        repository.get(&format!("blobs/{digest}")).expect(404);
        repository.get(&format!("blobs/{}", algorithm.digest(&bytes))).expect(404);
    });
}
