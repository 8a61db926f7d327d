//! Evidence: the whole history of one digest as a document that the registry signs and attaches to it.
//!
//! An in-toto statement in a DSSE envelope, signed by the key that signs the audit log's checkpoints. It is attached where the
//! digest stands, in an environment as in development, by the registry itself: it adds to what is sealed and changes nothing.
//! Whoever has the document and the registry's public key verifies it without the registry. What it says is
//! [`document`]'s.

pub mod document;

use bytes::Bytes;
use serde_json::json;
use wharf_context::action::RequestPromotion;
use wharf_context::{Caller, Context, Grant, Grants, Permission, Permissions, ProjectId, RequestId, Warrant};
use wharf_db::AuditEntry;
use wharf_oci::dsse::{self, Envelope};
use wharf_oci::{Algorithm, Digest, Reference, RepositoryName, statement};
use wharf_registry::upload::Chunk;
use wharf_registry::{NewManifest, Precondition, Registry};

pub use self::document::PREDICATE_TYPE;
use crate::error::Error;
use crate::governance::Governance;
use crate::history::History;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const EMPTY: &str = "application/vnd.oci.empty.v1+json";

/// Evidence as it was made and attached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// Where it is attached.
    pub repository: RepositoryName,
    /// The manifest that holds it.
    pub manifest: Digest,
    /// The document with its signature.
    pub envelope: Envelope,
}

impl Governance {
    /// Writes down all that is known of a digest, signs it and attaches it to the digest where it stands: in the environment
    /// that it came to last, else in development.
    pub async fn make_evidence(
        &self,
        ctx: &Context,
        warrant: &Warrant<RequestPromotion>,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<Evidence, Error> {
        let signer = self.signer.as_ref().ok_or(Error::NotWired { what: "a key that signs documents" })?;
        let history = self.history_of(warrant.project(), repository, digest).await?;
        let view = self.place_of(&history)?;
        let standing = Registry::find_standing(&self.db, warrant.project(), &view, digest).await?;
        let not_there =
            || Error::NotInDevelopment { repository: history.repository.clone(), reference: digest.to_string() };
        let subject = standing.ok_or_else(not_there)?.manifest;
        let document = document::statement(&history, self.db.clock().now()).to_string();
        let signed = signer.sign(statement::PAYLOAD_TYPE, document.into_bytes()).await;
        let envelope = signed.map_err(|source| Error::Sign { source })?;
        let about =
            json!({ "mediaType": subject.media_type, "digest": digest.to_string(), "size": subject.bytes.len() });
        let manifest = self.attach(warrant.project(), &view, &envelope, &about).await?;
        let details = json!({ "repository": view.as_str(), "manifest": manifest.to_string() });
        let entry = AuditEntry::new(ctx, "evidence.make", format!("{}@{digest}", history.repository));
        let entry = entry.with_details(details);
        self.db.transaction(async |tx| tx.audit(&entry).await).await?;
        Ok(Evidence { repository: view, manifest, envelope })
    }

    /// Where it stands now: in the environment that it came to last, else in development.
    fn place_of(&self, history: &History) -> Result<RepositoryName, Error> {
        let current = history.placements.iter().rev().find(|placement| placement.until.is_none());
        match current {
            Some(placement) => self.view(&placement.environment, &history.repository),
            None => Ok(history.repository.clone()),
        }
    }

    async fn attach(
        &self,
        project: ProjectId,
        view: &RepositoryName,
        envelope: &Envelope,
        about: &serde_json::Value,
    ) -> Result<Digest, Error> {
        let ctx = writer(project, view);
        let document = envelope.render();
        let mut descriptors = Vec::new();
        for (media_type, bytes) in [(EMPTY, b"{}".to_vec()), (dsse::MEDIA_TYPE, document)] {
            let digest = Digest::of(Algorithm::Sha256, &bytes);
            descriptors.push(json!({ "mediaType": media_type, "digest": digest.to_string(), "size": bytes.len() }));
            let chunk = Chunk { range: None, length_bytes: None, body: wharf_blob::body::whole(bytes) };
            self.registry.push_blob(&ctx, view, &digest, chunk).await?;
        }
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "artifactType": dsse::MEDIA_TYPE,
            "config": descriptors[0],
            "layers": [descriptors[1]],
            "subject": about,
            "annotations": { "in-toto.io/predicate-type": PREDICATE_TYPE },
        });
        let bytes = Bytes::from(manifest.to_string());
        let new = NewManifest {
            reference: Reference::Digest(Digest::of(Algorithm::Sha256, &bytes)),
            tags: Vec::new(),
            content_type: Some(MANIFEST.to_owned()),
            precondition: Precondition::None,
            bytes,
        };
        Ok(self.registry.put_manifest(&ctx, view, &new).await?.digest)
    }
}

/// Wharf itself, which attaches something in one repository.
fn writer(project: ProjectId, repository: &RepositoryName) -> Context {
    let granted = Permissions::of(&[Permission::Pull, Permission::Push, Permission::Attach]);
    let grant = Grant { repository: repository.clone(), project: Some(project), granted, refused: Permissions::NONE };
    Context::new(Caller::system(), RequestId::generate(), None, Grants(vec![grant]))
}
