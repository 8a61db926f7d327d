//! What a manifest must stand on. Pure.

use std::collections::HashMap;

use wharf_oci::Digest;
use wharf_oci::descriptor::Descriptor;
use wharf_oci::manifest::{Content, Manifest};

use super::Accept;
use crate::error::Error;

/// What the repository has of what a manifest names, with sizes in bytes.
pub(super) type Present = HashMap<Digest, u64>;

/// Whether an image may name layers that the repository does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sparse {
    /// Every layer is here.
    Refused,
    /// The config and at least one layer are here.
    Allowed,
}

/// Checks a manifest against the blobs and manifests that the repository has. An index may name manifests that are
/// not here (yet, or ever); what is here has the size that its descriptor says.
pub(super) fn check(manifest: &Manifest, present: &Present, sparse: Sparse) -> Result<(), Error> {
    for descriptor in manifest.blobs().chain(manifest.optional_blobs()).chain(manifest.children()) {
        check_size(descriptor, present)?;
    }
    let Content::Image { config, .. } = &manifest.content else { return Ok(()) };
    if !present.contains_key(&config.digest) {
        return Err(Error::ManifestBlobUnknown(config.digest));
    }
    let mut layers = manifest.blobs().filter(|layer| layer.digest != config.digest);
    let Some(missing) = layers.find(|layer| !present.contains_key(&layer.digest)) else { return Ok(()) };
    let has_some = manifest.blobs().any(|blob| blob.digest != config.digest && present.contains_key(&blob.digest));
    match sparse {
        Sparse::Allowed if has_some => Ok(()),
        Sparse::Allowed | Sparse::Refused => Err(Error::ManifestBlobUnknown(missing.digest)),
    }
}

fn check_size(descriptor: &Descriptor, present: &Present) -> Result<(), Error> {
    match present.get(&descriptor.digest) {
        Some(&actual_bytes) if actual_bytes != descriptor.size => {
            Err(Error::SizeMismatch { digest: descriptor.digest, stated_bytes: descriptor.size, actual_bytes })
        }
        Some(_) | None => Ok(()),
    }
}

/// The linux/amd64 image of an index, if the client takes its type: what a client that knows no indexes expects.
pub(super) fn platform_child(index: &Manifest, accept: &Accept) -> Option<Digest> {
    let fits = |child: &&Descriptor| {
        child.platform.as_ref().is_some_and(|platform| platform.os == "linux" && platform.architecture == "amd64")
            && accept.allows(&child.media_type)
    };
    index.children().iter().find(fits).map(|child| child.digest)
}

#[cfg(test)]
mod tests {
    use wharf_oci::Algorithm;

    use super::*;

    fn digest(content: &[u8]) -> Digest {
        Digest::of(Algorithm::Sha256, content)
    }

    fn image() -> Manifest {
        let layer = |name: &[u8]| {
            format!(
                r#"{{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"{}","size":{}}}"#,
                digest(name),
                name.len()
            )
        };
        let text = format!(
            r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",
            "config":{{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{}","size":2}},"layers":[{},{}]}}"#,
            digest(b"{}"),
            layer(b"one"),
            layer(b"three")
        );
        Manifest::parse(None, text.as_bytes()).expect("valid")
    }

    fn present(contents: &[&[u8]]) -> Present {
        contents.iter().map(|content| (digest(content), content.len() as u64)).collect()
    }

    #[test]
    fn an_image_stands_on_blobs_that_are_here() {
        assert!(check(&image(), &present(&[b"{}", b"one", b"three"]), Sparse::Refused).is_ok());
        for (here, missing) in
            [(&[b"one".as_slice(), b"three"][..], &b"{}"[..]), (&[b"{}", b"one"], b"three"), (&[b"{}"], b"one")]
        {
            let error = check(&image(), &present(here), Sparse::Refused).expect_err("a blob is missing");
            assert!(matches!(error, Error::ManifestBlobUnknown(unknown) if unknown == digest(missing)), "{error}");
        }
    }

    #[test]
    fn a_sparse_image_has_its_config_and_some_layer() {
        assert!(check(&image(), &present(&[b"{}", b"three"]), Sparse::Allowed).is_ok());
        assert!(check(&image(), &present(&[b"{}"]), Sparse::Allowed).is_err());
        assert!(check(&image(), &present(&[b"one", b"three"]), Sparse::Allowed).is_err());
    }

    #[test]
    fn a_descriptor_says_the_size_of_what_is_here() {
        let mut here = present(&[b"{}", b"one", b"three"]);
        here.insert(digest(b"one"), 4);
        let error = check(&image(), &here, Sparse::Allowed).expect_err("the size differs");
        assert!(matches!(error, Error::SizeMismatch { stated_bytes: 3, actual_bytes: 4, .. }), "{error}");
    }
}
