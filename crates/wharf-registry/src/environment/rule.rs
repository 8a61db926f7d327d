//! What may be pushed into a promoted environment: what is attached to something there, and nothing else. Pure.

use std::collections::BTreeSet;

use wharf_oci::manifest::{Content, Manifest};
use wharf_oci::{Digest, Tag};

/// Configs that make layers a file system to run.
const RUNNABLE_CONFIGS: [&str; 2] =
    ["application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json"];
/// What the media types of a file system's layers begin with. Signatures have a runnable config, too, but other layers.
const RUNNABLE_LAYERS: [&str; 2] = ["application/vnd.oci.image.layer.", "application/vnd.docker.image.rootfs."];

/// The manifests that a manifest under `tags` is attached to, which must stand in the environment; `None` where it is
/// attached to nothing: an image, a tag of one, or an image that only claims to be about another.
pub(crate) fn subjects(manifest: &Manifest, tags: &[Tag]) -> Option<Vec<Digest>> {
    let mut subjects: BTreeSet<Digest> = tags.iter().map(Tag::attached_to).collect::<Option<_>>()?;
    subjects.extend(manifest.subject.as_ref().map(|subject| subject.digest));
    (!subjects.is_empty() && !is_runnable(manifest)).then(|| subjects.into_iter().collect())
}

/// Whether engines would run it.
fn is_runnable(manifest: &Manifest) -> bool {
    let Content::Image { config, layers } = &manifest.content else { return false };
    let is_layer = |media_type: &str| RUNNABLE_LAYERS.iter().any(|prefix| media_type.starts_with(prefix));
    RUNNABLE_CONFIGS.contains(&config.media_type.as_str()) && layers.iter().any(|layer| is_layer(&layer.media_type))
}

#[cfg(test)]
mod tests {
    use wharf_oci::Algorithm;

    use super::*;

    const IMAGE_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
    const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
    const SIGNATURE: &str = "application/vnd.dev.cosign.simplesigning.v1+json";

    /// What it is: types of config and layer, whether it has a subject, its tags, and what it is attached to.
    type Row = (&'static str, (&'static str, &'static str), bool, Vec<String>, Option<Vec<Digest>>);

    fn digest(content: &[u8]) -> Digest {
        Digest::of(Algorithm::Sha256, content)
    }

    fn descriptor(media_type: &str, content: &[u8]) -> String {
        format!(r#"{{"mediaType":"{media_type}","digest":"{}","size":{}}}"#, digest(content), content.len())
    }

    fn manifest((config, layer): (&str, &str), subject: bool) -> Manifest {
        let subject = match subject {
            true => format!(r#","subject":{}"#, descriptor("application/vnd.oci.image.manifest.v1+json", b"image")),
            false => String::new(),
        };
        let text = format!(
            r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{},"layers":[{}]{subject}}}"#,
            descriptor(config, b"{}"),
            descriptor(layer, b"layer"),
        );
        Manifest::parse(None, text.as_bytes()).expect("valid")
    }

    fn tags(texts: &[String]) -> Vec<Tag> {
        texts.iter().map(|text| text.parse().expect("valid")).collect()
    }

    #[test]
    fn what_is_attached_names_what_it_is_attached_to() {
        let (image, other) = (digest(b"image"), digest(b"other"));
        let about = |digest: Digest, suffix: &str| format!("sha256-{}{suffix}", digest.hex());
        let (signature, runnable) = ((IMAGE_CONFIG, SIGNATURE), (IMAGE_CONFIG, LAYER));
        // oras gives files the type of a layer, with a config that nothing runs.
        let file = ("application/vnd.oci.empty.v1+json", LAYER);
        let both = [image, other].into_iter().collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>();
        #[rustfmt::skip]
        let table: [Row; 11] = [
            ("a referrer"                     , signature, true , vec![]                                        , Some(vec![image])),
            ("a file with a subject"          , file     , true , vec![]                                        , Some(vec![image])),
            ("a signature's tag"              , signature, false, vec![about(image, ".sig")]                    , Some(vec![image])),
            ("an attestation's tag"           , signature, false, vec![about(image, ".att")]                    , Some(vec![image])),
            ("an SBOM's tag"                  , file     , false, vec![about(image, ".sbom")]                   , Some(vec![image])),
            ("the list of referrers"          , file     , false, vec![about(image, "")]                        , Some(vec![image])),
            ("a referrer under another's tag" , signature, true , vec![about(other, ".sig")]                    , Some(both)),
            ("a manifest by its digest"       , signature, false, vec![]                                        , None),
            ("an image with a subject"        , runnable , true , vec![]                                        , None),
            ("an image under a signature's tag", runnable, false, vec![about(image, ".sig")]                    , None),
            ("a referrer under a version's tag", signature, true, vec![about(image, ".sig"), "20261130_01".into()], None),
        ];
        for (what, types, has_subject, names, wanted) in table {
            assert_eq!(subjects(&manifest(types, has_subject), &tags(&names)), wanted, "{what}");
        }
    }
}
