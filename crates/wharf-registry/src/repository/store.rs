//! SQL of `repositories`.

use wharf_context::{Permit, ProjectId, Right, Visibility};
use wharf_db::{Db, Statement, Tx, params};
use wharf_oci::RepositoryName;

use super::RepositoryId;
use crate::error::Error;

/// Makes a repository.
pub(super) async fn insert(tx: &mut Tx<'_>, project: ProjectId, name: &RepositoryName) -> Result<(), Error> {
    let now = tx.now();
    tx.execute(
        "INSERT INTO repositories (project_id, name, created_at) VALUES (?1, ?2, ?3) ON CONFLICT (name) DO NOTHING",
        &params![project.0, name.as_str(), now],
    )
    .await?;
    Ok(())
}

/// The repository, inside a transaction.
pub(crate) async fn get<R: Right>(tx: &mut Tx<'_>, permit: &Permit<R>) -> Result<Option<RepositoryId>, Error> {
    named(tx, permit.project(), permit.repository()).await
}

/// A project's repository of that name, where the right was another one than on the repository.
pub(crate) async fn named(
    tx: &mut Tx<'_>,
    project: ProjectId,
    name: &RepositoryName,
) -> Result<Option<RepositoryId>, Error> {
    const SQL: &str = "SELECT id FROM repositories WHERE name = ?1 AND project_id = ?2";
    let row = tx.query_opt(SQL, &params![name.as_str(), project.0]).await?;
    Ok(row.map(|row| row.integer(0)).transpose()?.map(RepositoryId))
}

/// The repository, outside of any transaction.
pub(crate) async fn find<R: Right>(db: &Db, permit: &Permit<R>) -> Result<Option<RepositoryId>, Error> {
    let row = db
        .get(
            "SELECT id FROM repositories WHERE name = ?1 AND project_id = ?2",
            &params![permit.repository().as_str(), permit.project().0],
        )
        .await?;
    Ok(row.map(|row| row.integer(0)).transpose()?.map(RepositoryId))
}

/// The project that owns a repository which is there.
pub(crate) async fn project_of(db: &Db, repository: &RepositoryName) -> Result<Option<ProjectId>, Error> {
    let row = db.get("SELECT project_id FROM repositories WHERE name = ?1", &params![repository.as_str()]).await?;
    Ok(row.map(|row| row.integer(0)).transpose()?.map(ProjectId))
}

/// The name of a repository.
pub(crate) async fn name(tx: &mut Tx<'_>, repository: RepositoryId) -> Result<Option<String>, Error> {
    let row = tx.query_opt("SELECT name FROM repositories WHERE id = ?1", &params![repository.0]).await?;
    Ok(row.map(|mut row| row.take_text(0)).transpose()?)
}

/// The names after `last`, before `end`, in byte order.
pub(super) async fn list(
    db: &Db,
    visibility: &Visibility,
    (last, end): (&str, &str),
    limit: i64,
) -> Result<Vec<RepositoryName>, Error> {
    let rows = match visibility {
        Visibility::All => {
            const SQL: &str = "SELECT name FROM repositories WHERE name > ?1 AND name < ?2 ORDER BY name LIMIT ?3";
            db.list(SQL, &params![last, end, limit]).await?
        }
        Visibility::Projects(projects) => {
            let ids: Vec<i64> = projects.iter().map(|project| project.0).collect();
            let ids = serde_json::to_string(&ids).map_err(|_| Error::MalformedRow { what: "a project list" })?;
            db.list(
                Statement::dialects(
                    "SELECT name FROM repositories WHERE project_id IN (SELECT value FROM json_each(?1)) AND name > ?2 AND name < ?3 ORDER BY name LIMIT ?4",
                    "SELECT name FROM repositories WHERE project_id IN (SELECT value::bigint FROM json_array_elements_text(CAST(?1 AS text)::json)) AND name > ?2 AND name < ?3 ORDER BY name LIMIT ?4",
                ),
                &params![ids, last, end, limit],
            )
            .await?
        }
    };
    rows.iter().map(|row| row.text(0)?.parse().map_err(|_| Error::MalformedRow { what: "a repository" })).collect()
}

pub(super) async fn is_project_used(tx: &mut Tx<'_>, project: ProjectId) -> Result<bool, wharf_db::Error> {
    let row = tx
        .query_opt(
            "SELECT 1 FROM repositories WHERE project_id = ?1 UNION ALL SELECT 1 FROM uploads WHERE project_id = ?1 LIMIT 1",
            &params![project.0],
        )
        .await?;
    Ok(row.is_some())
}
