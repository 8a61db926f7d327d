//! Provenance: what an image was made of, and how, as a statement that goes with it.
//!
//! It lies where BuildKit puts it: a manifest of its own in the index, marked as the attestation of another. It holds no
//! values of build arguments, which may be secret; of secrets, their ids.
//! Spec: SLSA v1, "Provenance"; BuildKit, docs/attestations/attestation-storage.md.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use wharf_images::Images;
use wharf_oci::config::RootFs;
use wharf_oci::{Algorithm, Descriptor, Digest, ImageConfig, Platform};

use crate::error::Error;
use crate::request::Request;

const PREDICATE: &str = "https://slsa.dev/provenance/v1";
const STATEMENT: &str = "https://in-toto.io/Statement/v1";
const BUILD_TYPE: &str = "https://wharf.dev/build/dockerfile/v1";
const IN_TOTO: &str = "application/vnd.in-toto+json";

/// What an image was made of.
#[derive(Debug, Clone, Default)]
pub struct Material {
    /// Bases by name, with the digests of their manifests.
    pub bases: Vec<(String, Digest)>,
    /// The repository and commit of the context, if it is a checkout.
    pub source: Option<(String, String)>,
}

/// The predicate: how `request` was built.
pub fn predicate(request: &Request, material: &Material) -> Value {
    let mut dependencies: Vec<Value> = material
        .bases
        .iter()
        .map(|(name, digest)| json!({ "uri": format!("pkg:docker/{name}"), "digest": { "sha256": digest.hex() } }))
        .collect();
    if let Some((repository, commit)) = &material.source {
        dependencies.push(json!({ "uri": format!("git+{repository}"), "digest": { "gitCommit": commit } }));
    }
    let arguments: Vec<&String> = request.arguments.keys().collect();
    let file = Digest::of(Algorithm::Sha256, request.dockerfile.source().as_bytes());
    json!({
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": {
                "dockerfile": { "path": request.name, "digest": { "sha256": file.hex() } },
                "target": request.target,
                "arguments": arguments,
                "platform": crate::plan::platform_text(&request.platform),
            },
            "resolvedDependencies": dependencies,
        },
        "runDetails": {
            "builder": { "id": format!("https://wharf.dev/build@{}", env!("CARGO_PKG_VERSION")) },
        },
    })
}

/// Keeps a statement about an image, and gives the manifest that goes into the index.
pub(super) async fn attest(images: &Images, image: &Descriptor, predicate: &Value) -> Result<Descriptor, Error> {
    let statement = json!({
        "_type": STATEMENT,
        "predicateType": PREDICATE,
        "subject": [{ "name": "_", "digest": { image.digest.algorithm().name(): image.digest.hex() } }],
        "predicate": predicate,
    });
    let bytes = statement.to_string().into_bytes();
    let diff_id = Digest::of(Algorithm::Sha256, &bytes);
    let mut layer = images.put_document(IN_TOTO, bytes).await?;
    layer.annotations.insert("in-toto.io/predicate-type".to_owned(), PREDICATE.to_owned());
    let unknown = "unknown".to_owned();
    let config = ImageConfig {
        architecture: unknown.clone(),
        os: unknown.clone(),
        rootfs: RootFs { diff_ids: vec![diff_id], ..RootFs::default() },
        ..ImageConfig::default()
    };
    let mut manifest = images.put_image(&config, &[layer], &BTreeMap::new()).await?;
    manifest.platform = Some(Platform {
        architecture: unknown.clone(),
        os: unknown,
        os_version: None,
        os_features: Vec::new(),
        variant: None,
        features: Vec::new(),
    });
    for (name, value) in [
        ("vnd.docker.reference.type", "attestation-manifest".to_owned()),
        ("vnd.docker.reference.digest", image.digest.to_string()),
    ] {
        manifest.annotations.insert(name.to_owned(), value);
    }
    Ok(manifest)
}
