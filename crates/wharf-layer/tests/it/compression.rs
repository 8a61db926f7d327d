//! Compressed layers: what they are, and how much may come out of them.

use std::io::{self, Read, Write as _};

use flate2::write::GzEncoder;
use wharf_layer::{Compression, Error, Limits, layer};
use wharf_oci::{ContentError, ContentErrorKind};

use crate::tarball::{PLAIN, Tarball, seen, seen_as};

const GZIP: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
const ZSTD: &str = "application/vnd.oci.image.layer.v1.tar+zstd";
const DOCKER: &str = "application/vnd.docker.image.rootfs.diff.tar.gzip";

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("into memory")
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).expect("into memory")
}

fn archive() -> Vec<u8> {
    Tarball::default().folder("a/").file("a/b", b"some content").end()
}

fn read(media_type: &str, bytes: &[u8]) -> Result<Vec<String>, Error> {
    seen_as(media_type, bytes, Limits::default())
}

#[test]
fn a_layer_is_the_same_however_it_is_compressed() {
    let plain = archive();
    let expected = seen(&plain).expect("an archive");
    let (head, tail) = plain.split_at(700);
    let skippable = [&[0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0][..], b"note"].concat();
    for (media_type, bytes) in [
        (PLAIN, plain.clone()),
        (GZIP, gzip(&plain)),
        (ZSTD, zstd(&plain)),
        (DOCKER, plain.clone()),
        (DOCKER, gzip(&plain)),
        (DOCKER, zstd(&plain)),
        (GZIP, [gzip(head), gzip(tail)].concat()),
        (ZSTD, [zstd(head), skippable, zstd(tail)].concat()),
    ] {
        assert_eq!(read(media_type, &bytes).expect("a layer"), expected, "{media_type}");
    }
}

#[test]
fn another_compression_than_the_media_type_says_is_refused() {
    let plain = archive();
    for (media_type, bytes) in
        [(PLAIN, gzip(&plain)), (GZIP, plain.clone()), (GZIP, zstd(&plain)), (ZSTD, gzip(&plain)), (ZSTD, Vec::new())]
    {
        let error = read(media_type, &bytes).expect_err("refused");
        assert!(matches!(error, Error::Compression { .. }), "{media_type}: {error:?}");
        assert_eq!(error.kind(), ContentErrorKind::Invalid);
    }
    for other in ["application/json", "", "application/vnd.oci.image.layer.v1.tar+br", "text/plain"] {
        assert!(matches!(read(other, &plain), Err(Error::MediaType { .. })), "{other}");
        assert_eq!(Compression::of_media_type(other), None);
    }
}

#[test]
fn broken_and_padded_streams_are_refused_even_behind_the_archive() {
    let (gzipped, zstandard) = (gzip(&archive()), zstd(&archive()));
    let mut wrong_sum = gzipped.clone();
    let at = wrong_sum.len() - 8;
    wrong_sum[at] ^= 1;
    for (media_type, bytes) in [
        (GZIP, wrong_sum),
        (GZIP, gzipped[..gzipped.len() - 1].to_vec()),
        (GZIP, gzipped[..40].to_vec()),
        (GZIP, [&gzipped[..], b"garbage"].concat()),
        (ZSTD, zstandard[..zstandard.len() - 1].to_vec()),
        (ZSTD, zstandard[..40].to_vec()),
        (ZSTD, [&zstandard[..], b"garbage"].concat()),
    ] {
        let error = read(media_type, &bytes).expect_err("refused");
        assert!(matches!(error, Error::Read { .. }), "{media_type}: {error:?}");
        assert_eq!(error.kind(), ContentErrorKind::Invalid);
    }
}

#[test]
fn a_bomb_is_refused_by_ratio_and_by_size() {
    let plain = Tarball::default().file("zeros", &vec![0; 8 << 20]).end();
    let limits = Limits { unrated_bytes: 1 << 20, ..Limits::default() };
    for (media_type, bytes) in [(GZIP, gzip(&plain)), (ZSTD, zstd(&plain))] {
        assert!(seen_as(media_type, &bytes, Limits::default()).is_ok(), "small enough whatever the ratio");
        let error = seen_as(media_type, &bytes, limits).expect_err("refused");
        assert!(matches!(error, Error::Limit { limit: 200, .. }), "{error:?}");
        let small = Limits { total_bytes: 4 << 20, ..Limits::default() };
        let error = seen_as(media_type, &bytes, small).expect_err("refused");
        assert!(matches!(error, Error::Limit { what: "bytes", .. }), "{error:?}");
    }
    assert!(seen_as(PLAIN, &plain, limits).is_ok());
}

#[test]
fn a_zstd_window_that_takes_too_much_memory_is_refused() {
    let mut encoder = zstd::Encoder::new(Vec::new(), 3).expect("an encoder");
    encoder.window_log(28).expect("is known");
    let outcome = encoder.write_all(&archive()).and_then(|()| encoder.finish());
    assert!(matches!(read(ZSTD, &outcome.expect("into memory")), Err(Error::Read { .. })));
}

/// Gives one byte, then fails.
struct Failing(bool);

impl Read for Failing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if std::mem::replace(&mut self.0, true) {
            return Err(io::Error::other(ContentError::new(ContentErrorKind::Unavailable, "the registry is away")));
        }
        buffer[0] = b'a';
        Ok(1)
    }
}

#[test]
fn a_source_that_fails_says_why() {
    let outcome = layer::read(Box::new(Failing(false)), PLAIN, Limits::default(), &mut |_, _| Ok(()));
    let error = outcome.expect_err("fails");
    assert_eq!((error.kind(), error.to_string()), (ContentErrorKind::Unavailable, "the registry is away".to_owned()));
}
