//! Members: users and groups with a role in a project.
//!
//! What a role allows is in [`crate::role`]. A change takes effect at once for who logs in with a password, and for
//! tokens that were issued before, when they end.

pub(crate) mod store;

use std::fmt;
use std::str::FromStr;

use serde_json::json;
use wharf_context::{Context, Timestamp};
use wharf_db::Tx;
use wharf_oci::ProjectName;

use crate::authority::Authority;
use crate::authority::rule::ProjectRight;
use crate::error::Error;
use crate::identity::Identity;
use crate::name::{GroupName, UserName};
use crate::page::{Page, PageRequest};
use crate::role::Role;
use crate::{audit, group, user};

/// Who has a role: written `user:NAME` or `group:NAME`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum MemberName {
    /// One user.
    User(UserName),
    /// All users of a group.
    Group(GroupName),
}

impl MemberName {
    /// The name without its sort.
    pub fn as_str(&self) -> &str {
        match self {
            Self::User(name) => name.as_str(),
            Self::Group(name) => name.as_str(),
        }
    }

    /// `user` or `group`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::User(_) => "user",
            Self::Group(_) => "group",
        }
    }

    /// The catalog's number of the sort.
    fn number(&self) -> i64 {
        match self {
            Self::User(_) => 0,
            Self::Group(_) => 1,
        }
    }
}

impl fmt::Display for MemberName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind(), self.as_str())
    }
}

impl FromStr for MemberName {
    type Err = crate::name::AccountNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            Some(("user", name)) => name.parse().map(Self::User),
            Some(("group", name)) => name.parse().map(Self::Group),
            Some(_) | None => Err(crate::name::AccountNameError::Malformed),
        }
    }
}

/// A user or group with its role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Who.
    pub name: MemberName,
    /// In which role.
    pub role: Role,
    /// Since when in this role.
    pub since: Timestamp,
}

impl Identity {
    /// A project's members: users, then groups, in the order of their names.
    pub async fn list_members(
        &self,
        ctx: &Context,
        project: &ProjectName,
        page: &PageRequest,
    ) -> Result<Page<Member>, Error> {
        let authority = Authority::manage(&self.db, ctx, self.mode()).await?;
        let standing = authority.project(&self.db, project, ProjectRight::SeeMembers).await?;
        let after = page.after.as_deref().map(str::parse::<MemberName>).transpose().map_err(|_| Error::BadPage)?;
        let members = store::list(&self.db, standing.project, after.as_ref(), page.rows()).await?;
        Ok(page.cut(members, |member| member.name.to_string()))
    }

    /// Gives a user or group a role in a project, or another one.
    pub async fn put_member(
        &self,
        ctx: &Context,
        project: &ProjectName,
        name: &MemberName,
        role: Role,
    ) -> Result<Member, Error> {
        self.db
            .transaction(async |tx| {
                let authority = Authority::manage(&mut *tx, ctx, self.mode()).await?;
                let standing = authority.project(&mut *tx, project, ProjectRight::ManageMembers).await?;
                let id = row_number(tx, name).await?;
                let before = store::role(tx, standing.project, name).await?.map(describe);
                store::put(tx, standing.project, (name, id), role).await?;
                let details = json!({ "member": name.to_string(), "before": before, "after": describe(role) });
                audit::record(tx, ctx, "member.put", project, details).await?;
                Ok(Member { name: name.clone(), role, since: tx.now() })
            })
            .await
    }

    /// Takes a role away.
    pub async fn delete_member(&self, ctx: &Context, project: &ProjectName, name: &MemberName) -> Result<(), Error> {
        self.db
            .transaction(async |tx| {
                let authority = Authority::manage(&mut *tx, ctx, self.mode()).await?;
                let standing = authority.project(&mut *tx, project, ProjectRight::ManageMembers).await?;
                let before = store::role(tx, standing.project, name).await?.map(describe);
                if !store::delete(tx, standing.project, name).await? {
                    return Err(Error::MemberUnknown { project: project.clone(), member: name.clone() });
                }
                let details = json!({ "member": name.to_string(), "before": before });
                audit::record(tx, ctx, "member.delete", project, details).await
            })
            .await
    }
}

/// A membership, for the audit log.
fn describe(role: Role) -> serde_json::Value {
    json!({ "role": role.name() })
}

async fn row_number(tx: &mut Tx<'_>, name: &MemberName) -> Result<i64, Error> {
    match name {
        MemberName::User(name) => {
            let user = user::store::find(tx, name).await?;
            user.map(|user| user.id).ok_or_else(|| Error::UserUnknown(name.clone()))
        }
        MemberName::Group(name) => {
            let group = group::store::get(tx, name).await?;
            group.map(|(id, _)| id.0).ok_or_else(|| Error::GroupUnknown(name.clone()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_a_user_or_a_group() {
        for text in ["user:alice", "group:team-a"] {
            assert_eq!(text.parse::<MemberName>().map(|name| name.to_string()), Ok(text.to_owned()));
        }
        for bad in ["alice", "user:", "robot:x", "user:a:b", ""] {
            assert!(bad.parse::<MemberName>().is_err(), "{bad}");
        }
    }
}
