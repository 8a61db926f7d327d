//! SQL that joins projects with who has a role in them.

use wharf_context::ProjectId;
use wharf_db::{Db, Row, params};
use wharf_oci::ProjectName;

use super::rule::Standing;
use crate::error::Error;
use crate::reading::Reading;
use crate::role::Role;

// Both look-ups of roles are by index, whatever the number of members.
const STANDING: &str = "SELECT p.id, p.is_public, \
     (SELECT m.role FROM project_members m WHERE m.kind = 0 AND m.member_id = ?2 AND m.project_id = p.id), \
     (SELECT MAX(m.role) FROM group_users g JOIN project_members m \
      ON m.kind = 1 AND m.member_id = g.group_id AND m.project_id = p.id WHERE g.user_id = ?2) \
     FROM projects p WHERE p.name = ?1";

/// A project as a user meets it.
pub(crate) async fn standing(from: impl Reading, name: &ProjectName, user: i64) -> Result<Option<Standing>, Error> {
    from.get(STANDING, &params![name.as_str(), user]).await?.map(|row| read(&row)).transpose()
}

fn read(row: &Row) -> Result<Standing, Error> {
    let own = row.optional_integer(2)?;
    let role = own.max(row.optional_integer(3)?).and_then(Role::from_number);
    Ok(Standing { project: ProjectId(row.integer(0)?), is_public: row.boolean(1)?, role })
}

/// Public projects, and those in which the user has a role.
pub(crate) async fn visible_projects(db: &Db, user: i64) -> Result<Vec<ProjectId>, Error> {
    let rows = db
        .list(
            "SELECT id FROM projects WHERE is_public = 1 \
             UNION SELECT project_id FROM project_members WHERE kind = 0 AND member_id = ?1 \
             UNION SELECT m.project_id FROM group_users g JOIN project_members m \
             ON m.kind = 1 AND m.member_id = g.group_id WHERE g.user_id = ?1",
            &params![user],
        )
        .await?;
    rows.iter().map(|row| Ok(ProjectId(row.integer(0)?))).collect()
}
