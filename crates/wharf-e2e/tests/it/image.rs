//! Tiny valid content in memory: blobs, manifests and indexes, with every shape that a client may push.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sha2::Digest as _;

use crate::random;

pub(crate) const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(crate) const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
pub(crate) const OCI_LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
pub(crate) const OCI_EMPTY: &str = "application/vnd.oci.empty.v1+json";

/// The hash that a set of content is named by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Sha256,
    Sha512,
}

impl Algorithm {
    /// The digest of `bytes`.
    pub(crate) fn digest(self, bytes: &[u8]) -> String {
        match self {
            Self::Sha256 => format!("sha256:{}", data_encoding::HEXLOWER.encode(&sha2::Sha256::digest(bytes))),
            Self::Sha512 => format!("sha512:{}", data_encoding::HEXLOWER.encode(&sha2::Sha512::digest(bytes))),
        }
    }
}

/// One manifest or index of a set.
#[derive(Debug, Clone)]
pub(crate) struct Document {
    pub(crate) digest: String,
    pub(crate) media_type: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) subject: Option<String>,
    /// What a referrers list must say about it.
    pub(crate) artifact_type: String,
    pub(crate) annotations: Value,
}

/// What is pushed together: blobs first, then documents in this order, then tags.
#[derive(Debug, Clone)]
pub(crate) struct Content {
    pub(crate) algorithm: Algorithm,
    pub(crate) blobs: BTreeMap<String, Vec<u8>>,
    pub(crate) documents: Vec<Document>,
    /// Tag to digest.
    pub(crate) tags: BTreeMap<String, String>,
}

/// What an image of a set differs in from the plain one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shape {
    /// Members that the manifest has beside, or instead of, its usual ones.
    pub(crate) members: Vec<(&'static str, Value)>,
    /// An artifact: its layers and its empty config are no image's.
    pub(crate) artifact_type: Option<&'static str>,
    /// How many layers; two without.
    pub(crate) layers: Option<usize>,
}

impl Content {
    pub(crate) fn new(algorithm: Algorithm) -> Self {
        Self { algorithm, blobs: BTreeMap::new(), documents: Vec::new(), tags: BTreeMap::new() }
    }

    /// Adds a blob and answers its descriptor.
    pub(crate) fn blob(&mut self, media_type: &str, bytes: Vec<u8>) -> Value {
        let digest = self.algorithm.digest(&bytes);
        let descriptor = json!({ "mediaType": media_type, "digest": digest, "size": bytes.len() });
        self.blobs.insert(digest, bytes);
        descriptor
    }

    /// Adds an image of two random layers and answers its descriptor.
    pub(crate) fn image(&mut self) -> Value {
        self.shaped(&Shape::default())
    }

    /// Adds an image or an artifact and answers its descriptor.
    pub(crate) fn shaped(&mut self, shape: &Shape) -> Value {
        let layer_type = shape.artifact_type.unwrap_or(OCI_LAYER);
        let layers: Vec<Value> =
            (0..shape.layers.unwrap_or(2)).map(|_| self.blob(layer_type, random::bytes(300))).collect();
        let config = match shape.artifact_type {
            Some(_) => self.blob(OCI_EMPTY, b"{}".to_vec()),
            None => self.config(&layers),
        };
        let mut manifest = json!({ "schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": layers });
        if let Some(artifact_type) = shape.artifact_type {
            manifest["artifactType"] = json!(artifact_type);
        }
        for (name, value) in &shape.members {
            manifest[*name] = value.clone();
        }
        self.document(&manifest)
    }

    fn config(&mut self, layers: &[Value]) -> Value {
        let diff_ids: Vec<&Value> = layers.iter().map(|layer| &layer["digest"]).collect();
        let config = json!({
            "architecture": "amd64", "os": "linux", "author": random::word(),
            "rootfs": { "type": "layers", "diff_ids": diff_ids },
        });
        self.blob(OCI_CONFIG, config.to_string().into_bytes())
    }

    /// Adds an index of `children` with further members.
    pub(crate) fn index(&mut self, children: &[Value], members: &[(&'static str, Value)]) -> Value {
        let architectures = ["amd64", "arm64", "riscv64"].iter().cycle();
        let manifests: Vec<Value> = children
            .iter()
            .zip(architectures)
            .map(|(child, architecture)| {
                let mut child = child.clone();
                child["platform"] = json!({ "os": "linux", "architecture": architecture });
                child
            })
            .collect();
        let mut index = json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests });
        for (name, value) in members {
            index[*name] = value.clone();
        }
        self.document(&index)
    }

    /// Adds a manifest or index as it stands and answers its descriptor.
    pub(crate) fn document(&mut self, document: &Value) -> Value {
        let bytes = document.to_string().into_bytes();
        let digest = self.algorithm.digest(&bytes);
        let media_type = document["mediaType"].as_str().unwrap_or(OCI_MANIFEST).to_owned();
        let descriptor = json!({ "mediaType": media_type, "digest": digest, "size": bytes.len() });
        let artifact_type = document["artifactType"].as_str().or_else(|| document["config"]["mediaType"].as_str());
        self.documents.push(Document {
            digest,
            media_type,
            bytes,
            subject: document["subject"]["digest"].as_str().map(str::to_owned),
            artifact_type: artifact_type.unwrap_or_default().to_owned(),
            annotations: document["annotations"].clone(),
        });
        descriptor
    }

    /// Gives the last document a tag.
    pub(crate) fn tag(&mut self, tag: &str) {
        let last = self.documents.last().expect("a document to tag").digest.clone();
        self.tags.insert(tag.to_owned(), last);
    }
}
