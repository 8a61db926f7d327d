//! SQL of `lineage_places`.

use serde::{Deserialize, Serialize};
use wharf_context::{ProjectId, Timestamp};
use wharf_db::{Tx, params};
use wharf_oci::RepositoryName;

use crate::error::Error;

/// A tag as a place keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::lineage) struct TagNote {
    pub(in crate::lineage) tag: String,
    /// Microseconds.
    pub(in crate::lineage) since: i64,
    /// Whether it pointed here when the note was made.
    pub(in crate::lineage) now: bool,
}

/// Where an image is.
#[derive(Debug, Clone)]
pub(in crate::lineage) struct PlaceNote {
    pub(in crate::lineage) project: ProjectId,
    pub(in crate::lineage) environment: String,
    pub(in crate::lineage) tags: Vec<TagNote>,
    pub(in crate::lineage) pushed_at: Timestamp,
}

impl PlaceNote {
    /// Since when the latest tag points to it.
    pub(in crate::lineage) fn tagged_at(&self) -> Option<i64> {
        self.tags.iter().filter(|tag| tag.now).map(|tag| tag.since).max()
    }
}

const PUT: &str = "INSERT INTO lineage_places (image_id, repository, project_id, environment, tags, tagged_at, pushed_at) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (image_id, repository) DO UPDATE SET \
     project_id = excluded.project_id, environment = excluded.environment, tags = excluded.tags, \
     tagged_at = excluded.tagged_at, pushed_at = excluded.pushed_at";

pub(in crate::lineage) async fn put(
    tx: &mut Tx<'_>,
    image: i64,
    repository: &RepositoryName,
    place: &PlaceNote,
) -> Result<(), Error> {
    let tags = serde_json::to_string(&place.tags).map_err(|_| Error::MalformedRow { what: "an image's tags" })?;
    let environment = place.environment.as_str();
    tx.execute(
        PUT,
        &params![image, repository.as_str(), place.project, environment, tags, place.tagged_at(), place.pushed_at],
    )
    .await?;
    Ok(())
}

/// Forgets a place; says whether the image is in another one.
pub(in crate::lineage) async fn remove(
    tx: &mut Tx<'_>,
    image: i64,
    repository: &RepositoryName,
) -> Result<bool, Error> {
    tx.execute(
        "DELETE FROM lineage_places WHERE image_id = ?1 AND repository = ?2",
        &params![image, repository.as_str()],
    )
    .await?;
    let other = tx.query_opt("SELECT 1 FROM lineage_places WHERE image_id = ?1 LIMIT 1", &params![image]).await?;
    Ok(other.is_some())
}
