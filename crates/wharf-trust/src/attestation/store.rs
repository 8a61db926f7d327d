//! SQL of `attestations`.

use std::collections::BTreeMap;

use data_encoding::HEXLOWER;
use wharf_context::ProjectId;
use wharf_db::{Statement, Tx, params};
use wharf_oci::Digest;

use super::SignedDocument;
use crate::error::Error;

const MALFORMED: Error = Error::MalformedRow { what: "an attestation" };

/// What is known of manifests that are attached to a subject, as far as they were read with these keys.
pub(super) async fn find(
    tx: &mut Tx<'_>,
    project: ProjectId,
    (subject, keys): (&Digest, &Digest),
    manifests: &[Digest],
) -> Result<BTreeMap<Digest, Vec<SignedDocument>>, Error> {
    const SQL: Statement = Statement::dialects(
        "SELECT a.manifest, a.documents FROM json_each(?4) j CROSS JOIN attestations a ON a.project_id = ?1 \
         AND a.subject = ?2 AND a.manifest = unhex(j.value) AND a.keys = ?3",
        "SELECT a.manifest, a.documents FROM attestations a WHERE a.project_id = ?1 AND a.subject = ?2 AND a.keys = ?3 \
         AND a.manifest IN (SELECT decode(value, 'hex') FROM json_array_elements_text(CAST(?4 AS text)::json))",
    );
    let params = params![project, subject.to_bytes(), keys.to_bytes(), hex_list(manifests)];
    let rows = tx.query(SQL, &params).await?;
    rows.iter()
        .map(|row| {
            let manifest = Digest::from_bytes(row.bytes(0)?).ok_or(MALFORMED)?;
            Ok((manifest, serde_json::from_str(row.text(1)?).map_err(|_| MALFORMED)?))
        })
        .collect()
}

/// Keeps what a manifest says, instead of what was read with other keys.
pub(super) async fn put(
    tx: &mut Tx<'_>,
    project: ProjectId,
    (subject, keys): (&Digest, &Digest),
    (manifest, documents): (&Digest, &[SignedDocument]),
) -> Result<(), Error> {
    const SQL: &str = "INSERT INTO attestations (project_id, subject, manifest, keys, documents) VALUES (?1, ?2, ?3, ?4, ?5) \
         ON CONFLICT (project_id, subject, manifest) DO UPDATE SET keys = excluded.keys, documents = excluded.documents";
    let documents = serde_json::to_string(documents).map_err(|_| MALFORMED)?;
    let params = params![project, subject.to_bytes(), manifest.to_bytes(), keys.to_bytes(), documents];
    tx.execute(SQL, &params).await?;
    Ok(())
}

/// Digests as a JSON list of hexadecimal texts, which both databases unfold into rows.
fn hex_list(digests: &[Digest]) -> String {
    let list: Vec<String> = digests.iter().map(|digest| HEXLOWER.encode(&digest.to_bytes())).collect();
    serde_json::Value::from(list).to_string()
}
