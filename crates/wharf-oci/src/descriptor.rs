//! Descriptors: what a manifest says about content that stands elsewhere.
//!
//! Spec: image-spec, descriptor.md. Whether the content exists is not known here.

use std::collections::BTreeMap;

use data_encoding::BASE64;
use serde::{Serialize, Serializer};

use crate::digest::{Digest, DigestError};
use crate::json::members::Members;
use crate::json::{self, JsonError, MemberError};
use crate::media_type::{MAX_MEDIA_TYPE_BYTES, MediaType, is_well_formed};

const MEMBERS: &[&str] = &["mediaType", "digest", "size", "urls", "annotations", "data", "platform", "artifactType"];

const PLATFORM_MEMBERS: &[&str] = &["architecture", "os", "os.version", "os.features", "variant", "features"];

/// Why a descriptor is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DescriptorError {
    /// The text around it is not strict JSON.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// A member is missing or of another type.
    #[error(transparent)]
    Member(#[from] MemberError),
    /// The platform's members are not what they should be.
    #[error("`platform`: {0}")]
    Platform(#[source] MemberError),
    /// `digest` is not one.
    #[error("`digest` is malformed: {0}")]
    Digest(#[source] DigestError),
    /// `size` is negative, fractional, written with an exponent or larger than 2⁶³−1.
    #[error("`size` is not a whole number of bytes from 0 to {max}", max = i64::MAX)]
    Size,
    /// A media type that no specification allows.
    #[error("`{0}` is not 1 to {MAX_MEDIA_TYPE_BYTES} printable ASCII characters")]
    MediaType(&'static str),
    /// `data` is not base64.
    #[error("`data` is not padded base64")]
    DataEncoding,
    /// `data` is not the content that `digest` and `size` name.
    #[error("the content in `data` does not have the descriptor's `digest` and `size`")]
    DataMismatch,
}

/// What is said about some content: type, digest, size, and more if it helps to choose among several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// The content's media type, as its author wrote it.
    pub media_type: String,
    /// The content's digest.
    #[serde(serialize_with = "as_text")]
    pub digest: Digest,
    /// The content's size in bytes; at most `i64::MAX`.
    pub size: u64,
    /// The type of the artifact that the content is the manifest of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// Free notes.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// What the image runs on, in an index.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// Where else the content is found. Never fetched by the registry.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub urls: Vec<String>,
}

/// What an image runs on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Platform {
    /// `amd64`, `arm64`, … as Go names them; empty where the author left it out.
    pub architecture: String,
    /// `linux`, `windows`, …; empty where the author left it out.
    pub os: String,
    /// Version of the operating system.
    #[serde(rename = "os.version", skip_serializing_if = "Option::is_none")]
    pub os_version: Option<String>,
    /// Required features of the operating system.
    #[serde(rename = "os.features", skip_serializing_if = "Vec::is_empty")]
    pub os_features: Vec<String>,
    /// Variant of the architecture, such as `v8`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// Required features of the processor; reserved in OCI, used by Docker.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub features: Vec<String>,
}

fn as_text<S: Serializer>(digest: &Digest, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(digest)
}

impl Descriptor {
    /// A descriptor that says only what every one must say.
    pub fn new(media_type: impl Into<String>, digest: Digest, size: u64) -> Self {
        Self {
            media_type: media_type.into(),
            digest,
            size,
            artifact_type: None,
            annotations: BTreeMap::new(),
            platform: None,
            urls: Vec::new(),
        }
    }

    /// Reads a descriptor that stands alone.
    pub fn parse(bytes: &[u8]) -> Result<Self, DescriptorError> {
        Self::read(json::check(bytes)?)
    }

    /// The descriptor as JSON. What its author wrote beside the known members is not kept.
    pub fn render(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("texts, numbers and maps by text are always JSON")
    }

    /// Whether the content is a manifest that this registry looks into. An index may list other content too:
    /// build caches list layers.
    pub fn is_manifest(&self) -> bool {
        MediaType::parse(&self.media_type).is_some()
    }

    /// Reads a descriptor from checked JSON.
    pub(crate) fn read(text: &str) -> Result<Self, DescriptorError> {
        let members = Members::read(text, MEMBERS)?;
        let media_type = members.string("mediaType")?.ok_or(MemberError::Missing("mediaType"))?;
        let artifact_type = members.string("artifactType")?.filter(|text| !text.is_empty());
        let digest: String = members.string("digest")?.ok_or(MemberError::Missing("digest"))?;
        if !is_well_formed(&media_type) {
            return Err(DescriptorError::MediaType("mediaType"));
        }
        if artifact_type.as_deref().is_some_and(|text| !is_well_formed(text)) {
            return Err(DescriptorError::MediaType("artifactType"));
        }
        let descriptor = Self {
            media_type,
            digest: digest.parse().map_err(DescriptorError::Digest)?,
            size: size(members.required("size")?)?,
            artifact_type,
            annotations: members.string_map("annotations")?,
            platform: members.get("platform").map(Platform::read).transpose().map_err(DescriptorError::Platform)?,
            urls: members.strings("urls")?,
        };
        if let Some(data) = members.string("data")? {
            descriptor.verify(&data)?;
        }
        Ok(descriptor)
    }

    /// Embedded content must be what the descriptor names, or clients that trust it run something else.
    fn verify(&self, data: &str) -> Result<(), DescriptorError> {
        let content = BASE64.decode(data.as_bytes()).map_err(|_| DescriptorError::DataEncoding)?;
        if content.len() as u64 != self.size || !self.digest.matches(&content) {
            return Err(DescriptorError::DataMismatch);
        }
        Ok(())
    }
}

impl Platform {
    fn read(text: &str) -> Result<Self, MemberError> {
        let members = Members::read(text, PLATFORM_MEMBERS)?;
        Ok(Self {
            architecture: members.string("architecture")?.unwrap_or_default(),
            os: members.string("os")?.unwrap_or_default(),
            os_version: members.string("os.version")?,
            os_features: members.strings("os.features")?,
            variant: members.string("variant")?,
            features: members.strings("features")?,
        })
    }
}

/// A size is an int64 in every client. Digits only: `1e3` and `1.0` are numbers that half of the clients refuse.
fn size(text: &str) -> Result<u64, DescriptorError> {
    let is_digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let size: i64 = text.parse().ok().filter(|_| is_digits).ok_or(DescriptorError::Size)?;
    u64::try_from(size).map_err(|_| DescriptorError::Size)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::digest::Algorithm;

    const TYPE: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

    fn digest() -> Digest {
        Digest::of(Algorithm::Sha256, b"{}")
    }

    fn minimal() -> Value {
        json!({ "mediaType": TYPE, "digest": digest().to_string(), "size": 2 })
    }

    fn with(name: &str, value: Value) -> Vec<u8> {
        let mut descriptor = minimal();
        descriptor[name] = value;
        descriptor.to_string().into_bytes()
    }

    fn without(name: &str) -> Vec<u8> {
        let mut descriptor = minimal();
        descriptor.as_object_mut().expect("an object").remove(name);
        descriptor.to_string().into_bytes()
    }

    fn with_size(size: &str) -> Vec<u8> {
        format!(r#"{{"mediaType":"{TYPE}","digest":"{}","size":{size}}}"#, digest()).into_bytes()
    }

    #[test]
    fn a_minimal_descriptor_is_read() {
        let read = Descriptor::parse(minimal().to_string().as_bytes());
        assert_eq!(read, Ok(Descriptor::new(TYPE, digest(), 2)));
    }

    #[test]
    fn every_known_member_is_read_and_unknown_ones_are_ignored() {
        let text = json!({
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "digest": Digest::of(Algorithm::Sha512, b"{}").to_string(),
            "size": 2,
            "data": "e30=",
            "urls": ["https://example.com/a"],
            "annotations": {"k": "v", "K": ""},
            "artifactType": "application/spdx+json",
            "platform": {
                "architecture": "arm64", "os": "windows", "os.version": "10", "os.features": ["win32k"],
                "variant": "v8", "features": ["sse4"], "org.example": 1,
            },
            "newUnspecifiedField": {"digest": 1},
        });
        let read = Descriptor::parse(text.to_string().as_bytes()).expect("valid");
        assert_eq!(read.digest, Digest::of(Algorithm::Sha512, b"{}"));
        assert_eq!(read.urls, ["https://example.com/a"]);
        assert_eq!(read.annotations.len(), 2);
        assert_eq!(read.artifact_type.as_deref(), Some("application/spdx+json"));
        let platform = read.platform.as_ref().expect("there");
        assert_eq!((platform.architecture.as_str(), platform.os.as_str()), ("arm64", "windows"));
        assert_eq!((platform.os_version.as_deref(), platform.variant.as_deref()), (Some("10"), Some("v8")));
        assert_eq!(
            (platform.os_features.as_slice(), platform.features.as_slice()),
            (&["win32k".to_owned()][..], &["sse4".to_owned()][..])
        );
        assert!(read.is_manifest());
    }

    #[test]
    fn null_stands_for_nothing() {
        for name in ["urls", "annotations", "artifactType", "platform", "data"] {
            assert_eq!(Descriptor::parse(&with(name, Value::Null)), Ok(Descriptor::new(TYPE, digest(), 2)), "{name}");
        }
        assert_eq!(Descriptor::parse(&with("artifactType", json!(""))).map(|read| read.artifact_type), Ok(None));
    }

    #[test]
    fn type_digest_and_size_are_required() {
        for name in ["mediaType", "digest", "size"] {
            for bytes in [without(name), with(name, Value::Null)] {
                assert_eq!(Descriptor::parse(&bytes), Err(MemberError::Missing(name).into()), "{name}");
            }
        }
    }

    #[test]
    fn a_size_is_a_whole_number_that_fits_an_int64() {
        for good in ["0", "9223372036854775807"] {
            assert_eq!(Descriptor::parse(&with_size(good)).map(|read| read.size.to_string()).as_deref(), Ok(good));
        }
        for bad in [
            "-1",
            "-0",
            "1.0",
            "1.5",
            "1e3",
            "9223372036854775808",
            "18446744073709551616",
            "1e300",
            "\"2\"",
            "[2]",
            "true",
        ] {
            assert_eq!(Descriptor::parse(&with_size(bad)), Err(DescriptorError::Size), "{bad}");
        }
    }

    #[test]
    fn a_digest_is_canonical_and_of_a_known_algorithm() {
        let upper = digest().to_string().to_uppercase();
        for bad in ["", "sha256:", "sha256:beef", "md5:d41d8cd98f00b204e9800998ecf8427e", "sha256+b64u:LCa0", &upper] {
            let error = Descriptor::parse(&with("digest", json!(bad))).expect_err(bad);
            assert!(matches!(error, DescriptorError::Digest(_)), "{bad}: {error}");
        }
    }

    #[test]
    fn members_of_another_type_are_refused() {
        for (name, value) in [
            ("mediaType", json!(1)),
            ("digest", json!([])),
            ("urls", json!("https://example.com")),
            ("urls", json!([1])),
            ("annotations", json!({"k": 1})),
            ("annotations", json!({"k": null})),
            ("annotations", json!(["k"])),
            ("artifactType", json!({})),
            ("data", json!(1)),
        ] {
            let error = Descriptor::parse(&with(name, value.clone())).expect_err(name);
            assert!(error.to_string().starts_with(&format!("`{name}` is not ")), "{name} {value}: {error}");
        }
        for platform in [json!(1), json!({"os": 1}), json!({"os.features": "x"}), json!({"OS": "linux"})] {
            let error = Descriptor::parse(&with("platform", platform.clone())).expect_err("refused");
            assert!(matches!(error, DescriptorError::Platform(_)), "{platform}: {error}");
        }
    }

    #[test]
    fn media_types_are_printable_and_short() {
        for bad in ["", "a\0b", "text/pl\u{e4}in", &"a".repeat(300)] {
            assert_eq!(Descriptor::parse(&with("mediaType", json!(bad))), Err(DescriptorError::MediaType("mediaType")));
        }
        let bad = with("artifactType", json!("a\nb"));
        assert_eq!(Descriptor::parse(&bad), Err(DescriptorError::MediaType("artifactType")));
    }

    #[test]
    fn embedded_data_is_what_the_digest_and_size_say() {
        assert!(Descriptor::parse(&with("data", json!("e30="))).is_ok());
        for bad in ["", "e3w=", "e30K", "AAA="] {
            assert_eq!(Descriptor::parse(&with("data", json!(bad))), Err(DescriptorError::DataMismatch), "{bad}");
        }
        for bad in ["e30", "e31=", "e3=0", "e30=\n", "e30 =", "{}", "e31=="] {
            assert_eq!(Descriptor::parse(&with("data", json!(bad))), Err(DescriptorError::DataEncoding), "{bad}");
        }
        let mut other_size = minimal();
        other_size["size"] = json!(3);
        other_size["data"] = json!("e30=");
        assert_eq!(Descriptor::parse(other_size.to_string().as_bytes()), Err(DescriptorError::DataMismatch));
    }

    #[test]
    fn a_member_in_another_case_is_refused() {
        let error = Descriptor::parse(&with("Digest", json!("x"))).expect_err("refused");
        assert_eq!(error.to_string(), "member `Digest` must be spelt `digest`; some readers do not tell them apart");
    }

    fn text() -> impl Strategy<Value = String> {
        "[ -~\0\n\u{e4}\u{1f600}]{0,8}"
    }

    fn platforms() -> impl Strategy<Value = Platform> {
        let lists = || prop::collection::vec(text(), 0..3);
        (text(), text(), prop::option::of(text()), lists(), prop::option::of(text()), lists()).prop_map(
            |(architecture, os, os_version, os_features, variant, features)| Platform {
                architecture,
                os,
                os_version,
                os_features,
                variant,
                features,
            },
        )
    }

    prop_compose! {
        fn descriptors()(
            media_type in "[ -~]{1,40}",
            content in any::<[u8; 4]>(),
            is_long in any::<bool>(),
            size in 0..=i64::MAX as u64,
            artifact_type in prop::option::of("[ -~]{1,40}"),
            annotations in prop::collection::btree_map(text(), text(), 0..4),
            platform in prop::option::of(platforms()),
            urls in prop::collection::vec(text(), 0..3),
        ) -> Descriptor {
            let algorithm = if is_long { Algorithm::Sha512 } else { Algorithm::Sha256 };
            let digest = Digest::of(algorithm, &content);
            Descriptor { media_type, digest, size, artifact_type, annotations, platform, urls }
        }
    }

    proptest! {
        #[test]
        fn a_descriptor_reads_back_as_it_was_written(descriptor in descriptors()) {
            prop_assert_eq!(Descriptor::parse(&descriptor.render()), Ok(descriptor));
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..256)) {
            drop(Descriptor::parse(&bytes));
        }
    }
}
