//! Tiny images in a real registry: layers of a few bytes, configs that claim what they are told to.

use bytes::Bytes;
use serde_json::{Value, json};
use wharf_blob::body;
use wharf_context::{Caller, CallerId, Context, Grant, Grants, Permissions, ProjectId, RequestId};
use wharf_oci::{Algorithm, Digest, RepositoryName};
use wharf_registry::upload::Chunk;
use wharf_registry::{NewManifest, Precondition, Registry};

pub(crate) const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";

/// An image to be pushed.
#[derive(Debug, Clone, Default)]
pub(crate) struct TestImage {
    /// The bytes of its layers, the lowest first.
    pub(crate) layers: Vec<Vec<u8>>,
    /// What makes it unlike others with the same layers.
    pub(crate) note: String,
    /// DiffIDs that its config claims instead of the right ones.
    pub(crate) claims: Option<Vec<String>>,
    pub(crate) annotations: Vec<(&'static str, String)>,
    /// Members of the config's `config`.
    pub(crate) runtime: Option<Value>,
}

impl TestImage {
    pub(crate) fn of(layers: &[&str]) -> Self {
        Self { layers: layers.iter().map(|layer| layer.as_bytes().to_vec()).collect(), ..Self::default() }
    }

    fn config(&self) -> Vec<u8> {
        let right = || self.layers.iter().map(|layer| sha256(layer).to_string()).collect();
        let claims: Vec<String> = self.claims.clone().unwrap_or_else(right);
        let runtime = self.runtime.clone().unwrap_or_else(|| json!({ "Labels": { "note": self.note } }));
        let config = json!({ "architecture": "amd64", "os": "linux", "config": runtime,
            "rootfs": { "type": "layers", "diff_ids": claims } });
        config.to_string().into_bytes()
    }

    fn manifest(&self) -> Vec<u8> {
        let layers: Vec<Value> = self.layers.iter().map(|layer| descriptor(LAYER, layer)).collect();
        let mut manifest = json!({ "schemaVersion": 2, "mediaType": IMAGE, "config": descriptor(CONFIG, &self.config()),
            "layers": layers });
        if !self.annotations.is_empty() {
            let named = self.annotations.iter().map(|(name, value)| ((*name).to_owned(), Value::from(value.clone())));
            manifest["annotations"] = Value::Object(named.collect());
        }
        manifest.to_string().into_bytes()
    }

    /// What its digest is, or will be.
    pub(crate) fn digest(&self) -> Digest {
        sha256(&self.manifest())
    }
}

pub(crate) fn sha256(content: &[u8]) -> Digest {
    Digest::of(Algorithm::Sha256, content)
}

pub(crate) fn descriptor(media_type: &str, content: &[u8]) -> Value {
    json!({ "mediaType": media_type, "digest": sha256(content).to_string(), "size": content.len() })
}

pub(crate) fn name(text: &str) -> RepositoryName {
    text.parse().expect("valid")
}

/// Somebody who may do everything in a repository.
pub(crate) fn owner(repository: &str, project: i64) -> Context {
    let grant = Grant {
        repository: name(repository),
        project: Some(ProjectId(project)),
        granted: Permissions::ALL,
        refused: Permissions::NONE,
    };
    let caller = Caller { id: CallerId::User(1), name: "builder".to_owned() };
    Context::new(caller, RequestId::generate(), None, Grants(vec![grant]))
}

/// Pushes an image under a reference: a tag, or its digest where that is empty.
pub(crate) async fn push(
    registry: &Registry,
    (repository, project): (&str, i64),
    tag: &str,
    image: &TestImage,
) -> Digest {
    let ctx = owner(repository, project);
    for blob in image.layers.iter().cloned().chain([image.config()]) {
        let chunk = Chunk { range: None, length_bytes: None, body: body::whole(blob.clone()) };
        registry.push_blob(&ctx, &name(repository), &sha256(&blob), chunk).await.expect("a blob is pushed");
    }
    push_manifest(registry, (repository, project), tag, image.manifest()).await
}

pub(crate) async fn push_manifest(
    registry: &Registry,
    (repository, project): (&str, i64),
    tag: &str,
    bytes: Vec<u8>,
) -> Digest {
    let digest = sha256(&bytes);
    let reference = if tag.is_empty() { digest.to_string() } else { tag.to_owned() };
    let new = NewManifest {
        reference: reference.parse().expect("valid"),
        tags: Vec::new(),
        content_type: None,
        precondition: Precondition::None,
        bytes: Bytes::from(bytes),
    };
    let ctx = owner(repository, project);
    registry.put_manifest(&ctx, &name(repository), &new).await.expect("a manifest is pushed").digest
}

/// The manifest of an index.
pub(crate) fn index(images: &[&TestImage]) -> Vec<u8> {
    let entry = |image: &&TestImage| {
        let mut entry = descriptor(IMAGE, &image.manifest());
        entry["platform"] = json!({ "os": "linux", "architecture": "amd64" });
        entry
    };
    let manifests: Vec<Value> = images.iter().map(entry).collect();
    json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": manifests }).to_string().into_bytes()
}
