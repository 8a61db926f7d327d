//! Real images on disk, as OCI image layouts: what clients push, and what they bring back.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::command::Program;
use crate::image::{Algorithm, Content, OCI_CONFIG, OCI_MANIFEST};
use crate::random;

const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
/// The tag inside of the layout.
pub(crate) const TAG: &str = "made";

/// An image layout that this test has made.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) path: PathBuf,
    /// The digest of the manifest or index that [`TAG`] names.
    pub(crate) digest: String,
}

/// An image with one file that no other image has.
pub(crate) fn image(folder: &Path) -> Layout {
    let mut content = Content::new(Algorithm::Sha256);
    let image = real_image(&mut content, folder, "amd64");
    write(&content, folder, &image)
}

/// An index of two such images.
pub(crate) fn index(folder: &Path) -> Layout {
    let mut content = Content::new(Algorithm::Sha256);
    let images = ["amd64", "arm64"].map(|architecture| real_image(&mut content, folder, architecture));
    let index = content.index(&images, &[]);
    write(&content, folder, &index)
}

/// Images that stand on each other: each has the layers of the one before, compressed anew, and one more. No config says so.
pub(crate) fn family<const N: usize>(folder: &Path) -> [Layout; N] {
    let archives: [PathBuf; N] = std::array::from_fn(|_| archive(folder));
    std::array::from_fn(|height| {
        let mut content = Content::new(Algorithm::Sha256);
        let layers: Vec<Value> = archives[..=height]
            .iter()
            .map(|archive| {
                // Each image has its own blobs: only what they unpack to is the same.
                let level = format!("-{}", height + 1);
                let line = format!("gzip {level} -n -c layer.tar > {height}.gz");
                Program::new("sh", archive).args(["-c", &line]).run();
                content.blob(LAYER, std::fs::read(archive.join(format!("{height}.gz"))).expect("gzip wrote it"))
            })
            .collect();
        let diff_ids: Vec<String> = archives[..=height]
            .iter()
            .map(|archive| Algorithm::Sha256.digest(&std::fs::read(archive.join("layer.tar")).expect("tar wrote it")))
            .collect();
        let config = json!({ "architecture": "amd64", "os": "linux", "config": { "Cmd": ["/unique"] },
            "rootfs": { "type": "layers", "diff_ids": diff_ids } });
        let config = content.blob(OCI_CONFIG, config.to_string().into_bytes());
        let manifest = json!({ "schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": layers });
        let image = content.document(&manifest);
        write(&content, folder, &image)
    })
}

/// A folder with an archive that no other layer is.
fn archive(folder: &Path) -> PathBuf {
    let work = folder.join(format!("work-{}", random::word()));
    std::fs::create_dir_all(work.join("root")).expect("a writable folder");
    std::fs::write(work.join("root/unique"), random::bytes(20_000)).expect("a writable folder");
    std::fs::write(work.join("root/text"), "the same words again and again\n".repeat(2_000))
        .expect("a writable folder");
    Program::new("tar", &work)
        .args(["-cf", "layer.tar", "--owner=0", "--group=0", "-C", "root", "unique", "text"])
        .run();
    work
}

fn real_image(content: &mut Content, folder: &Path, architecture: &str) -> Value {
    let work = folder.join(format!("work-{}", random::word()));
    std::fs::create_dir_all(work.join("root")).expect("a writable folder");
    std::fs::write(work.join("root/unique"), random::bytes(100_000)).expect("a writable folder");
    Program::new("tar", &work).args(["-cf", "layer.tar", "--owner=0", "--group=0", "-C", "root", "unique"]).run();
    let diff_id = Algorithm::Sha256.digest(&std::fs::read(work.join("layer.tar")).expect("tar wrote it"));
    Program::new("gzip", &work).args(["-n", "layer.tar"]).run();
    let layer = content.blob(LAYER, std::fs::read(work.join("layer.tar.gz")).expect("gzip wrote it"));
    let config = json!({
        "architecture": architecture, "os": "linux", "config": { "Cmd": ["/unique"] },
        "rootfs": { "type": "layers", "diff_ids": [diff_id] },
    });
    let config = content.blob(OCI_CONFIG, config.to_string().into_bytes());
    content.document(&json!({ "schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": [layer] }))
}

fn write(content: &Content, folder: &Path, top: &Value) -> Layout {
    let path = folder.join(format!("layout-{}", random::word()));
    let blobs = path.join("blobs/sha256");
    std::fs::create_dir_all(&blobs).expect("a writable folder");
    let documents = content.documents.iter().map(|document| (&document.digest, &document.bytes));
    for (digest, bytes) in content.blobs.iter().chain(documents) {
        std::fs::write(blobs.join(digest.trim_start_matches("sha256:")), bytes).expect("a writable folder");
    }
    let mut top = top.clone();
    top["annotations"] = json!({ "org.opencontainers.image.ref.name": TAG });
    let index = json!({ "schemaVersion": 2, "manifests": [top] });
    std::fs::write(path.join("index.json"), index.to_string()).expect("a writable folder");
    std::fs::write(path.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).expect("a writable folder");
    Layout { path, digest: top["digest"].as_str().expect("a digest").to_owned() }
}

/// Every blob of a layout, by the name of its file.
pub(crate) fn blobs(layout: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = std::fs::read_dir(layout.join("blobs/sha256")).expect("a layout has blobs");
    let files = files.map(|file| file.expect("a readable folder"));
    files
        .map(|file| {
            (file.file_name().to_string_lossy().into_owned(), std::fs::read(file.path()).expect("a readable file"))
        })
        .collect()
}

/// Fails unless both layouts hold the same blobs, byte for byte.
#[track_caller]
pub(crate) fn same(left: &Path, right: &Path) {
    let (left, right) = (blobs(left), blobs(right));
    assert_eq!(left.keys().collect::<Vec<_>>(), right.keys().collect::<Vec<_>>());
    assert!(left == right, "the same names, but other bytes");
}
