//! SQL of placing and withdrawing, over the tables of manifests, tags and blobs: by sets, never row by row.

use std::time::Duration;

use wharf_context::Context;
use wharf_db::{Row, Statement, Tx, params};
use wharf_oci::{Digest, Tag};

use super::place::{Copied, Way, fresh};
use crate::blob::store::{digest, hex_list};
use crate::collection::store::count;
use crate::error::Error;
use crate::manifest::store::id_list;
use crate::repository::RepositoryId;
use crate::tag;

/// A manifest that belongs to another one: itself, what it lists, what refers to any of them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part {
    pub(crate) id: i64,
    pub(crate) digest: Digest,
}

// What a manifest's digest is joined with, in both dialects: the manifests that it lists; those that name it as their
// subject; those that its attachment tags point to. Such tags of one digest lie next to each other in the index, so one
// look finds them all.
pub(crate) const PARTS: Statement = Statement::dialects(
    "WITH RECURSIVE part (digest) AS ( \
       SELECT m.digest FROM manifests m WHERE m.repository_id = ?1 AND m.digest = ?2 AND m.deleted_at IS NULL \
       UNION SELECT f.digest FROM part p CROSS JOIN manifests m \
         ON m.repository_id = ?1 AND m.digest = p.digest AND m.deleted_at IS NULL \
         CROSS JOIN manifest_references f ON f.manifest_id = m.id AND f.kind = 1 \
       UNION SELECT r.digest FROM part p CROSS JOIN manifests r \
         ON r.repository_id = ?1 AND r.subject = p.digest AND r.subject IS NOT NULL AND r.deleted_at IS NULL \
       UNION SELECT t.digest FROM part p CROSS JOIN tags t ON t.repository_id = ?1 AND t.until_at IS NULL \
         AND t.name >= 'sha256-' || lower(hex(substr(p.digest, 2))) \
         AND t.name <= 'sha256-' || lower(hex(substr(p.digest, 2))) || '.sig' \
         AND substr(t.name, 72) IN ('', '.att', '.sbom', '.sig') \
     ) SELECT m.id, m.digest FROM part p CROSS JOIN manifests m \
       ON m.repository_id = ?1 AND m.digest = p.digest AND m.deleted_at IS NULL ORDER BY m.id LIMIT ?3",
    "WITH RECURSIVE part (digest) AS ( \
       SELECT m.digest FROM manifests m WHERE m.repository_id = ?1 AND m.digest = ?2 AND m.deleted_at IS NULL \
       UNION SELECT n.digest FROM part p CROSS JOIN LATERAL ( \
         SELECT f.digest FROM manifests m JOIN manifest_references f ON f.manifest_id = m.id AND f.kind = 1 \
           WHERE m.repository_id = ?1 AND m.digest = p.digest AND m.deleted_at IS NULL \
         UNION ALL SELECT r.digest FROM manifests r \
           WHERE r.repository_id = ?1 AND r.subject = p.digest AND r.subject IS NOT NULL AND r.deleted_at IS NULL \
         UNION ALL SELECT t.digest FROM tags t WHERE t.repository_id = ?1 AND t.until_at IS NULL \
           AND t.name >= 'sha256-' || encode(substring(p.digest from 2), 'hex') \
           AND t.name <= 'sha256-' || encode(substring(p.digest from 2), 'hex') || '.sig' \
           AND substring(t.name from 72) IN ('', '.att', '.sbom', '.sig') \
       ) n \
     ) SELECT m.id, m.digest FROM part p JOIN manifests m \
       ON m.repository_id = ?1 AND m.digest = p.digest AND m.deleted_at IS NULL ORDER BY m.id LIMIT ?3",
);

/// The manifest, what it lists, and all that refers to any of these or is attached by a tag, oldest first. One more than
/// `max` where there are more.
pub(crate) async fn parts(
    tx: &mut Tx<'_>,
    (repository, root): (RepositoryId, &Digest),
    max: usize,
) -> Result<Vec<Part>, Error> {
    let rows = tx.query(PARTS, &params![repository.0, root.to_bytes(), count(max) + 1]).await?;
    rows.iter().map(|row| Ok(Part { id: row.integer(0)?, digest: digest(row, 1)? })).collect()
}

pub(crate) const POSTPONE_SUSPECTS: Statement = Statement::dialects(
    "UPDATE blob_reviews SET review_after = ?2 WHERE review_after < ?3 AND digest IN \
     (SELECT f.digest FROM json_each(?1) j CROSS JOIN manifest_references f ON f.manifest_id = j.value AND f.kind = 0)",
    "UPDATE blob_reviews SET review_after = ?2 WHERE review_after < ?3 AND digest IN \
     (SELECT f.digest FROM manifest_references f WHERE f.kind = 0 \
      AND f.manifest_id IN (SELECT value::bigint FROM json_array_elements_text(CAST(?1 AS text)::json)))",
);

/// Gives the blobs that manifests stand on new grace, where somebody suspects them. Those that nobody suspects are linked
/// by the repository that they come from, and stay as long as its manifests are there, which this transaction reads.
pub(super) async fn postpone_suspects(tx: &mut Tx<'_>, manifests: &[i64], grace: Duration) -> Result<(), Error> {
    let now = tx.now();
    tx.execute(POSTPONE_SUSPECTS, &params![id_list(manifests)?, now.plus(grace), now.plus(fresh(grace))]).await?;
    Ok(())
}

pub(crate) const COPY_MANIFESTS: Statement = Statement::dialects(
    "INSERT INTO manifests (repository_id, digest, media_type, artifact_type, subject, annotations, body, pushed_by, pushed_at) \
     SELECT ?1, s.digest, s.media_type, s.artifact_type, s.subject, s.annotations, s.body, s.pushed_by, ?3 \
     FROM json_each(?2) j CROSS JOIN manifests s ON s.id = j.value WHERE true \
     ON CONFLICT (repository_id, digest) WHERE deleted_at IS NULL DO NOTHING RETURNING id, LENGTH(body)",
    "INSERT INTO manifests (repository_id, digest, media_type, artifact_type, subject, annotations, body, pushed_by, pushed_at) \
     SELECT CAST(?1 AS bigint), s.digest, s.media_type, s.artifact_type, s.subject, s.annotations, s.body, s.pushed_by, CAST(?3 AS bigint) \
     FROM manifests s WHERE s.id IN (SELECT value::bigint FROM json_array_elements_text(CAST(?2 AS text)::json)) ORDER BY s.id \
     ON CONFLICT (repository_id, digest) WHERE deleted_at IS NULL DO NOTHING RETURNING id, CAST(LENGTH(body) AS bigint)",
);
pub(crate) const COPY_REFERENCES: Statement = Statement::dialects(
    "INSERT INTO manifest_references (manifest_id, kind, digest, repository_id) \
     SELECT n.id, f.kind, f.digest, ?2 FROM json_each(?3) j CROSS JOIN manifests n ON n.id = j.value \
     CROSS JOIN manifests s ON s.repository_id = ?1 AND s.digest = n.digest AND s.deleted_at IS NULL \
     CROSS JOIN manifest_references f ON f.manifest_id = s.id",
    "INSERT INTO manifest_references (manifest_id, kind, digest, repository_id) \
     SELECT n.id, f.kind, f.digest, CAST(?2 AS bigint) FROM manifests n \
     JOIN manifests s ON s.repository_id = ?1 AND s.digest = n.digest AND s.deleted_at IS NULL \
     JOIN manifest_references f ON f.manifest_id = s.id \
     WHERE n.id IN (SELECT value::bigint FROM json_array_elements_text(CAST(?3 AS text)::json))",
);

/// Copies the rows of manifests, with what each stands on, unless they are there. Who pushed them stays known; since when
/// they are there is now.
pub(super) async fn copy_manifests(tx: &mut Tx<'_>, way: Way, manifests: &[i64]) -> Result<Copied, Error> {
    if way.from == way.to {
        return Ok(Copied::default());
    }
    let now = tx.now();
    let rows = tx.query(COPY_MANIFESTS, &params![way.to.0, id_list(manifests)?, now]).await?;
    let mut copied = Copied::default();
    for row in &rows {
        copied.ids.push(row.integer(0)?);
        copied.bytes += row.integer(1)?;
    }
    if !copied.ids.is_empty() {
        tx.execute(COPY_REFERENCES, &params![way.from.0, way.to.0, id_list(&copied.ids)?]).await?;
    }
    Ok(copied)
}

pub(crate) const COPY_LINKS: Statement = Statement::dialects(
    "INSERT INTO repository_blobs (repository_id, digest, linked_at) \
     SELECT DISTINCT ?2, l.digest, ?4 FROM json_each(?3) j \
     CROSS JOIN manifest_references f ON f.manifest_id = j.value AND f.kind = 0 \
     CROSS JOIN repository_blobs l ON l.repository_id = ?1 AND l.digest = f.digest WHERE true \
     ON CONFLICT (repository_id, digest) DO NOTHING",
    "INSERT INTO repository_blobs (repository_id, digest, linked_at) \
     SELECT DISTINCT CAST(?2 AS bigint), l.digest, CAST(?4 AS bigint) FROM manifest_references f \
     JOIN repository_blobs l ON l.repository_id = ?1 AND l.digest = f.digest \
     WHERE f.kind = 0 AND f.manifest_id IN (SELECT value::bigint FROM json_array_elements_text(CAST(?3 AS text)::json)) \
     ORDER BY l.digest ON CONFLICT (repository_id, digest) DO NOTHING",
);

/// Links the blobs that manifests stand on, as far as the repository that they come from links them.
pub(super) async fn copy_links(tx: &mut Tx<'_>, way: Way, manifests: &[i64]) -> Result<(), Error> {
    if way.from == way.to {
        return Ok(());
    }
    let now = tx.now();
    tx.execute(COPY_LINKS, &params![way.from.0, way.to.0, id_list(manifests)?, now]).await?;
    Ok(())
}

pub(crate) const MISSING_BLOBS: Statement = Statement::dialects(
    "SELECT COUNT(DISTINCT f.digest) FROM json_each(?2) j \
     CROSS JOIN manifest_references f ON f.manifest_id = j.value AND f.kind = 0 \
     WHERE NOT EXISTS (SELECT 1 FROM repository_blobs l WHERE l.repository_id = ?1 AND l.digest = f.digest)",
    "SELECT COUNT(DISTINCT f.digest) FROM manifest_references f \
     WHERE f.kind = 0 AND f.manifest_id IN (SELECT value::bigint FROM json_array_elements_text(CAST(?2 AS text)::json)) \
     AND NOT EXISTS (SELECT 1 FROM repository_blobs l WHERE l.repository_id = ?1 AND l.digest = f.digest)",
);

/// How many blobs manifests name that the repository does not link.
pub(super) async fn missing_blobs(tx: &mut Tx<'_>, at: RepositoryId, manifests: &[i64]) -> Result<usize, Error> {
    let row = tx.query_opt(MISSING_BLOBS, &params![at.0, id_list(manifests)?]).await?;
    let number = row.map(|row| row.integer(0)).transpose()?.unwrap_or(0);
    Ok(usize::try_from(number).unwrap_or(0))
}

// `value` is a digest's catalog bytes in hexadecimal: the algorithm (`01` is sha256), then the hash.
pub(crate) const ATTACHMENT_TAGS: Statement = Statement::dialects(
    "SELECT t.name, t.digest, t.since_at, x.digest, x.since_at FROM json_each(?3) j CROSS JOIN tags t \
     ON t.repository_id = ?1 AND t.until_at IS NULL \
     AND t.name >= 'sha256-' || substr(j.value, 3) AND t.name <= 'sha256-' || substr(j.value, 3) || '.sig' \
     AND substr(t.name, 72) IN ('', '.att', '.sbom', '.sig') \
     LEFT JOIN tags x ON x.repository_id = ?2 AND x.name = t.name AND x.until_at IS NULL WHERE j.value LIKE '01%'",
    "SELECT t.name, t.digest, t.since_at, x.digest, x.since_at FROM json_array_elements_text(CAST(?3 AS text)::json) j JOIN tags t \
     ON t.repository_id = ?1 AND t.until_at IS NULL \
     AND t.name >= 'sha256-' || substring(j.value from 3) AND t.name <= 'sha256-' || substring(j.value from 3) || '.sig' \
     AND substring(t.name from 72) IN ('', '.att', '.sbom', '.sig') \
     LEFT JOIN tags x ON x.repository_id = ?2 AND x.name = t.name AND x.until_at IS NULL WHERE j.value LIKE '01%'",
);
pub(crate) const COPY_TAGS: Statement = Statement::dialects(
    "INSERT INTO tags (repository_id, name, digest, changed_by, since_at) \
     SELECT ?2, t.name, t.digest, ?4, ?5 FROM json_each(?3) j \
     CROSS JOIN tags t ON t.repository_id = ?1 AND t.name = j.value AND t.until_at IS NULL",
    "INSERT INTO tags (repository_id, name, digest, changed_by, since_at) \
     SELECT CAST(?2 AS bigint), t.name, t.digest, CAST(?4 AS text), CAST(?5 AS bigint) FROM json_array_elements_text(CAST(?3 AS text)::json) j \
     JOIN tags t ON t.repository_id = ?1 AND t.name = j.value AND t.until_at IS NULL",
);

/// Points the attachment tags of manifests as they point where the manifests come from, unless one was moved later in the
/// target. Says how many were pointed.
pub(super) async fn copy_attachment_tags(
    tx: &mut Tx<'_>,
    ctx: &Context,
    way: Way,
    parts: &[Part],
) -> Result<usize, Error> {
    if way.from == way.to {
        return Ok(0);
    }
    let digests: Vec<Digest> = parts.iter().map(|part| part.digest).collect();
    let rows = tx.query(ATTACHMENT_TAGS, &params![way.from.0, way.to.0, hex_list(&digests)?]).await?;
    let (mut missing, mut pointed) = (Vec::new(), 0);
    for row in &rows {
        let Some(since) = row.optional_timestamp(4)? else {
            missing.push(row.text(0)?);
            continue;
        };
        let (wanted, current) = (digest(row, 1)?, digest(row, 3)?);
        if wanted != current && since < row.timestamp(2)? {
            let tag = attachment(row)?;
            tag::store::end(tx, way.to, &tag).await?;
            tag::store::point(tx, ctx, way.to, &tag, &wanted).await?;
            pointed += 1;
        }
    }
    if !missing.is_empty() {
        let names = serde_json::to_string(&missing).map_err(|_| Error::MalformedRow { what: "a tag list" })?;
        let now = tx.now();
        let by = ctx.caller.name.as_str();
        tx.execute(COPY_TAGS, &params![way.from.0, way.to.0, names, by, now]).await?;
    }
    Ok(pointed + missing.len())
}

pub(crate) const DANGLING: Statement = Statement::dialects(
    "SELECT t.name, t.digest FROM json_each(?2) j CROSS JOIN tags t ON t.repository_id = ?1 AND t.until_at IS NULL \
     AND t.name >= 'sha256-' || substr(j.value, 3) AND t.name <= 'sha256-' || substr(j.value, 3) || '.sig' \
     AND substr(t.name, 72) IN ('', '.att', '.sbom', '.sig') \
     WHERE j.value LIKE '01%' AND NOT EXISTS (SELECT 1 FROM manifests m \
      WHERE m.repository_id = ?1 AND m.digest = unhex(j.value) AND m.deleted_at IS NULL)",
    "SELECT t.name, t.digest FROM json_array_elements_text(CAST(?2 AS text)::json) j JOIN tags t \
     ON t.repository_id = ?1 AND t.until_at IS NULL \
     AND t.name >= 'sha256-' || substring(j.value from 3) AND t.name <= 'sha256-' || substring(j.value from 3) || '.sig' \
     AND substring(t.name from 72) IN ('', '.att', '.sbom', '.sig') \
     WHERE j.value LIKE '01%' AND NOT EXISTS (SELECT 1 FROM manifests m \
      WHERE m.repository_id = ?1 AND m.digest = decode(j.value, 'hex') AND m.deleted_at IS NULL)",
);

/// Of the attachment tags of manifests, those of manifests that are gone.
pub(super) async fn dangling_attachments(
    tx: &mut Tx<'_>,
    repository: RepositoryId,
    digests: &[Digest],
) -> Result<Vec<(Tag, Digest)>, Error> {
    let rows = tx.query(DANGLING, &params![repository.0, hex_list(digests)?]).await?;
    rows.iter().map(|row| Ok((attachment(row)?, digest(row, 1)?))).collect()
}

fn attachment(row: &Row) -> Result<Tag, Error> {
    row.text(0)?.parse().map_err(|_| Error::MalformedRow { what: "a tag" })
}
