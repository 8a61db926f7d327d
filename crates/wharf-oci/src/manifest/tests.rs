//! What is read in manifests, and what is refused.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::digest::Algorithm;
use crate::media_type::OCI_EMPTY;

const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const DOCKER_IMAGE: &str = "application/vnd.docker.distribution.manifest.v2+json";
const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

fn descriptor(media_type: &str, content: &str) -> Value {
    let digest = Digest::of(Algorithm::Sha256, content.as_bytes());
    json!({ "mediaType": media_type, "digest": digest.to_string(), "size": content.len() })
}

fn image() -> Value {
    json!({
        "schemaVersion": 2,
        "mediaType": IMAGE,
        "config": descriptor(CONFIG, "config"),
        "layers": [descriptor(LAYER, "first"), descriptor(LAYER, "second")],
    })
}

fn index() -> Value {
    json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [descriptor(IMAGE, "a"), descriptor(INDEX, "b")] })
}

/// `document` with one member set, or removed where `value` is `None`.
fn with(mut document: Value, name: &str, value: impl Into<Option<Value>>) -> Value {
    let members = document.as_object_mut().expect("an object");
    match value.into() {
        Some(value) => members.insert(name.to_owned(), value),
        None => members.remove(name),
    };
    document
}

fn parse(content_type: Option<&str>, document: &Value) -> Result<Manifest, ManifestError> {
    Manifest::parse(content_type, document.to_string().as_bytes())
}

fn refusal(content_type: Option<&str>, document: &Value) -> ManifestError {
    parse(content_type, document).expect_err("refused")
}

fn sizes<'a>(descriptors: impl Iterator<Item = &'a Descriptor>) -> Vec<u64> {
    descriptors.map(|descriptor| descriptor.size).collect()
}

#[test]
fn an_image_names_its_config_and_layers() {
    let manifest = parse(Some(IMAGE), &image()).expect("valid");
    assert_eq!(manifest.media_type, MediaType::OciManifest);
    assert_eq!(sizes(manifest.blobs()), [6, 5, 6], "config first, then layers in order");
    assert_eq!((manifest.children().len(), manifest.optional_blobs().count()), (0, 0));
}

#[test]
fn an_index_names_its_children_and_demands_none() {
    let manifest = parse(Some(INDEX), &index()).expect("valid");
    assert_eq!(manifest.children().len(), 2);
    assert_eq!((manifest.blobs().count(), manifest.optional_blobs().count()), (0, 0));
    let empty = with(index(), "manifests", json!([]));
    assert_eq!(parse(Some(INDEX), &empty).expect("valid").children(), []);
}

#[test]
fn dockers_types_are_read_alike() {
    let docker = with(image(), "mediaType", json!(DOCKER_IMAGE));
    assert_eq!(parse(Some(DOCKER_IMAGE), &docker).expect("valid").media_type, MediaType::DockerManifest);
    let list = with(index(), "mediaType", json!(DOCKER_LIST));
    assert_eq!(parse(Some(DOCKER_LIST), &list).expect("valid").media_type, MediaType::DockerManifestList);
}

#[test]
fn the_type_comes_from_header_and_body_if_they_agree() {
    let unnamed = with(image(), "mediaType", None);
    for (header, document) in [
        (Some(IMAGE), image()),
        (Some(IMAGE), unnamed.clone()),
        (None, image()),
        (Some(""), image()),
        (Some("application/vnd.oci.image.manifest.v1+json; charset=utf-8"), image()),
        (Some("Application/vnd.OCI.image.manifest.v1+json ;q=1"), unnamed.clone()),
        (Some(IMAGE), with(image(), "mediaType", Value::Null)),
    ] {
        let read = parse(header, &document).map(|manifest| manifest.media_type);
        assert_eq!(read, Ok(MediaType::OciManifest), "{header:?} {document}");
    }
    assert_eq!(refusal(None, &unnamed), ManifestError::MissingMediaType);
    for header in [INDEX, DOCKER_IMAGE, "application/json", "text/plain", "application/octet-stream"] {
        let mismatch = ManifestError::MediaTypeMismatch { header: header.to_owned(), body: IMAGE.to_owned() };
        assert_eq!(refusal(Some(header), &image()), mismatch);
    }
    let unknown = with(image(), "mediaType", json!("application/x"));
    assert!(matches!(refusal(Some(IMAGE), &unknown), ManifestError::MediaTypeMismatch { .. }));
    let wrong_type = with(image(), "mediaType", json!(7));
    assert!(matches!(refusal(Some(IMAGE), &wrong_type), ManifestError::Member(_)));
}

#[test]
fn a_type_that_is_no_manifest_is_refused_with_its_name() {
    let unknown = ManifestError::UnknownMediaType { given: "application/x".to_owned() };
    let document = with(image(), "mediaType", json!("application/x"));
    assert_eq!(refusal(None, &document), unknown);
    assert_eq!(refusal(Some("application/x"), &document), unknown);
    assert_eq!(refusal(Some("application/x; a=b"), &with(image(), "mediaType", None)), unknown);
    let parameters = with(image(), "mediaType", json!(format!("{IMAGE}; charset=utf-8")));
    assert!(matches!(refusal(None, &parameters), ManifestError::UnknownMediaType { .. }));
}

#[test]
fn a_docker_manifest_names_its_type() {
    let unnamed = with(image(), "mediaType", None);
    let error = refusal(Some(DOCKER_IMAGE), &unnamed);
    assert_eq!(error, ManifestError::MediaTypeNotNamed(MediaType::DockerManifest));
    assert!(error.to_string().contains(DOCKER_IMAGE));
}

#[test]
fn schema_1_is_refused_by_header_by_name_and_by_content() {
    let schema1 =
        json!({ "schemaVersion": 1, "name": "a", "tag": "b", "fsLayers": [], "history": [], "signatures": [] });
    for header in [None, Some(DOCKER_SCHEMA1), Some(DOCKER_SCHEMA1_SIGNED), Some("application/json"), Some(IMAGE)] {
        assert_eq!(refusal(header, &schema1), ManifestError::Schema1, "{header:?}");
    }
    let signed = format!("{DOCKER_SCHEMA1_SIGNED}; charset=utf-8");
    assert_eq!(refusal(Some(&signed), &image()), ManifestError::Schema1);
    assert_eq!(refusal(None, &with(image(), "mediaType", json!(DOCKER_SCHEMA1))), ManifestError::Schema1);
    assert_eq!(refusal(Some(IMAGE), &with(image(), "fsLayers", json!([]))), ManifestError::Schema1);
    assert_eq!(refusal(Some(IMAGE), &with(image(), "schemaVersion", json!(1))), ManifestError::Schema1);
}

#[test]
fn the_withdrawn_artifact_manifest_is_refused_with_a_way_out() {
    let artifact = json!({ "mediaType": OCI_ARTIFACT_MANIFEST, "artifactType": "a/b", "blobs": [] });
    for header in [None, Some(OCI_ARTIFACT_MANIFEST), Some(IMAGE)] {
        let error = refusal(header, &artifact);
        assert_eq!(error, ManifestError::WithdrawnArtifact);
        assert!(error.to_string().contains("artifactType"), "{error}");
    }
}

#[test]
fn the_schema_version_is_2() {
    for version in [json!(3), json!("2"), json!(2.0), json!(0), json!(-2), json!([2])] {
        assert_eq!(refusal(Some(IMAGE), &with(image(), "schemaVersion", version)), ManifestError::SchemaVersion);
    }
    let missing = with(image(), "schemaVersion", None);
    assert_eq!(refusal(Some(IMAGE), &missing), json::MemberError::Missing("schemaVersion").into());
}

#[test]
fn a_document_that_is_image_and_index_is_refused() {
    for (header, document, other) in [
        (IMAGE, with(image(), "manifests", json!([])), "layers"),
        (IMAGE, with(image(), "manifests", Value::Null), "layers"),
        (INDEX, with(index(), "layers", json!([])), "layers"),
        (INDEX, with(index(), "layers", Value::Null), "layers"),
        (INDEX, with(index(), "config", descriptor(CONFIG, "c")), "config"),
    ] {
        assert_eq!(refusal(Some(header), &document), ManifestError::Ambiguous { other }, "{document}");
    }
    let capital = with(image(), "Manifests", json!([]));
    let misspelt = json::MemberError::Misspelt { found: "Manifests".to_owned(), known: "manifests" };
    assert_eq!(refusal(Some(IMAGE), &capital), misspelt.into());
}

#[test]
fn a_document_of_the_other_kind_is_refused() {
    let unnamed = |document| with(document, "mediaType", None);
    let as_index = ManifestError::WrongShape { media_type: MediaType::OciIndex, member: "layers" };
    assert_eq!(refusal(Some(INDEX), &unnamed(image())), as_index);
    let as_image = ManifestError::WrongShape { media_type: MediaType::OciManifest, member: "manifests" };
    assert_eq!(refusal(Some(IMAGE), &unnamed(index())), as_image);
}

#[test]
fn the_lists_and_the_config_are_required() {
    for (header, document, name) in
        [(IMAGE, image(), "config"), (IMAGE, image(), "layers"), (INDEX, index(), "manifests")]
    {
        let missing = json::MemberError::Missing(name).into();
        assert_eq!(refusal(Some(header), &with(document.clone(), name, None)), missing, "{name}");
        assert!(parse(Some(header), &with(document, name, json!("x"))).is_err());
    }
    let null = with(image(), "layers", Value::Null);
    assert_eq!(parse(Some(IMAGE), &null).expect("Go writes an empty list so").blobs().count(), 1);
}

#[test]
fn an_artifact_without_content_is_valid() {
    let empty = json!({
        "mediaType": OCI_EMPTY,
        "digest": Digest::of(Algorithm::Sha256, b"{}").to_string(),
        "size": 2,
        "data": "e30=",
    });
    let artifact = with(with(image(), "config", empty), "layers", json!([]));
    let named = with(artifact.clone(), "artifactType", json!("application/vnd.example"));
    assert_eq!(parse(Some(IMAGE), &named).expect("valid").artifact_type.as_deref(), Some("application/vnd.example"));
    assert_eq!(parse(Some(IMAGE), &artifact).expect("valid").artifact_type.as_deref(), Some(OCI_EMPTY));
}

#[test]
fn the_artifact_type_falls_back_to_the_config_of_an_image_only() {
    for absent in [None, Some(Value::Null), Some(json!(""))] {
        let plain = with(image(), "artifactType", absent.clone());
        assert_eq!(parse(Some(IMAGE), &plain).expect("valid").artifact_type.as_deref(), Some(CONFIG));
        let list = with(index(), "artifactType", absent);
        assert_eq!(parse(Some(INDEX), &list).expect("valid").artifact_type, None);
    }
    let named = with(index(), "artifactType", json!("a/b"));
    assert_eq!(parse(Some(INDEX), &named).expect("valid").artifact_type.as_deref(), Some("a/b"));
    let bad = with(image(), "artifactType", json!("a\u{0}b"));
    assert_eq!(refusal(Some(IMAGE), &bad), ManifestError::ArtifactType);
    assert!(parse(Some(IMAGE), &with(image(), "artifactType", json!(1))).is_err());
}

#[test]
fn subject_and_annotations_are_read_on_images_and_indexes() {
    for (header, document) in [(IMAGE, image()), (INDEX, index())] {
        let document = with(document, "subject", descriptor(IMAGE, "subject"));
        let document = with(document, "annotations", json!({"a": "b"}));
        let manifest = parse(Some(header), &document).expect("valid");
        assert_eq!(manifest.subject.as_ref().map(|subject| subject.size), Some(7));
        let digest = Digest::of(Algorithm::Sha512, b"x");
        let listed = manifest.descriptor(digest, 9);
        assert_eq!((listed.media_type.as_str(), listed.digest, listed.size), (header, digest, 9));
        assert_eq!((listed.artifact_type, listed.annotations), (manifest.artifact_type, manifest.annotations));
        for bad in [json!({"a": 1}), json!([]), json!({"a": null}), json!("a")] {
            assert!(parse(Some(header), &with(document.clone(), "annotations", bad)).is_err());
        }
        let bad = with(document.clone(), "subject", json!({"digest": "x"}));
        assert!(matches!(refusal(Some(header), &bad), ManifestError::BadDescriptor { at, .. } if at == "subject"));
        let none = with(document, "subject", Value::Null);
        assert_eq!(parse(Some(header), &none).map(|manifest| manifest.subject), Ok(None));
    }
}

#[test]
fn a_bad_descriptor_is_named_by_its_place() {
    let mut document = image();
    document["layers"][1]["size"] = json!(-1);
    let error = refusal(Some(IMAGE), &document);
    assert_eq!(
        error.to_string(),
        "in the manifest's `layers[1]`, `size` is not a whole number of bytes from 0 to 9223372036854775807"
    );
    document["config"]["digest"] = json!("sha256:beef");
    assert!(matches!(refusal(Some(IMAGE), &document), ManifestError::BadDescriptor { at, .. } if at == "config"));
    for bad in [json!([1]), json!([null]), json!([[]]), json!(["x"])] {
        let document = with(index(), "manifests", bad);
        assert!(
            matches!(refusal(Some(INDEX), &document), ManifestError::BadDescriptor { at, .. } if at == "manifests[0]")
        );
    }
}

#[test]
fn layers_from_elsewhere_are_not_demanded() {
    let foreign = descriptor("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", "foreign!");
    let mirrored = with(descriptor(LAYER, "mirrored"), "urls", json!(["https://example.com"]));
    let document = with(image(), "layers", json!([foreign, mirrored, descriptor("a/b", "any")]));
    let manifest = parse(Some(IMAGE), &document).expect("valid");
    assert_eq!(sizes(manifest.blobs()), [6, 8, 3], "`urls` alone do not make a layer foreign");
    assert_eq!(sizes(manifest.optional_blobs()), [8]);
}

#[test]
fn an_index_may_list_what_is_no_manifest() {
    let cache = with(index(), "manifests", json!([descriptor(LAYER, "layer"), descriptor(IMAGE, "a")]));
    let manifest = parse(Some(INDEX), &cache).expect("valid");
    assert_eq!((sizes(manifest.optional_blobs()), manifest.children().len()), (vec![5], 2));
}

#[test]
fn unknown_members_are_ignored_and_their_duplicates_are_not() {
    let document = with(image(), "org.example", json!({"config": [1, {"x": 2.5}]}));
    assert!(parse(Some(IMAGE), &document).is_ok());
    let text = image().to_string();
    for doubled in [
        format!("{},\"mediaType\":\"{IMAGE}\"}}", &text[..text.len() - 1]),
        format!("{},\"l\\u0061yers\":[]}}", &text[..text.len() - 1]),
        format!("{},\"x\":{{\"y\":1,\"y\":1}}}}", &text[..text.len() - 1]),
        text.replacen("\"size\":", "\"size\":0,\"size\":", 1),
    ] {
        let error = Manifest::parse(Some(IMAGE), doubled.as_bytes()).expect_err("refused");
        assert!(matches!(error, ManifestError::Json(json::JsonError::DuplicateKey { .. })), "{doubled}: {error}");
    }
}

#[test]
fn what_is_no_object_of_strict_json_is_refused() {
    for bytes in [&b""[..], b"{", b"{} {}", b"\xff", b"[]", b"null", b"7", b"\"a\""] {
        assert!(Manifest::parse(Some(IMAGE), bytes).is_err());
        assert!(Manifest::parse(None, bytes).is_err());
    }
    let deep = format!("{{\"x\":{}", "[".repeat(1_000_000));
    assert_eq!(Manifest::parse(None, deep.as_bytes()), Err(json::JsonError::TooDeep.into()));
}

#[test]
fn a_manifest_has_at_most_four_mebibytes() {
    let text = image().to_string();
    let padded = |size: usize| format!("{text}{}", " ".repeat(size - text.len()));
    assert!(Manifest::parse(Some(IMAGE), padded(MAX_MANIFEST_BYTES).as_bytes()).is_ok());
    let too_large = ManifestError::TooLarge { size_bytes: MAX_MANIFEST_BYTES + 1 };
    assert_eq!(Manifest::parse(Some(IMAGE), padded(MAX_MANIFEST_BYTES + 1).as_bytes()), Err(too_large));
}

#[test]
fn the_number_of_descriptors_is_bounded() {
    let many = |count: usize| vec![descriptor(IMAGE, "a"); count];
    let full = with(index(), "manifests", json!(many(MAX_DESCRIPTORS)));
    assert_eq!(parse(Some(INDEX), &full).expect("valid").children().len(), MAX_DESCRIPTORS);
    let over = with(index(), "manifests", json!(many(MAX_DESCRIPTORS + 1)));
    assert_eq!(refusal(Some(INDEX), &over), ManifestError::TooManyDescriptors { count: MAX_DESCRIPTORS + 1 });
    let absurd = with(image(), "layers", json!(vec![0; 100_000]));
    assert_eq!(refusal(Some(IMAGE), &absurd), ManifestError::TooManyDescriptors { count: 100_000 });
}

#[test]
fn sizes_that_add_up_beyond_an_int64_are_refused() {
    let mut document = image();
    document["layers"][0]["size"] = json!(i64::MAX);
    assert_eq!(refusal(Some(IMAGE), &document), ManifestError::TotalSize);
    document["layers"][1]["size"] = json!(i64::MAX);
    assert_eq!(refusal(Some(IMAGE), &document), ManifestError::TotalSize);
    document["layers"] = json!([]);
    document["config"]["size"] = json!(i64::MAX);
    assert!(parse(Some(IMAGE), &document).is_ok());
}

#[test]
fn every_refusal_is_a_sentence() {
    for document in [json!({}), json!([]), with(image(), "config", json!(1)), with(image(), "schemaVersion", json!(1))]
    {
        let sentence = refusal(Some(IMAGE), &document).to_string();
        assert!(sentence.contains(' ') && !sentence.ends_with('.'), "{sentence}");
    }
}

/// Four mebibytes of what makes careless parsers slow: a quadratic step would take minutes.
#[test]
fn four_mebibytes_are_read_in_linear_time() {
    let fill = |unit: &dyn Fn(usize) -> String, room: usize| {
        let mut text = String::new();
        for number in 0.. {
            let next = unit(number);
            if text.len() + next.len() > room {
                break;
            }
            text.push_str(&next);
        }
        text
    };
    let room = MAX_MANIFEST_BYTES - 2000;
    let plain = image().to_string();
    let head = &plain[..plain.len() - 1];
    let long = "a".repeat(40);
    let data = data_encoding::BASE64.encode(&vec![0; 3_000_000]);
    for document in [
        format!("{head},{}\"x\":0}}", fill(&|number| format!("\"{number:x}\":0,"), room)),
        format!("{head},{}\"x\":0}}", fill(&|number| format!("\"\\u0061{long}{number:x}\":\"{long}\","), room)),
        format!("{head},\"annotations\":{{{}\"x\":\"\"}}}}", fill(&|number| format!("\"{number:020}\":\"\","), room)),
        format!("{head},\"x\":\"{}\"}}", fill(&|_| "\\ud83d\\ude00".to_owned(), room)),
        format!("{head},\"x\":[{}0]}}", fill(&|_| "{\"a\":{\"b\":[]}},".to_owned(), room)),
        format!("{head},\"x\":{}1}}", "1".repeat(room)),
        format!("{head},\"x\":\"{data}\"}}"),
        plain.replacen("\"digest\"", &format!("\"data\":\"{data}\",\"digest\""), 1),
        plain.replacen("\"layers\":[", &format!("\"layers\":[{}", fill(&|_| "{},".to_owned(), room)), 1),
    ] {
        let begin = Instant::now();
        drop(Manifest::parse(Some(IMAGE), document.as_bytes()));
        assert!(begin.elapsed() < Duration::from_secs(10), "{}", &document[..document.len().min(400)]);
    }
}

fn documents() -> impl Strategy<Value = Value> {
    let types = prop::sample::select(vec![
        IMAGE,
        INDEX,
        DOCKER_IMAGE,
        DOCKER_LIST,
        CONFIG,
        LAYER,
        DOCKER_SCHEMA1,
        OCI_ARTIFACT_MANIFEST,
        "application/vnd.oci.image.layer.nondistributable.v1.tar",
    ]);
    let number = prop_oneof![Just(1), Just(2), any::<i64>()];
    let leaf = prop_oneof![
        Just(Value::Null),
        number.prop_map(Value::from),
        types.prop_map(Value::from),
        Just(Value::from(Digest::of(Algorithm::Sha256, b"").to_string())),
        "[a-z]{0,3}".prop_map(Value::from),
    ];
    let names = prop::sample::select(vec![
        "schemaVersion",
        "mediaType",
        "config",
        "layers",
        "manifests",
        "subject",
        "annotations",
        "artifactType",
        "digest",
        "size",
        "urls",
        "data",
        "platform",
        "fsLayers",
        "Layers",
        "x",
    ]);
    leaf.prop_recursive(4, 48, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(names.clone().prop_map(str::to_owned), inner, 0..8)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Documents that differ from a valid one in a few members.
fn nearly_valid() -> impl Strategy<Value = Value> {
    let changes = prop::collection::vec((prop::sample::select(MEMBERS.to_vec()), documents()), 0..3);
    (any::<bool>(), changes).prop_map(|(is_index, changes)| {
        let document = if is_index { index() } else { image() };
        changes.into_iter().fold(document, |document, (name, value)| with(document, name, value))
    })
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..256), is_named in any::<bool>()) {
        drop(Manifest::parse(is_named.then_some(IMAGE), &bytes));
    }

    #[test]
    fn no_document_panics_and_what_is_accepted_holds_its_promises(
        document in prop_oneof![documents(), nearly_valid()],
        header in prop::option::of(prop::sample::select(vec![IMAGE, INDEX, DOCKER_IMAGE, DOCKER_LIST])),
    ) {
        if let Ok(manifest) = parse(header, &document) {
            let members = document.as_object().expect("an object");
            prop_assert!(!(members.contains_key("manifests") && members.contains_key("layers")));
            prop_assert_eq!(manifest.media_type.is_index(), members.contains_key("manifests"));
            prop_assert!(header.is_none_or(|header| header == manifest.media_type.as_str()));
            let total: u64 = manifest.blobs().chain(manifest.children()).map(|descriptor| descriptor.size).sum();
            prop_assert!(i64::try_from(total).is_ok());
            for descriptor in manifest.blobs().chain(manifest.children()).chain(&manifest.subject) {
                prop_assert_eq!(&Descriptor::parse(&descriptor.render()), &Ok(descriptor.clone()));
            }
        }
    }
}
