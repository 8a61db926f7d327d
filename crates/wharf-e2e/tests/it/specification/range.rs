//! Parts of a blob.

use super::{BOTH, BYTES, Repository, blob};
use crate::http::{Payload, Response};
use crate::server::Server;

const LENGTH: usize = 2048;

fn ask(repository: &Repository<'_>, digest: &str, range: &str) -> Response {
    repository.client.send("GET", &repository.at(&format!("blobs/{digest}")), &[("Range", range)], Payload::Empty)
}

#[test]
fn one_range_is_answered_with_that_part() {
    let server = Server::start();
    let client = server.administrator();
    let repository = Repository::new(&client, "conformance/repo1");
    for algorithm in BOTH {
        let (digest, bytes) = blob(algorithm, LENGTH);
        repository.push(&digest, &bytes);
        for (range, first, last) in
            [("500-1499", 500, 1499), ("500-", 500, 2047), ("-500", 1548, 2047), ("2000-5000", 2000, 2047)]
        {
            let answer = ask(&repository, &digest, &format!("bytes={range}")).expect(206);
            assert_eq!(answer.header("content-range"), Some(format!("bytes {first}-{last}/{LENGTH}").as_str()));
            assert_eq!(answer.header("content-length"), Some((last - first + 1).to_string().as_str()));
            assert!(answer.body == bytes[first..=last], "{range} has other bytes");
        }
        for range in ["bytes=500-0", "bytes=5000-10000"] {
            ask(&repository, &digest, range).expect(416);
        }
    }
}

#[test]
fn several_ranges_come_as_parts_of_one_answer() {
    let server = Server::start();
    let client = server.administrator();
    let repository = Repository::new(&client, "conformance/repo1");
    let (digest, bytes) = blob(BOTH[0], LENGTH);
    repository.push(&digest, &bytes);
    let answer = ask(&repository, &digest, "bytes=0-9,100-199").expect(206);
    let kind = answer.header("content-type").expect("a content type").to_owned();
    assert!(kind.starts_with("multipart/byteranges"), "{kind}");
    for part in [&bytes[0..10], &bytes[100..200]] {
        assert!(answer.body.windows(part.len()).any(|window| window == part), "a part is missing");
    }
}

#[test]
fn an_etag_spares_the_second_transfer() {
    let server = Server::start();
    let client = server.administrator();
    let repository = Repository::new(&client, "conformance/repo1");
    let (digest, bytes) = blob(BOTH[0], LENGTH);
    repository.push(&digest, &bytes);
    let target = repository.at(&format!("blobs/{digest}"));
    let tag = client.get(&target).expect(200).header("etag").expect("an ETag").to_owned();
    client.send("GET", &target, &[("If-None-Match", &tag)], Payload::Empty).expect(304);
    client.send("PUT", &with_unknown_digest(&repository), &[BYTES], Payload::Empty).expect(400);
}

/// A digest of an algorithm that nobody knows.
fn with_unknown_digest(repository: &Repository<'_>) -> String {
    super::with(&repository.open(), "digest", "md5:d41d8cd98f00b204e9800998ecf8427e")
}
