//! Attestations: what others signed about something and attached to it, read and verified.
//!
//! An attestation is a manifest that refers to an image (or cosign's tag `sha256-….att`), with in-toto statements in DSSE
//! envelopes. Its bytes are blobs, which no transaction reads: they are read and verified before ([`read`]), against the
//! keys that the project names, and what they say is kept by the manifest's digest and the set of keys, under which it can
//! never change. The transaction that decides asks for what is attached at that moment ([`attached`]).

mod store;

use std::collections::BTreeMap;

use futures_util::TryStreamExt as _;
use serde::{Deserialize, Serialize};
use wharf_context::{ProjectId, Timestamp};
use wharf_db::{Db, Tx};
use wharf_oci::dsse::{self, Envelope};
use wharf_oci::manifest::{Content, Manifest};
use wharf_oci::statement::{self, Statement};
use wharf_oci::{Algorithm, ContentError, ContentErrorKind, Descriptor, Digest, RepositoryName, Source};
use wharf_registry::Registry;

use crate::error::Error;
use crate::key::PublicKey;
use crate::predicate::{self, Said};
use crate::signers::AttestationPolicy;

/// The most attached manifests of one subject that are looked at, the latest first.
const MOST_ATTACHED: u32 = 100;
/// The most envelopes of one manifest that are read.
const MOST_ENVELOPES: usize = 4;
/// The largest envelope that is read.
const MAX_ENVELOPE_BYTES: u64 = 1024 * 1024;

/// An attestation as it is attached, read and verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attestation {
    /// The manifest that holds it.
    pub manifest: Digest,
    /// What it is attached to, and about.
    pub subject: Digest,
    /// Since when it is attached.
    pub attached_at: Timestamp,
    /// What it says.
    pub document: SignedDocument,
}

/// What one envelope says, and who signed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedDocument {
    /// The digest of the statement: the same however often it is attached.
    pub statement: String,
    /// The predicate's type; empty where the envelope could not be read.
    pub predicate_type: String,
    /// What it says.
    pub said: Said,
    /// The fingerprints of the keys that signed it, of those that were asked.
    pub signed_by: Vec<String>,
}

/// What is attached to a subject now, in a repository that has another name in development. `None` where something of it was
/// not read with the policy's keys: then [`read`] it, and ask again.
pub async fn attached(
    tx: &mut Tx<'_>,
    project: ProjectId,
    (stands_in, development): (&RepositoryName, &RepositoryName),
    subject: &Digest,
    policy: &AttestationPolicy,
) -> Result<Option<Vec<Attestation>>, Error> {
    let manifests = Registry::attached(tx, project, (stands_in, development), subject, MOST_ATTACHED).await?;
    let digests: Vec<Digest> = manifests.iter().map(|manifest| manifest.digest).collect();
    let mut known = store::find(tx, project, (subject, &policy.keys_digest()), &digests).await?;
    let mut found = Vec::new();
    for manifest in manifests {
        let Some(documents) = known.remove(&manifest.digest) else { return Ok(None) };
        found.extend(documents.into_iter().map(|document| Attestation {
            manifest: manifest.digest,
            subject: *subject,
            attached_at: manifest.attached_at,
            document,
        }));
    }
    Ok(Some(found))
}

/// Reads and verifies what is attached to something, as far as that was not done with the policy's keys. Reads bytes: not
/// for transactions.
pub async fn read(
    (db, registry): (&Db, &Registry),
    (project, repository): (ProjectId, &RepositoryName),
    subject: &Digest,
    policy: &AttestationPolicy,
) -> Result<(), Error> {
    let keys = policy.keys_digest();
    let unread = async |tx: &mut Tx<'_>| {
        let place = (repository, repository);
        let manifests = Registry::attached(tx, project, place, subject, MOST_ATTACHED).await?;
        let digests: Vec<Digest> = manifests.into_iter().map(|manifest| manifest.digest).collect();
        let known = store::find(tx, project, (subject, &keys), &digests).await?;
        Ok::<_, Error>(digests.into_iter().filter(|digest| !known.contains_key(digest)).collect::<Vec<_>>())
    };
    let unread = db.transaction(unread).await?;
    let Some(source) = registry.open_source(repository).await? else { return Ok(()) };
    for manifest in unread {
        let standing = Registry::find_standing(db, project, repository, &manifest).await?;
        let Some(standing) = standing.map(|standing| standing.manifest) else { continue };
        let envelopes = envelopes(&source, (&standing.media_type, &standing.bytes)).await?;
        // Bounded by the numbers of envelopes, signatures and signers: milliseconds for the worst manifest.
        let documents = verify_all(&envelopes, subject, &policy.keys());
        let row = (&manifest, documents.as_slice());
        db.transaction(async |tx| store::put(tx, project, (subject, &keys), row).await).await?;
    }
    Ok(())
}

/// An envelope's media type with its bytes, or why there are none.
type Read = Result<(String, Vec<u8>), String>;

/// The envelopes of a manifest.
async fn envelopes(source: &dyn Source, (media_type, bytes): (&str, &[u8])) -> Result<Vec<Read>, Error> {
    let Ok(manifest) = Manifest::parse(Some(media_type), bytes) else { return Ok(Vec::new()) };
    let Content::Image { layers, .. } = &manifest.content else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for layer in layers.iter().filter(|layer| dsse::is_signed_document(&layer.media_type)).take(MOST_ENVELOPES) {
        found.push(if layer.size > MAX_ENVELOPE_BYTES {
            Err(format!("it has more than {MAX_ENVELOPE_BYTES} bytes"))
        } else {
            match read_blob(source, layer).await {
                Ok(bytes) => Ok((layer.media_type.clone(), bytes)),
                Err(error) if matches!(error.kind, ContentErrorKind::NotFound | ContentErrorKind::Invalid) => {
                    Err("its bytes are not here".to_owned())
                }
                Err(error) => return Err(Error::Content(error)),
            }
        });
    }
    Ok(found)
}

async fn read_blob(source: &dyn Source, descriptor: &Descriptor) -> Result<Vec<u8>, ContentError> {
    let mut stream = source.blob(descriptor, 0).await?;
    let mut bytes = Vec::new();
    while let Some(piece) = stream.try_next().await? {
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

fn verify_all(envelopes: &[Read], subject: &Digest, keys: &BTreeMap<Digest, &PublicKey>) -> Vec<SignedDocument> {
    let read = |read: &Read| {
        let (media_type, bytes) = read.as_ref().map_err(Clone::clone)?;
        verify((media_type, bytes), subject, keys)
    };
    let unread = |problem| SignedDocument {
        statement: String::new(),
        predicate_type: String::new(),
        said: Said { problem: Some(problem), ..Said::default() },
        signed_by: Vec::new(),
    };
    envelopes.iter().map(|envelope| read(envelope).unwrap_or_else(unread)).collect()
}

/// What an envelope says about a subject and which of the keys signed it, or why it says nothing.
pub fn verify(
    (media_type, bytes): (&str, &[u8]),
    subject: &Digest,
    keys: &BTreeMap<Digest, &PublicKey>,
) -> Result<SignedDocument, String> {
    let envelope = Envelope::parse(media_type, bytes).map_err(|error| error.to_string())?;
    if envelope.payload_type != statement::PAYLOAD_TYPE {
        return Err("its payload is no in-toto statement".to_owned());
    }
    let signed = envelope.signed_bytes();
    let is_signed_by =
        |key: &PublicKey| envelope.signatures.iter().any(|signature| key.is_signed(&signed, &signature.bytes));
    let signed_by = keys.iter().filter(|(_, key)| is_signed_by(key)).map(|(id, _)| id.to_string()).collect();
    let statement = Statement::parse(&envelope.payload).map_err(|error| error.to_string())?;
    if !statement.is_about(subject) {
        return Err("its statement is about something else".to_owned());
    }
    Ok(SignedDocument {
        statement: Digest::of(Algorithm::Sha256, &envelope.payload).to_string(),
        said: predicate::read(&statement.predicate_type, &statement.predicate),
        predicate_type: statement.predicate_type,
        signed_by,
    })
}
