//! SQL of lineage: reading the graph.

use std::collections::BTreeMap;

use wharf_context::{ProjectId, Timestamp};
use wharf_db::{Reading, Row, Statement, params};
use wharf_oci::{Digest, RepositoryName};

use super::place::TagNote;
use super::{digest, hex_list, id_list, optional_digest};
use crate::error::Error;
use crate::lineage::facts::Claim;
use crate::lineage::rule::{By, Edge};

/// How many edges one step down gives at most: twins of a base are all bases.
const MAX_EDGES: i64 = 10_000;

/// An image's row.
#[derive(Debug, Clone)]
pub(in crate::lineage) struct ImageRow {
    pub(in crate::lineage) id: i64,
    pub(in crate::lineage) digest: Digest,
    pub(in crate::lineage) is_index: bool,
    pub(in crate::lineage) claim: Claim,
    pub(in crate::lineage) problem: Option<String>,
    pub(in crate::lineage) platform: String,
    pub(in crate::lineage) layers: i64,
    pub(in crate::lineage) size_bytes: i64,
    pub(in crate::lineage) made_at: Option<Timestamp>,
    pub(in crate::lineage) run_as: String,
    pub(in crate::lineage) labels: String,
    pub(in crate::lineage) base_digest: Option<Digest>,
    pub(in crate::lineage) base_name: Option<String>,
}

/// A place's row.
#[derive(Debug, Clone)]
pub(in crate::lineage) struct PlaceRow {
    pub(in crate::lineage) image: i64,
    pub(in crate::lineage) repository: RepositoryName,
    pub(in crate::lineage) project: ProjectId,
    pub(in crate::lineage) environment: String,
    pub(in crate::lineage) tags: Vec<TagNote>,
}

const IMAGES: Statement = Statement::dialects(
    "SELECT id, digest, kind, claim, problem, platform, layers, size_bytes, made_at, run_as, labels, base_digest, base_name \
     FROM lineage_images WHERE id IN (SELECT value FROM json_each(?1)) ORDER BY id",
    "SELECT id, digest, kind, claim, problem, platform, layers, size_bytes, made_at, run_as, labels, base_digest, base_name \
     FROM lineage_images WHERE id IN (SELECT value::bigint FROM json_array_elements_text(CAST(?1 AS text)::json)) ORDER BY id",
);
const BY_DIGEST: Statement = Statement::dialects(
    "SELECT i.id FROM json_each(?1) j CROSS JOIN lineage_images i ON i.digest = unhex(j.value)",
    "SELECT i.id FROM json_array_elements_text(CAST(?1 AS text)::json) j \
     JOIN lineage_images i ON i.digest = decode(j.value, 'hex')",
);
// By layers; by annotation, which names an image or an index.
const BASES: Statement = Statement::dialects(
    "SELECT i.id, b.id, 0 FROM json_each(?1) j CROSS JOIN lineage_images i ON i.id = j.value \
         CROSS JOIN lineage_images b ON b.chain_id = i.base_chain_id AND b.is_whole = 1 \
     UNION ALL \
     SELECT i.id, b.id, 1 FROM json_each(?1) j CROSS JOIN lineage_images i ON i.id = j.value \
         CROSS JOIN lineage_images b ON b.digest = i.base_digest AND b.kind = 0 \
     UNION ALL \
     SELECT i.id, b.id, 1 FROM json_each(?1) j CROSS JOIN lineage_images i ON i.id = j.value \
         CROSS JOIN lineage_images x ON x.digest = i.base_digest AND x.kind = 1 \
         CROSS JOIN lineage_members m ON m.index_id = x.id \
         CROSS JOIN lineage_images b ON b.digest = m.digest AND b.platform = i.platform AND b.kind = 0 LIMIT ?2",
    "WITH wanted AS (SELECT value::bigint AS id FROM json_array_elements_text(CAST(?1 AS text)::json)) \
     SELECT i.id, b.id, CAST(0 AS bigint) FROM wanted w JOIN lineage_images i ON i.id = w.id \
         JOIN lineage_images b ON b.chain_id = i.base_chain_id AND b.is_whole = 1 \
     UNION ALL \
     SELECT i.id, b.id, CAST(1 AS bigint) FROM wanted w JOIN lineage_images i ON i.id = w.id \
         JOIN lineage_images b ON b.digest = i.base_digest AND b.kind = 0 \
     UNION ALL \
     SELECT i.id, b.id, CAST(1 AS bigint) FROM wanted w JOIN lineage_images i ON i.id = w.id \
         JOIN lineage_images x ON x.digest = i.base_digest AND x.kind = 1 \
         JOIN lineage_members m ON m.index_id = x.id \
         JOIN lineage_images b ON b.digest = m.digest AND b.platform = i.platform AND b.kind = 0 LIMIT ?2",
);
const STANDING: Statement = Statement::dialects(
    "SELECT i.id FROM lineage_images i WHERE i.base_chain_id IN (SELECT DISTINCT b.chain_id FROM json_each(?1) j \
         CROSS JOIN lineage_images b ON b.id = j.value AND b.is_whole = 1) \
     UNION \
     SELECT i.id FROM json_each(?1) j CROSS JOIN lineage_images b ON b.id = j.value \
         CROSS JOIN lineage_images i ON i.base_digest = b.digest \
     UNION \
     SELECT i.id FROM json_each(?1) j CROSS JOIN lineage_images b ON b.id = j.value \
         CROSS JOIN lineage_members m ON m.digest = b.digest CROSS JOIN lineage_images x ON x.id = m.index_id \
         CROSS JOIN lineage_images i ON i.base_digest = x.digest AND i.platform = b.platform LIMIT ?2",
    "WITH wanted AS (SELECT b.id, b.digest, b.chain_id, b.is_whole, b.platform \
         FROM json_array_elements_text(CAST(?1 AS text)::json) j JOIN lineage_images b ON b.id = j.value::bigint) \
     SELECT i.id FROM (SELECT DISTINCT chain_id FROM wanted WHERE is_whole = 1) w \
         JOIN lineage_images i ON i.base_chain_id = w.chain_id \
     UNION \
     SELECT i.id FROM wanted w JOIN lineage_images i ON i.base_digest = w.digest \
     UNION \
     SELECT i.id FROM wanted w JOIN lineage_members m ON m.digest = w.digest JOIN lineage_images x ON x.id = m.index_id \
         JOIN lineage_images i ON i.base_digest = x.digest AND i.platform = w.platform LIMIT ?2",
);
const MEMBERS: Statement = Statement::dialects(
    "SELECT m.index_id, i.id FROM lineage_members m JOIN lineage_images i ON i.digest = m.digest \
     WHERE m.index_id IN (SELECT value FROM json_each(?1)) ORDER BY i.id",
    "SELECT m.index_id, i.id FROM lineage_members m JOIN lineage_images i ON i.digest = m.digest \
     WHERE m.index_id IN (SELECT value::bigint FROM json_array_elements_text(CAST(?1 AS text)::json)) ORDER BY i.id",
);
const INDEXES: Statement = Statement::dialects(
    "SELECT i.id, m.index_id FROM lineage_images i JOIN lineage_members m ON m.digest = i.digest \
     WHERE i.id IN (SELECT value FROM json_each(?1))",
    "SELECT i.id, m.index_id FROM lineage_images i JOIN lineage_members m ON m.digest = i.digest \
     WHERE i.id IN (SELECT value::bigint FROM json_array_elements_text(CAST(?1 AS text)::json))",
);
const TWINS: &str = "SELECT t.id FROM lineage_images i JOIN lineage_images t ON t.chain_id = i.chain_id AND t.is_whole = 1 \
     WHERE i.id = ?1 AND i.is_whole = 1 AND t.id <> ?1 ORDER BY t.id LIMIT 100";
const PLACES: Statement = Statement::dialects(
    "SELECT image_id, repository, project_id, environment, tags FROM lineage_places \
     WHERE image_id IN (SELECT value FROM json_each(?1)) ORDER BY image_id, repository",
    "SELECT image_id, repository, project_id, environment, tags FROM lineage_places \
     WHERE image_id IN (SELECT value::bigint FROM json_array_elements_text(CAST(?1 AS text)::json)) \
     ORDER BY image_id, repository",
);
const COUNTS: Statement = Statement::dialects(
    "SELECT environment, COUNT(DISTINCT image_id) FROM lineage_places \
     WHERE image_id IN (SELECT value FROM json_each(?1)) GROUP BY environment",
    "SELECT environment, COUNT(DISTINCT image_id) FROM lineage_places \
     WHERE image_id IN (SELECT value::bigint FROM json_array_elements_text(CAST(?1 AS text)::json)) GROUP BY environment",
);
const IN_ENVIRONMENT: Statement = Statement::dialects(
    "SELECT DISTINCT image_id FROM lineage_places WHERE image_id IN (SELECT value FROM json_each(?1)) AND environment = ?2",
    "SELECT DISTINCT image_id FROM lineage_places \
     WHERE image_id IN (SELECT value::bigint FROM json_array_elements_text(CAST(?1 AS text)::json)) AND environment = ?2",
);
const LATEST: &str = "SELECT image_id, repository, project_id, environment, tags FROM lineage_places \
     WHERE repository = ?1 AND tagged_at IS NOT NULL ORDER BY tagged_at DESC, image_id DESC LIMIT ?2";
const TAGGED: &str = "SELECT image_id, repository, project_id, environment, tags FROM lineage_places \
     WHERE repository = ?1 AND tags <> '[]' ORDER BY pushed_at DESC, image_id DESC LIMIT ?2";
const NEWEST_OF_PROJECT: &str = "SELECT p.image_id, p.repository, p.project_id, p.environment, p.tags FROM \
     (SELECT repository, MAX(tagged_at) AS tagged_at FROM lineage_places \
      WHERE project_id = ?1 AND environment = '' AND repository > ?2 AND tagged_at IS NOT NULL \
      GROUP BY repository ORDER BY repository LIMIT ?3) n \
     JOIN lineage_places p ON p.repository = n.repository AND p.tagged_at = n.tagged_at ORDER BY p.repository, p.image_id";

pub(in crate::lineage) async fn images(from: &mut impl Reading, ids: &[i64]) -> Result<Vec<ImageRow>, Error> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    from.list(IMAGES, &params![id_list(ids)]).await?.into_iter().map(image).collect()
}

fn image(mut row: Row) -> Result<ImageRow, Error> {
    Ok(ImageRow {
        id: row.integer(0)?,
        digest: digest(&row, 1)?,
        is_index: row.boolean(2)?,
        claim: Claim::from_number(row.integer(3)?),
        problem: row.optional_text(4)?.map(str::to_owned),
        platform: row.take_text(5)?,
        layers: row.integer(6)?,
        size_bytes: row.integer(7)?,
        made_at: row.optional_timestamp(8)?,
        run_as: row.take_text(9)?,
        labels: row.take_text(10)?,
        base_digest: optional_digest(&row, 11)?,
        base_name: row.optional_text(12)?.map(str::to_owned),
    })
}

/// The rows of images that are known.
pub(in crate::lineage) async fn by_digest(from: &mut impl Reading, digests: &[Digest]) -> Result<Vec<i64>, Error> {
    ids(from, BY_DIGEST, &params![hex_list(digests)]).await
}

/// What these images stand on directly.
pub(in crate::lineage) async fn bases(from: &mut impl Reading, images: &[i64]) -> Result<Vec<Edge>, Error> {
    let rows = from.list(BASES, &params![id_list(images), MAX_EDGES]).await?;
    let edge = |row: &Row| {
        let by = if row.integer(2)? == 0 { By::Layers } else { By::Annotation };
        Ok(Edge { image: row.integer(0)?, base: row.integer(1)?, by })
    };
    rows.iter().map(edge).collect()
}

/// What stands on any of these images directly; at most `limit`.
pub(in crate::lineage) async fn standing(
    from: &mut impl Reading,
    images: &[i64],
    limit: usize,
) -> Result<Vec<i64>, Error> {
    ids(from, STANDING, &params![id_list(images), i64::try_from(limit).unwrap_or(i64::MAX)]).await
}

/// The images of indexes: index, image.
pub(in crate::lineage) async fn members(from: &mut impl Reading, indexes: &[i64]) -> Result<Vec<(i64, i64)>, Error> {
    pairs(from, MEMBERS, indexes).await
}

/// The indexes that list images: image, index.
pub(in crate::lineage) async fn indexes(from: &mut impl Reading, images: &[i64]) -> Result<Vec<(i64, i64)>, Error> {
    pairs(from, INDEXES, images).await
}

/// Other images with the same layers.
pub(in crate::lineage) async fn twins(from: &mut impl Reading, image: i64) -> Result<Vec<i64>, Error> {
    ids(from, TWINS.into(), &params![image]).await
}

/// Where images are.
pub(in crate::lineage) async fn places(from: &mut impl Reading, images: &[i64]) -> Result<Vec<PlaceRow>, Error> {
    if images.is_empty() {
        return Ok(Vec::new());
    }
    from.list(PLACES, &params![id_list(images)]).await?.into_iter().map(place).collect()
}

/// In how many of the environments images are.
pub(in crate::lineage) async fn counts(
    from: &mut impl Reading,
    images: &[i64],
) -> Result<BTreeMap<String, i64>, Error> {
    let rows = from.list(COUNTS, &params![id_list(images)]).await?;
    rows.iter().map(|row| Ok((row.text(0)?.to_owned(), row.integer(1)?))).collect()
}

/// Those of the images that are in an environment.
pub(in crate::lineage) async fn in_environment(
    from: &mut impl Reading,
    images: &[i64],
    environment: &str,
) -> Result<Vec<i64>, Error> {
    ids(from, IN_ENVIRONMENT, &params![id_list(images), environment]).await
}

/// The manifests of a repository that a tag points to, the latest first.
pub(in crate::lineage) async fn latest(
    from: &mut impl Reading,
    repository: &RepositoryName,
    limit: i64,
) -> Result<Vec<PlaceRow>, Error> {
    from.list(LATEST.into(), &params![repository.as_str(), limit]).await?.into_iter().map(place).collect()
}

/// The manifests of a repository that a tag points or pointed to, those that were pushed last first.
pub(in crate::lineage) async fn tagged(
    from: &mut impl Reading,
    repository: &RepositoryName,
    limit: i64,
) -> Result<Vec<PlaceRow>, Error> {
    from.list(TAGGED.into(), &params![repository.as_str(), limit]).await?.into_iter().map(place).collect()
}

/// What is the newest in each of the next repositories of a project, in development.
pub(in crate::lineage) async fn newest_of_project(
    from: &mut impl Reading,
    project: ProjectId,
    (after, limit): (&str, usize),
) -> Result<Vec<PlaceRow>, Error> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    from.list(NEWEST_OF_PROJECT.into(), &params![project, after, limit]).await?.into_iter().map(place).collect()
}

fn place(mut row: Row) -> Result<PlaceRow, Error> {
    let malformed = Error::MalformedRow { what: "an image's place" };
    let tags = serde_json::from_str(row.text(4)?).map_err(|_| Error::MalformedRow { what: "an image's tags" })?;
    Ok(PlaceRow {
        image: row.integer(0)?,
        repository: row.text(1)?.parse().map_err(|_| malformed)?,
        project: ProjectId(row.integer(2)?),
        environment: row.take_text(3)?,
        tags,
    })
}

async fn ids(from: &mut impl Reading, statement: Statement, params: &[wharf_db::Value]) -> Result<Vec<i64>, Error> {
    let rows = from.list(statement, params).await?;
    rows.iter().map(|row| Ok(row.integer(0)?)).collect()
}

async fn pairs(from: &mut impl Reading, statement: Statement, wanted: &[i64]) -> Result<Vec<(i64, i64)>, Error> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let rows = from.list(statement, &params![id_list(wanted)]).await?;
    rows.iter().map(|row| Ok((row.integer(0)?, row.integer(1)?))).collect()
}
