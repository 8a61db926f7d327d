//! The copy algorithm between two registries in memory: what goes, in which order, and what does not.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use wharf_client::{Event, Options, copy};
use wharf_oci::{Descriptor, MediaType, Platform, Reference, Tag};

use crate::server::{Asked, Reply, Server};
use crate::{descriptor, image, repository};

/// A registry that stores what it gets: manifests and blobs by digest, tags.
#[derive(Debug, Default)]
struct Store {
    contents: BTreeMap<String, (String, Vec<u8>)>,
    tags: BTreeMap<String, String>,
    referrers: BTreeMap<String, Vec<Descriptor>>,
}

impl Store {
    fn put(&mut self, media_type: &str, content: &[u8]) -> Descriptor {
        let descriptor = descriptor(media_type, content);
        self.contents.insert(descriptor.digest.to_string(), (media_type.to_owned(), content.to_vec()));
        descriptor
    }

    fn tag(&mut self, tag: &str, descriptor: &Descriptor) {
        self.tags.insert(tag.to_owned(), descriptor.digest.to_string());
    }

    fn answer(&mut self, asked: &Asked) -> Reply {
        let path = asked.target.split('?').next().unwrap_or_default().trim_start_matches("/v2/team/app/");
        let (kind, name) = path.split_once('/').unwrap_or((path, ""));
        match (asked.method.as_str(), kind) {
            ("GET" | "HEAD", "manifests" | "blobs") => self.get(name),
            ("GET", "referrers") => {
                let listed = self.referrers.get(name).cloned().unwrap_or_default();
                Reply::new(200).body(wharf_oci::index::referrers(&listed))
            }
            ("POST", _) => Reply::new(202).with("location", "/v2/team/app/blobs/uploads/1"),
            ("PUT", "blobs") => {
                self.put("", &asked.body);
                Reply::new(201)
            }
            ("PUT", "manifests") => {
                let stored = self.put(asked.header("content-type").unwrap_or_default(), &asked.body);
                self.tag(name, &stored);
                Reply::new(201).with("oci-subject", "kept")
            }
            _ => Reply::new(404),
        }
    }

    fn get(&self, name: &str) -> Reply {
        let digest = self.tags.get(name).map_or(name, String::as_str);
        match self.contents.get(digest) {
            Some((media_type, content)) => Reply::new(200)
                .with("docker-content-digest", digest)
                .with("content-type", media_type)
                .with("content-length", content.len())
                .body(content.clone()),
            None => Reply::new(404),
        }
    }
}

fn serve(store: Store) -> (Server, Arc<Mutex<Store>>) {
    let store = Arc::new(Mutex::new(store));
    let served = Arc::clone(&store);
    (Server::start(move |asked| served.lock().expect("no panic").answer(asked)), store)
}

/// An index of two images that share a layer.
fn two_platforms(store: &mut Store) -> (Descriptor, [Descriptor; 2]) {
    store.put("", b"{}");
    let layer = |store: &mut Store, content: &[u8]| Descriptor {
        media_type: "application/vnd.oci.image.layer.v1.tar".to_owned(),
        ..store.put("", content)
    };
    let shared = layer(store, b"shared");
    let images = ["amd64", "arm64"].map(|architecture| {
        let own = layer(store, architecture.as_bytes());
        let mut image = store.put(MediaType::OciManifest.as_str(), &image(&[shared.clone(), own]));
        let (os, architecture) = ("linux".to_owned(), architecture.to_owned());
        image.platform = Some(Platform { os, architecture, ..Platform::default() });
        image
    });
    let index = store.put(MediaType::OciIndex.as_str(), &wharf_oci::index::referrers(&images));
    (index, images)
}

fn options() -> Options {
    let tag: Tag = "v1".parse().expect("a tag");
    Options { reference: Some(Reference::Tag(tag.clone())), tags: vec![tag], ..Options::default() }
}

/// What was put, in order.
fn puts(server: &Server) -> Vec<String> {
    let asked = server.asked().into_iter().filter(|asked| asked.method == "PUT");
    asked.map(|asked| asked.target.trim_start_matches("/v2/team/app/").to_owned()).collect()
}

#[tokio::test]
async fn children_come_before_parents_and_the_tag_last() {
    let mut store = Store::default();
    let (index, images) = two_platforms(&mut store);
    store.tag("v1", &index);
    let (from, _) = serve(store);
    let (to, stored) = serve(Store::default());
    let events = Mutex::new(Vec::new());
    let tell = |event: Event<'_>| events.lock().expect("no panic").push(format!("{event:?}"));
    let copied = copy(&repository(&from), &repository(&to), &options(), &tell).await.expect("copied");
    assert_eq!((copied.root.digest, copied.manifests, copied.copied_blobs), (index.digest, 3, 4));
    let puts = puts(&to);
    let blobs = puts.iter().take_while(|put| put.starts_with("blobs/")).count();
    assert_eq!((blobs, puts.len()), (4, 7), "{puts:?}");
    assert_eq!(puts[6], "manifests/v1");
    assert!(images.iter().all(|image| puts[4..6].contains(&format!("manifests/{}", image.digest))), "{puts:?}");
    assert_eq!(stored.lock().expect("no panic").tags["v1"], index.digest.to_string());
    assert!(events.lock().expect("no panic")[0].contains("Planned { manifests: 3, blobs: 4"), "{events:?}");

    let again = copy(&repository(&from), &repository(&to), &options(), &|_| ()).await.expect("copied");
    assert_eq!(again.copied_blobs + again.existed_blobs, 0, "what the images name is there with them");
    assert_eq!(crate::copying::puts(&to).len(), 8, "only the tag was put again");
}

#[tokio::test]
async fn one_platform_is_one_image() {
    let mut store = Store::default();
    let (index, images) = two_platforms(&mut store);
    store.tag("v1", &index);
    let (from, _) = serve(store);
    let (to, _) = serve(Store::default());
    let options = Options { platform: Some("linux/arm64".parse().expect("one")), ..options() };
    let copied = copy(&repository(&from), &repository(&to), &options, &|_| ()).await.expect("copied");
    assert_eq!((copied.root.digest, copied.manifests, copied.copied_blobs), (images[1].digest, 1, 3));
    let options = Options { platform: Some("plan9/arm64".parse().expect("one")), ..options };
    let error = copy(&repository(&from), &repository(&to), &options, &|_| ()).await.expect_err("there is none");
    assert!(error.to_string().contains("has no image for plan9/arm64"), "{error}");
}

#[tokio::test]
async fn referrers_and_signatures_come_along_when_they_are_wanted() {
    let mut store = Store::default();
    let (index, images) = two_platforms(&mut store);
    store.tag("v1", &index);
    let mut signature = String::from_utf8(image(&[])).expect("UTF-8");
    let subject = String::from_utf8(images[0].render()).expect("UTF-8");
    signature.insert_str(signature.len() - 1, &format!(r#","subject":{subject}"#));
    let referrer = store.put(MediaType::OciManifest.as_str(), signature.as_bytes());
    store.referrers.insert(images[0].digest.to_string(), vec![referrer.clone()]);
    let cosigned = store.put(MediaType::OciManifest.as_str(), &image(&[]));
    let tag = format!("sha256-{}.sig", index.digest.hex());
    store.tag(&tag, &cosigned);
    let (from, _) = serve(store);

    let (without, _) = serve(Store::default());
    let copied = copy(&repository(&from), &repository(&without), &options(), &|_| ()).await.expect("copied");
    assert_eq!(copied.manifests, 3);

    let (with, stored) = serve(Store::default());
    let options = Options { with_referrers: true, ..options() };
    let copied = copy(&repository(&from), &repository(&with), &options, &|_| ()).await.expect("copied");
    assert_eq!(copied.manifests, 5);
    let stored = stored.lock().expect("no panic");
    assert!(stored.contents.contains_key(&referrer.digest.to_string()));
    assert_eq!(stored.tags[&tag], cosigned.digest.to_string());
    assert_eq!(puts(&with).last().map(String::as_str), Some("manifests/v1"), "the tag that leads there is last");
}

#[tokio::test]
async fn a_copy_that_fails_leaves_no_tag() {
    let mut store = Store::default();
    let (index, _) = two_platforms(&mut store);
    store.tag("v1", &index);
    let lost = descriptor("", b"shared").digest.to_string();
    store.contents.remove(&lost);
    let (from, _) = serve(store);
    let (to, stored) = serve(Store::default());
    copy(&repository(&from), &repository(&to), &options(), &|_| ()).await.expect_err("a layer is missing");
    assert!(stored.lock().expect("no panic").tags.is_empty());
    assert!(puts(&to).iter().all(|put| put.starts_with("blobs/")));
}
