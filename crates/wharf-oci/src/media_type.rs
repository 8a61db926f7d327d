//! Media types: what a manifest says it is.
//!
//! Only the four types that a registry must look into are values of [`MediaType`]. Configs, layers and artifacts have
//! any media type; they stay text, and nothing here parses what they name.
//! Spec: image-spec, media-types.md; RFC 6838, 4.2.

use std::fmt;

/// The longest media type of a descriptor or artifact, in bytes: RFC 6838 allows 127 on each side of the `/`.
pub const MAX_MEDIA_TYPE_BYTES: usize = 255;

/// Docker's first manifest format, unsigned.
pub const DOCKER_SCHEMA1: &str = "application/vnd.docker.distribution.manifest.v1+json";
/// Docker's first manifest format, signed.
pub const DOCKER_SCHEMA1_SIGNED: &str = "application/vnd.docker.distribution.manifest.v1+prettyjws";
/// The artifact manifest that image-spec 1.1 withdrew before its release.
pub const OCI_ARTIFACT_MANIFEST: &str = "application/vnd.oci.artifact.manifest.v1+json";
/// The config or layer that has no content: the two bytes `{}`.
pub const OCI_EMPTY: &str = "application/vnd.oci.empty.v1+json";

// Both have variants for the compression: nothing, `+gzip`, `+zstd`, `.gzip`.
const NON_DISTRIBUTABLE: [&str; 2] =
    ["application/vnd.oci.image.layer.nondistributable.v1.tar", "application/vnd.docker.image.rootfs.foreign.diff.tar"];

/// The type of a manifest that this registry stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MediaType {
    /// OCI image manifest.
    OciManifest,
    /// OCI image index.
    OciIndex,
    /// Docker image manifest, version 2, schema 2.
    DockerManifest,
    /// Docker manifest list.
    DockerManifestList,
}

impl MediaType {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::OciManifest, Self::OciIndex, Self::DockerManifest, Self::DockerManifestList];

    /// The manifest type that `text` spells exactly.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|media_type| media_type.as_str() == text)
    }

    /// The manifest type that a header's value names: upper case and parameters (`; charset=utf-8`) are no difference.
    pub fn from_header(value: &str) -> Option<Self> {
        let essence = essence(value);
        Self::ALL.into_iter().find(|media_type| media_type.as_str().eq_ignore_ascii_case(essence))
    }

    /// The type's text.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OciManifest => "application/vnd.oci.image.manifest.v1+json",
            Self::OciIndex => "application/vnd.oci.image.index.v1+json",
            Self::DockerManifest => "application/vnd.docker.distribution.manifest.v2+json",
            Self::DockerManifestList => "application/vnd.docker.distribution.manifest.list.v2+json",
        }
    }

    /// Whether such a manifest lists manifests, and not a config and layers.
    pub fn is_index(self) -> bool {
        matches!(self, Self::OciIndex | Self::DockerManifestList)
    }

    /// Whether the type is Docker's.
    pub fn is_docker(self) -> bool {
        matches!(self, Self::DockerManifest | Self::DockerManifestList)
    }
}

impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A header's media type without its parameters.
pub(crate) fn essence(value: &str) -> &str {
    value.split(';').next().unwrap_or_default().trim_matches([' ', '\t'])
}

/// Whether a layer of this type may be left out of a registry because it is fetched from elsewhere.
pub fn is_non_distributable(media_type: &str) -> bool {
    NON_DISTRIBUTABLE.iter().any(|prefix| {
        media_type.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with(['+', '.']))
    })
}

/// Whether `text` may stand as the media type of a descriptor or artifact: 1 to [`MAX_MEDIA_TYPE_BYTES`] bytes of
/// printable ASCII. Looser than RFC 6838, because what stores or copies a manifest must not judge its parts' types.
pub fn is_well_formed(text: &str) -> bool {
    (1..=MAX_MEDIA_TYPE_BYTES).contains(&text.len()) && text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_reads_back_as_it_is_written() {
        for media_type in MediaType::ALL {
            assert_eq!(MediaType::parse(media_type.as_str()), Some(media_type));
            assert_eq!(media_type.to_string(), media_type.as_str());
        }
        for other in ["", "application/json", DOCKER_SCHEMA1, DOCKER_SCHEMA1_SIGNED, OCI_ARTIFACT_MANIFEST] {
            assert_eq!(MediaType::parse(other), None, "{other}");
        }
        assert!(MediaType::OciIndex.is_index() && MediaType::DockerManifestList.is_index());
        assert!(!MediaType::OciManifest.is_index() && !MediaType::DockerManifest.is_index());
    }

    #[test]
    fn only_a_header_may_carry_parameters_and_upper_case() {
        for header in [
            "application/vnd.oci.image.index.v1+json",
            "application/vnd.oci.image.index.v1+json; charset=utf-8",
            " application/vnd.oci.image.index.v1+json\t;a=b;c=d",
            "Application/VND.OCI.image.index.v1+JSON",
        ] {
            assert_eq!(MediaType::from_header(header), Some(MediaType::OciIndex), "{header}");
        }
        for header in
            ["application/vnd.oci.image.index.v1+json, text/plain", ";", "", "application/vnd.oci.image.index"]
        {
            assert_eq!(MediaType::from_header(header), None, "{header}");
        }
        assert_eq!(MediaType::parse("application/vnd.oci.image.index.v1+json; charset=utf-8"), None);
    }

    #[test]
    fn layers_that_come_from_elsewhere_are_known_by_their_type() {
        for foreign in [
            "application/vnd.oci.image.layer.nondistributable.v1.tar",
            "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
            "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
            "application/vnd.docker.image.rootfs.foreign.diff.tar",
            "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
        ] {
            assert!(is_non_distributable(foreign), "{foreign}");
        }
        for own in [
            "application/vnd.oci.image.layer.v1.tar+gzip",
            "application/vnd.docker.image.rootfs.diff.tar.gzip",
            "application/vnd.oci.image.layer.nondistributable.v1.target",
            "",
        ] {
            assert!(!is_non_distributable(own), "{own}");
        }
    }

    #[test]
    fn a_media_type_is_short_printable_ascii() {
        let longest = "a".repeat(MAX_MEDIA_TYPE_BYTES);
        for good in ["application/vnd.example+json", "text/plain; charset=utf-8", "x", &longest] {
            assert!(is_well_formed(good), "{good}");
        }
        let too_long = "a".repeat(MAX_MEDIA_TYPE_BYTES + 1);
        for bad in ["", "text/pläin", "a\0b", "a\nb", "\u{7f}", &too_long] {
            assert!(!is_well_formed(bad), "{bad}");
        }
    }
}
