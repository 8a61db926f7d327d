//! What the reader refuses, and what it takes just beside it.

use wharf_layer::limits::MAX_PATH_BYTES;
use wharf_layer::{Error, Fault, Limits};

use crate::tarball::{PLAIN, Tarball, record, seen, seen_as, set_link};

fn fault(archive: &[u8]) -> Option<Fault> {
    match seen(archive) {
        Err(Error::Refused { fault, .. }) => Some(fault),
        Err(other) => panic!("not refused but {other:?}"),
        Ok(_) => None,
    }
}

fn new() -> Tarball {
    Tarball::default()
}

#[track_caller]
fn assert_faults<const N: usize>(table: [(&str, Tarball, Option<Fault>); N]) {
    for (what, tarball, expected) in table {
        assert_eq!(fault(&tarball.end()), expected, "{what}");
    }
}

#[test]
fn an_archive_ends_with_two_blocks_of_zeros_and_nothing_behind() {
    let one = new().file("a", b"x");
    let whole = one.clone().end();
    assert_eq!(fault(&whole), None);
    assert_eq!(fault(&[0; 1024]), None, "Docker's empty layer");
    assert_eq!(fault(&[&whole[..], &[0; 10_240]].concat()), None, "GNU tar fills up");
    assert_eq!(fault(b""), Some(Fault::Truncated));
    assert_eq!(fault(&one.0), Some(Fault::Truncated), "no end mark");
    assert_eq!(fault(&whole[..whole.len() - 512]), Some(Fault::Truncated), "half an end mark");
    assert_eq!(fault(&whole[..1000]), Some(Fault::Truncated), "in the content's padding");
    assert_eq!(fault(&whole[..100]), Some(Fault::Truncated), "in the header");
    let second = new().file("b", b"y").end();
    assert_eq!(fault(&[&one.0[..], &[0; 512], &second].concat()), Some(Fault::End), "one block of zeros is no end");
    assert_eq!(fault(&[&whole[..], &second].concat()), Some(Fault::End), "a second archive behind the first");
    assert_eq!(fault(&[&whole[..], &[0; 512], &[1]].concat()), Some(Fault::End));
}

#[test]
fn paths_that_leave_the_root_are_refused() {
    assert_faults([
        ("absolute", new().file("/etc/passwd", b""), Some(Fault::AbsolutePath)),
        ("up", new().file("a/../../b", b""), Some(Fault::ParentPath)),
        ("up in a long name", new().pax(&[("path", "../x")]).file("a", b""), Some(Fault::ParentPath)),
        ("hard link up", new().link(b'1', "a", "../b"), Some(Fault::ParentPath)),
        ("absolute hard link", new().link(b'1', "a", "/b"), Some(Fault::AbsolutePath)),
        (
            "hard link up in a record",
            new().pax(&[("linkpath", "x/../..")]).link(b'1', "a", "b"),
            Some(Fault::ParentPath),
        ),
        ("hard link to itself", new().link(b'1', "a", "./a"), Some(Fault::LinkToItself)),
        ("hard link to the root", new().link(b'1', "a", "."), Some(Fault::LinkToItself)),
        ("hard link to nothing", new().link(b'1', "a", ""), Some(Fault::EmptyName)),
        ("symlink to nothing", new().link(b'2', "a", ""), Some(Fault::EmptyName)),
        ("file without a name", new().file("", b""), Some(Fault::EmptyName)),
        ("folder without a name", new().folder(""), Some(Fault::EmptyName)),
        ("symlink in place of the root", new().link(b'2', "./", "/"), Some(Fault::EmptyName)),
        ("symlinks lead anywhere", new().link(b'2', "a", "../../etc"), None),
        ("the root is a folder", new().folder("./"), None),
    ]);
    let at_limit = format!("{}a", "ab/".repeat(MAX_PATH_BYTES / 3));
    let path = |path: &str| fault(&new().pax(&[("path", path)]).file("a", b"").end());
    assert_eq!(path(&at_limit), None);
    assert_eq!(path(&format!("{at_limit}b")), Some(Fault::LongPath));
    let target = |target: &str| fault(&new().pax(&[("linkpath", target)]).link(b'2', "a", "b").end());
    assert_eq!(target(&at_limit), None);
    assert_eq!(target(&format!("{at_limit}b")), Some(Fault::LongPath));
}

#[test]
fn headers_that_readers_take_differently_are_refused() {
    let gnu_prefix = |tarball: Tarball| {
        tarball.gnu(b'0', "a", b"", |header| header.as_mut_bytes()[345..348].copy_from_slice(b"dir"))
    };
    assert_faults([
        ("size of a folder", new().entry(b'5', "a", b"x", |_| {}), Some(Fault::UnexpectedSize)),
        (
            "size of a symlink",
            new().entry(b'2', "a", b"x", |header| set_link(header, "b")),
            Some(Fault::UnexpectedSize),
        ),
        (
            "size of a hard link",
            new().entry(b'1', "a", b"x", |header| set_link(header, "b")),
            Some(Fault::UnexpectedSize),
        ),
        ("a file named as a folder", new().file("a/", b"x"), Some(Fault::FileNamedAsFolder)),
        ("an old file named as a folder", new().entry(0, "a/", b"", |_| {}), Some(Fault::FileNamedAsFolder)),
        (
            "an old file whose own name is a folder's",
            new().pax(&[("path", "b")]).entry(0, "a/", b"", |_| {}),
            Some(Fault::FileNamedAsFolder),
        ),
        ("a file whose cut name is a folder's", new().pax(&[("path", "a/b")]).file("a/", b""), None),
        ("an old file", new().entry(0, "a", b"x", |_| {}), None),
        ("contiguous files", new().entry(b'7', "a", b"", |_| {}), Some(Fault::Type(b'7'))),
        ("a volume label", new().entry(b'V', "a", b"", |_| {}), Some(Fault::Type(b'V'))),
        ("GNU's sparse files", new().gnu(b'S', "a", b"", |_| {}), Some(Fault::Sparse)),
        ("a prefix in GNU's format", gnu_prefix(new()), Some(Fault::Format)),
        ("an overlay's deletion mark", new().entry(b'3', "a", b"", |_| {}), Some(Fault::OverlayWhiteout)),
        (
            "a negative size",
            new().entry(b'0', "a", b"", |header| header.as_old_mut().size = [0xff; 12]),
            Some(Fault::Number("size")),
        ),
        (
            "no size",
            new().entry(b'0', "a", b"", |header| header.as_old_mut().size = [b' '; 12]),
            Some(Fault::Number("size")),
        ),
        ("an owner beyond 32 bits", new().pax(&[("uid", "4294967296")]).file("a", b""), Some(Fault::Number("uid"))),
        (
            "an unknown version",
            new().entry(b'0', "a", b"", |header| header.as_mut_bytes()[263..265].copy_from_slice(b"11")),
            Some(Fault::Format),
        ),
        (
            "star's format",
            new().entry(b'0', "a", b"", |header| header.as_mut_bytes()[508..].copy_from_slice(b"tar\0")),
            Some(Fault::Format),
        ),
    ]);
    let mut broken = new().file("a", b"").end();
    broken[0] = b'b';
    assert_eq!(fault(&broken), Some(Fault::Checksum));
}

#[test]
fn extensions_belong_to_the_one_entry_behind_them() {
    let long = |tarball: Tarball, kind, name: &[u8]| tarball.gnu(kind, "././@LongLink", name, |_| {});
    let records = [("path", "b")];
    assert_faults([
        ("a record for nothing", new().pax(&records), Some(Fault::Truncated)),
        ("two sets of records", new().pax(&records).pax(&records).file("a", b""), Some(Fault::Extensions)),
        ("records and a long name", long(new().pax(&records), b'L', b"c\0").file("a", b""), Some(Fault::Extensions)),
        ("a long name and records", long(new(), b'L', b"c\0").pax(&records).file("a", b""), Some(Fault::Extensions)),
        ("two long names", long(long(new(), b'L', b"c\0"), b'L', b"d\0").file("a", b""), Some(Fault::Extensions)),
        ("a long name and link", long(long(new(), b'K', b"c\0"), b'L', b"d\0").link(b'2', "a", "b"), None),
        ("a NUL in a long name", long(new(), b'L', b"c\0d\0").file("a", b""), Some(Fault::LongName)),
        ("an empty long name", long(new(), b'L', b"\0").file("a", b""), Some(Fault::LongName)),
        ("a name written twice", new().pax(&[records[0], records[0]]).file("a", b""), Some(Fault::PaxAmbiguous)),
        ("a sparse map", new().pax(&[("GNU.sparse.major", "1")]).file("a", b""), Some(Fault::Sparse)),
    ]);
    let global = |name| new().entry(b'g', "pax_global_header", record(name, "x").as_bytes(), |_| {}).file("a", b"");
    assert_eq!(fault(&global("comment").end()), None, "git archive writes the commit");
    assert_eq!(fault(&global("path").end()), Some(Fault::PaxGlobal));
    let large = long(new(), b'L', &vec![b'a'; 1024 * 1024 + 1]).file("a", b"");
    assert_eq!(fault(&large.end()), Some(Fault::LargeExtension));
    let claimed = new().entry(b'x', "x", b"", |header| header.set_size(u64::from(u32::MAX)));
    assert_eq!(fault(&claimed.end()), Some(Fault::LargeExtension), "before memory is taken for it");
}

#[test]
fn a_hidden_archive_in_a_file_of_two_sizes_is_refused() {
    let inner = new().file("hidden", b"x").0;
    let size = inner.len().to_string();
    let outer = new().pax(&[("size", &size)]).entry(b'0', "shell", b"", |_| {}).content(&inner).end();
    assert_eq!(fault(&outer), Some(Fault::SizeMismatch), "the header says 0 (RUSTSEC-2025-0111)");
    let agreed = new().pax(&[("size", &size)]).file("shell", &inner).end();
    assert_eq!(seen(&agreed).expect("one file").len(), 1);
}

#[test]
fn headers_are_counted() {
    let archive = new().pax(&[("path", "a")]).file("b", b"").file("c", b"").end();
    let limited = |entries| seen_as(PLAIN, &archive, Limits { entries, ..Limits::default() });
    assert_eq!(limited(3).expect("as many as allowed").len(), 2);
    assert!(matches!(limited(2), Err(Error::Limit { limit: 2, .. })));
}
