//! Whiteouts: what a layer hides.

use wharf_layer::{Error, Fault};

use crate::tarball::{Tarball, seen};

fn one(kind: u8, name: &str, content: &[u8], link: &str) -> Result<Vec<String>, Error> {
    let tarball = Tarball::default().entry(kind, name, content, |header| crate::tarball::set_link(header, link));
    seen(&tarball.end())
}

#[test]
fn a_whiteout_hides_a_path_or_what_is_below_it() {
    for (name, line) in [
        (".wh.a", "hide a"),
        ("./a/.wh.b", "hide a/b"),
        ("a/.wh.b.wh.", "hide a/b.wh."),
        ("a/.wh..b", "hide a/.b"),
        (".wh..wh..opq", "hide below "),
        ("a/b/.wh..wh..opq", "hide below a/b"),
    ] {
        assert_eq!(one(b'0', name, b"", "").expect("a whiteout"), [line]);
        assert_eq!(one(b'1', name, b"", ".wh.other").expect("old drivers linked them"), [line]);
    }
    assert!(one(b'0', "a.wh.b", b"", "").expect("a file")[0].starts_with("- "));
}

#[test]
fn what_only_looks_like_a_whiteout_is_refused() {
    for (kind, name, content) in [
        (b'0', ".wh.a", &b"x"[..]),
        (b'5', ".wh.a", b""),
        (b'2', ".wh.a", b""),
        (b'0', ".wh.", b""),
        (b'0', ".wh..", b""),
        (b'0', "a/.wh...", b""),
        (b'0', ".wh..wh.plnk", b""),
        (b'0', ".wh..wh..opq/a", b""),
        (b'0', ".wh.a/b", b""),
        (b'5', ".wh..wh.plnk/", b""),
    ] {
        let outcome = one(kind, name, content, "x");
        assert!(matches!(outcome, Err(Error::Refused { fault: Fault::Whiteout, .. })), "{name}: {outcome:?}");
    }
}
