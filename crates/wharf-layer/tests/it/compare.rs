//! What differs between two images, and how much is read to find out.

use std::collections::HashSet;
use std::sync::Mutex;

use bytes::Bytes;
use wharf_layer::limits::Limits;
use wharf_layer::{Difference, Error, Side, compare};
use wharf_oci::ports::{BoxFuture, ByteStream, TagStream};
use wharf_oci::{ContentError, ContentErrorKind, Descriptor, Digest, Reference, Source};

use crate::image::Memory;
use crate::tarball::{PLAIN, Tarball};

/// Notes which blobs are read.
#[derive(Debug, Default)]
struct Watched {
    memory: Memory,
    read: Mutex<HashSet<Digest>>,
}

impl Watched {
    fn layer(&mut self, layer: Tarball) -> Descriptor {
        self.memory.add(PLAIN, layer.end())
    }

    /// What differs, one word and path each, and how many layers were read for it.
    async fn compare(&self, before: &[Descriptor], after: &[Descriptor]) -> (Vec<String>, usize) {
        self.read.lock().expect("whole").clear();
        let [before, after] = [before, after].map(|layers| Side { source: self, layers });
        let differences = compare(before, after, Limits::default()).await.expect("can be compared");
        (differences.iter().map(word).collect(), self.read.lock().expect("whole").len())
    }
}

fn word(difference: &Difference) -> String {
    let sign = match (&difference.before, &difference.after) {
        (None, _) => '+',
        (_, None) => '-',
        _ => '~',
    };
    format!("{sign}{}", difference.path)
}

impl Source for Watched {
    fn describe(&self) -> String {
        "watched".to_owned()
    }

    fn resolve<'a>(&'a self, reference: Option<&'a Reference>) -> BoxFuture<'a, Result<Descriptor, ContentError>> {
        self.memory.resolve(reference)
    }

    fn manifest<'a>(&'a self, descriptor: &'a Descriptor) -> BoxFuture<'a, Result<Bytes, ContentError>> {
        self.memory.manifest(descriptor)
    }

    fn blob<'a>(&'a self, descriptor: &'a Descriptor, offset: u64) -> BoxFuture<'a, Result<ByteStream, ContentError>> {
        self.read.lock().expect("whole").insert(descriptor.digest);
        self.memory.blob(descriptor, offset)
    }

    fn referrers<'a>(&'a self, subject: &'a Digest) -> BoxFuture<'a, Result<Vec<Descriptor>, ContentError>> {
        self.memory.referrers(subject)
    }

    fn tags(&self) -> TagStream<'_> {
        self.memory.tags()
    }
}

fn base() -> Tarball {
    Tarball::default().folder("./").folder("etc/").file("etc/a", b"1").file("etc/b", b"1")
}

#[tokio::test]
async fn files_are_added_removed_and_changed() {
    let mut watched = Watched::default();
    let before = watched.layer(base().file("c", b"x").link(b'2', "l", "a"));
    let after = watched.layer(base().file("etc/a", b"2").file("d", b"x").link(b'2', "l", "b"));
    let (words, read) = watched.compare(&[before], &[after]).await;
    assert_eq!((words.join(" ").as_str(), read), ("-c +d ~etc/a ~l", 2));
}

#[tokio::test]
async fn mode_owner_type_and_attributes_count() {
    let mut watched = Watched::default();
    let before = watched.layer(base());
    for after in [
        base().entry(b'0', "etc/a", b"1", |header| header.set_mode(0o4755)),
        base().entry(b'0', "etc/a", b"1", |header| header.set_uid(1)),
        base().entry(b'0', "etc/a", b"1", |header| header.set_gid(1)),
        base().link(b'2', "etc/a", "b"),
        base().pax(&[("SCHILY.xattr.security.capability", "x")]).file("etc/a", b"1"),
    ] {
        let after = watched.layer(after);
        assert_eq!(watched.compare(std::slice::from_ref(&before), &[after]).await.0, ["~etc/a"]);
    }
    let later = watched.layer(base().entry(b'0', "etc/a", b"1", |header| header.set_mtime(7)));
    assert!(watched.compare(&[before], &[later]).await.0.is_empty(), "times do not count");
}

#[tokio::test]
async fn only_layers_that_differ_are_read_where_that_is_enough() {
    let mut watched = Watched::default();
    let base = watched.layer(base());
    let top = |content: &[u8]| Tarball::default().folder("./").folder("app/").file("app/run", content);
    let (one, two) = (watched.layer(top(b"1")), watched.layer(top(b"2")));
    let of = |layers: &[&Descriptor]| layers.iter().map(|layer| (*layer).clone()).collect::<Vec<_>>();
    let changed = watched.compare(&of(&[&base, &one]), &of(&[&base, &two])).await;
    assert_eq!(changed, (vec!["~app/run".to_owned()], 2));
    let same = watched.compare(&of(&[&base, &one]), &of(&[&base, &one])).await;
    assert_eq!(same, (Vec::new(), 0));
    // Whether something was there before is known below.
    let added = watched.compare(&of(&[&base]), &of(&[&base, &one])).await;
    assert_eq!(added, (vec!["+app".to_owned(), "+app/run".to_owned()], 2));
}

#[tokio::test]
async fn what_is_only_on_one_side_is_compared_with_what_is_below() {
    let mut watched = Watched::default();
    let base = watched.layer(base());
    let parents = || Tarball::default().folder("./").folder("etc/");
    for (before, after, expected) in [
        (parents(), parents().file("etc/a", b"2"), "~etc/a"),
        (parents(), parents().file("etc/a", b"1"), ""),
        (parents(), parents().file("etc/.wh.a", b""), "-etc/a"),
        (parents().file("etc/.wh.a", b""), parents().file("etc/.wh.a", b""), ""),
        (parents().file("etc/.wh..wh..opq", b""), parents().file("etc/a", b"1"), "+etc/a +etc/b"),
        (parents(), parents().link(b'1', "x", "etc/a"), "+x"),
        (Tarball::default().folder("etc/"), Tarball::default().file("etc", b""), "~etc -etc/a -etc/b"),
        (Tarball::default(), Tarball::default().entry(b'5', "./", b"", |header| header.set_mode(0o700)), "~"),
    ] {
        let (before, after) = (watched.layer(before), watched.layer(after));
        let (words, _) = watched.compare(&[base.clone(), before], &[base.clone(), after]).await;
        assert_eq!(words.join(" "), expected);
    }
}

#[tokio::test]
async fn the_same_files_in_other_layers_are_the_same() {
    let mut watched = Watched::default();
    let whole = watched.layer(base().file("etc/c", b"1"));
    let parts = [watched.layer(base()), watched.layer(Tarball::default().file("etc/c", b"1"))];
    assert!(watched.compare(&[whole], &parts).await.0.is_empty());
}

#[tokio::test]
async fn bytes_that_are_not_the_layers_are_refused() {
    let mut watched = Watched::default();
    let good = watched.layer(base());
    let other = watched.layer(Tarball::default());
    let lie = Descriptor::new(PLAIN, other.digest, other.size + 512);
    let [before, after] = [std::slice::from_ref(&good), std::slice::from_ref(&lie)]
        .map(|layers| Side { source: &watched as &dyn Source, layers });
    let error = compare(before, after, Limits::default()).await.expect_err("refused");
    assert!(matches!(&error, Error::Content(error) if error.kind == ContentErrorKind::Invalid), "{error:?}");
}
