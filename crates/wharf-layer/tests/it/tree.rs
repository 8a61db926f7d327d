//! The file system that layers make.

use wharf_layer::limits::Limits;
use wharf_layer::scan::Scan;
use wharf_layer::{Error, FileKind, Tree};

use crate::tarball::{PLAIN, Tarball};

fn scan(layer: Tarball) -> Scan {
    Scan::read(Box::new(&layer.end()[..]), PLAIN, Limits::default()).expect("a layer")
}

fn tree<const N: usize>(layers: [Tarball; N]) -> Result<Tree, Error> {
    Tree::of(&layers.map(scan))
}

/// What is at a path, in a word.
fn at(tree: &Tree, path: &str) -> String {
    let path = path.parse().expect("a path");
    match tree.get(&path).map(|file| &file.kind) {
        None => "nothing".to_owned(),
        Some(FileKind::Directory) => "folder".to_owned(),
        Some(FileKind::Regular { size_bytes, .. }) => format!("{size_bytes} bytes"),
        Some(FileKind::Symlink { target }) => format!("link to {}", String::from_utf8_lossy(target)),
        Some(other) => format!("{other:?}"),
    }
}

#[track_caller]
fn assert_tree<const N: usize, const M: usize>(layers: [Tarball; N], expected: [(&str, &str); M]) {
    let tree = tree(layers).expect("can be unpacked");
    for (path, what) in expected {
        assert_eq!(at(&tree, path), what, "{path}");
    }
}

fn new() -> Tarball {
    Tarball::default()
}

#[test]
fn the_last_of_two_entries_counts() {
    assert_tree([new().file("a", b"1").file("a", b"22")], [("a", "2 bytes")]);
    assert_tree([new().file("a", b"1"), new().file("a", b"22")], [("a", "2 bytes")]);
}

#[test]
fn a_folder_over_a_folder_keeps_what_is_in_it_and_all_else_replaces() {
    let lower = || new().folder("a").file("a/b", b"1");
    assert_tree([lower(), new().folder("a")], [("a/b", "1 bytes")]);
    assert_tree([lower(), new().file("a", b"")], [("a", "0 bytes"), ("a/b", "nothing")]);
    assert_tree([lower(), new().link(b'2', "a", "x")], [("a", "link to x"), ("a/b", "nothing")]);
    assert_tree([new().link(b'2', "a", "x").folder("x"), new().folder("a")], [("a", "folder"), ("x", "folder")]);
}

#[test]
fn whiteouts_hide_what_is_below() {
    let lower = || new().folder("a").file("a/b", b"1").file("a/c", b"1");
    assert_tree([lower(), new().file("a/.wh.b", b"")], [("a/b", "nothing"), ("a/c", "1 bytes")]);
    assert_tree([lower(), new().file(".wh.a", b"")], [("a", "nothing")]);
    assert_tree([lower(), new().file(".wh.a", b"").file("a", b"new")], [("a", "3 bytes")]);
    assert_tree([lower(), new().file("a/.wh..wh..opq", b"")], [("a", "folder"), ("a/b", "nothing")]);
    assert_tree([lower(), new().file(".wh.nothing", b"")], [("a/b", "1 bytes")]);
    for order in [["a/d", "a/.wh..wh..opq"], ["a/.wh..wh..opq", "a/d"]] {
        let upper = order.into_iter().fold(new(), |layer, name| layer.file(name, b""));
        assert_tree([lower(), upper], [("a/d", "0 bytes"), ("a/b", "nothing")]);
    }
}

#[test]
fn a_layer_that_hides_what_it_has_put_is_refused() {
    for layer in [new().file("a", b"").file(".wh.a", b""), new().file("a/b", b"").file(".wh.a", b"")] {
        assert!(matches!(tree([layer]), Err(Error::Unpack { .. })));
    }
}

#[test]
fn folders_on_the_way_lead_through_links_within_the_root() {
    let lower = || new().folder("usr").folder("usr/bin").link(b'2', "bin", "usr/bin");
    assert_tree([lower(), new().file("bin/sh", b"1")], [("usr/bin/sh", "1 bytes"), ("bin", "link to usr/bin")]);
    let way = |target: &str| [new().link(b'2', "a", target), new().file("a/b", b"1")];
    assert_tree(way("/x/y"), [("x/y/b", "1 bytes")]);
    assert_tree(way("../../x"), [("x/b", "1 bytes")]);
    assert_tree(way("./x/../y/."), [("y/b", "1 bytes")]);
    assert_tree(way("/"), [("b", "1 bytes")]);
    let chain = new().link(b'2', "a", "b").link(b'2', "b", "c").file("a/x", b"1");
    assert_tree([chain], [("c/x", "1 bytes")]);
    let hidden = [new().folder("c").file("c/x", b"1").link(b'2', "a", "c"), new().file("a/.wh.x", b"")];
    assert_tree(hidden, [("c/x", "nothing"), ("c", "folder")]);
}

#[test]
fn what_no_runtime_unpacks_is_refused() {
    for (what, layer) in [
        ("a circle of links", new().link(b'2', "a", "b").link(b'2', "b", "a").file("a/x", b"")),
        ("a file on the way", new().file("a", b"").file("a/b", b"")),
        ("a hard link to nothing", new().link(b'1', "a", "b")),
        ("a hard link to a folder", new().folder("b").link(b'1', "a", "b")),
    ] {
        assert!(matches!(tree([layer]), Err(Error::Unpack { .. })), "{what}");
    }
}

#[test]
fn a_link_that_makes_paths_longer_each_time_is_refused() {
    let long = "x/".repeat(100);
    let layer = (0..50).fold(new(), |layer, number| {
        let path = format!("{}l{number}", if number == 0 { String::new() } else { format!("l{}/", number - 1) });
        layer.pax(&[("linkpath", &long)]).link(b'2', &path, "x")
    });
    assert!(tree([layer.file("l0/l1/l2/a", b"")]).is_ok());
    let endless = new().link(b'2', "a", &"a/".repeat(40));
    assert!(matches!(tree([endless.file("a/x", b"")]), Err(Error::Unpack { .. })));
}

#[test]
fn a_hard_link_is_the_file_that_it_was_made_of() {
    assert_tree(
        [new().file("a", b"1").link(b'1', "b", "a"), new().file("a", b"22")],
        [("a", "2 bytes"), ("b", "1 bytes")],
    );
    assert_tree([new().file("a", b"1"), new().link(b'1', "b", "a")], [("b", "1 bytes")]);
}
