//! The last step of a sink: what has come gets its names.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io::Write as _;
use std::path::Path;

use wharf_oci::{Algorithm, Descriptor, Digest, Manifest, Tag};

use super::docker;
use super::folder::{BLOBS, Folder, INDEX, OCI_LAYOUT};
use super::index;
use super::pack::{self, Member};
use super::sink::Form;
use crate::error::Error;

const LAYOUT_VERSION: &[u8] = br#"{"imageLayoutVersion":"1.0.0"}"#;

/// A manifest that has come.
#[derive(Debug)]
pub(super) struct Listed {
    pub(super) descriptor: Descriptor,
    pub(super) manifest: Manifest,
    pub(super) tags: Vec<Tag>,
}

/// Lists what has come in a layout's folder. Blocks.
pub(super) fn extend(folder: &Folder, manifests: &[Listed]) -> Result<(), Error> {
    let _lock = folder.lock()?;
    let present = folder.document(INDEX)?;
    let extended = index::extended(present.as_deref(), &entries(&Form::Folder, manifests))?;
    put(folder, INDEX, &extended)?;
    if folder.document(OCI_LAYOUT)?.is_none() {
        put(folder, OCI_LAYOUT, LAYOUT_VERSION)?;
    }
    folder.sync()
}

fn put(folder: &Folder, name: &str, bytes: &[u8]) -> Result<(), Error> {
    let mut file = folder.new_file()?;
    file.file().write_all(bytes).map_err(|source| file.failed(source))?;
    file.place(name)
}

/// What stands in `index.json`: all that has a tag, and all that nothing else lists.
fn entries(form: &Form, manifests: &[Listed]) -> Vec<Descriptor> {
    let children: HashSet<Digest> =
        manifests.iter().flat_map(|listed| listed.manifest.children()).map(|child| child.digest).collect();
    let mut entries = Vec::new();
    for listed in manifests {
        let named = |tag: &Tag| match form {
            Form::Folder | Form::Archive => index::named(&listed.descriptor, tag.as_str()),
            Form::Docker { repository } => docker::named(&listed.descriptor, repository.as_deref(), tag),
        };
        entries.extend(listed.tags.iter().map(named));
        if listed.tags.is_empty() && !children.contains(&listed.descriptor.digest) {
            entries.push(listed.descriptor.clone());
        }
    }
    entries.sort_by_key(|entry| (entry.annotations.clone(), entry.digest));
    entries
}

/// Makes an archive of the folder, and puts it in its place. Blocks.
pub(super) fn pack(
    folder: &Folder,
    form: &Form,
    blobs: &BTreeSet<Digest>,
    manifests: &[Listed],
    target: &Path,
) -> Result<(), Error> {
    let mut members = BTreeMap::from([
        (OCI_LAYOUT.to_owned(), Member::Document(LAYOUT_VERSION.to_vec())),
        (INDEX.to_owned(), Member::Document(index::extended(None, &entries(form, manifests))?)),
        (BLOBS.to_owned(), Member::Folder),
    ]);
    for algorithm in Algorithm::ALL.iter().filter(|known| blobs.iter().any(|blob| blob.algorithm() == **known)) {
        members.insert(format!("{BLOBS}/{algorithm}"), Member::Folder);
    }
    let blob = |digest: &Digest| format!("{BLOBS}/{}/{}", digest.algorithm(), digest.hex());
    members.extend(blobs.iter().map(|digest| (blob(digest), Member::Blob(*digest))));
    if let Form::Docker { repository } = form {
        members.insert(docker::MANIFEST.to_owned(), Member::Document(docker_list(manifests, repository.as_deref())));
    }
    let mut file = folder.new_file()?;
    pack::write(file.file(), folder, members)?;
    file.replace(target)
}

fn docker_list(manifests: &[Listed], repository: Option<&str>) -> Vec<u8> {
    let listed = |listed: &Listed| docker::list(&listed.manifest, repository, &listed.tags);
    let images: Vec<_> = manifests.iter().filter_map(listed).collect();
    serde_json::to_vec(&images).expect("texts are always JSON")
}
