//! Groups: sets of users that have roles in projects together.

pub(crate) mod store;

use serde_json::{Value, json};
use wharf_context::{Context, Timestamp};
use wharf_db::Tx;

use crate::authority::Authority;
use crate::authority::rule::SystemRight;
use crate::error::Error;
use crate::identity::Identity;
use crate::name::{GroupName, UserName};
use crate::page::{Page, PageRequest};
use crate::{assignment, audit, member, user};

/// A group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its name.
    pub name: GroupName,
    /// Since when there is this group.
    pub created_at: Timestamp,
}

/// A group's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct GroupId(pub(crate) i64);

impl Identity {
    /// One group.
    pub async fn get_group(&self, ctx: &Context, name: &GroupName) -> Result<Group, Error> {
        Authority::manage(&self.db, ctx, self.mode()).await?.require(SystemRight::SeeGroups)?;
        store::get(&self.db, name).await?.map(|(_, group)| group).ok_or_else(|| Error::GroupUnknown(name.clone()))
    }

    /// Groups in the order of their names.
    pub async fn list_groups(&self, ctx: &Context, page: &PageRequest) -> Result<Page<Group>, Error> {
        Authority::manage(&self.db, ctx, self.mode()).await?.require(SystemRight::SeeGroups)?;
        let groups = store::list(&self.db, page.after(), page.rows()).await?;
        Ok(page.cut(groups, |group| group.name.to_string()))
    }

    /// Makes an empty group.
    pub async fn create_group(&self, ctx: &Context, name: &GroupName) -> Result<Group, Error> {
        self.db
            .transaction(async |tx| {
                Authority::manage(&mut *tx, ctx, self.mode()).await?.require(SystemRight::ManageGroups)?;
                if !store::insert(tx, name).await? {
                    return Err(Error::Exists { what: "group", name: name.to_string() });
                }
                audit::record(tx, ctx, "group.create", name, Value::Null).await?;
                Ok(Group { name: name.clone(), created_at: tx.now() })
            })
            .await
    }

    /// Deletes a group with its roles in projects. Its users stay.
    pub async fn delete_group(&self, ctx: &Context, name: &GroupName) -> Result<(), Error> {
        self.db
            .transaction(async |tx| {
                let group = managed(tx, ctx, self, name).await?;
                member::store::delete_group(tx, group).await?;
                assignment::store::delete_group(tx, group).await?;
                store::delete(tx, group).await?;
                audit::record(tx, ctx, "group.delete", name, Value::Null).await
            })
            .await
    }

    /// A group's users in the order of their names.
    pub async fn list_group_users(
        &self,
        ctx: &Context,
        name: &GroupName,
        page: &PageRequest,
    ) -> Result<Page<UserName>, Error> {
        Authority::manage(&self.db, ctx, self.mode()).await?.require(SystemRight::SeeGroups)?;
        let (group, _) = store::get(&self.db, name).await?.ok_or_else(|| Error::GroupUnknown(name.clone()))?;
        let users = store::list_users(&self.db, group, page.after(), page.rows()).await?;
        Ok(page.cut(users, UserName::to_string))
    }

    /// Puts a user into a group. Nothing happens when they are in it.
    pub async fn add_group_user(&self, ctx: &Context, name: &GroupName, user: &UserName) -> Result<(), Error> {
        self.db
            .transaction(async |tx| {
                let group = managed(tx, ctx, self, name).await?;
                let row = user::store::find(&mut *tx, user).await?.ok_or_else(|| Error::UserUnknown(user.clone()))?;
                if store::add_user(tx, group, &row).await? {
                    audit::record(tx, ctx, "group.add_user", name, json!({ "user": user.as_str() })).await?;
                }
                Ok(())
            })
            .await
    }

    /// Takes a user out of a group. Nothing happens when they are not in it.
    pub async fn remove_group_user(&self, ctx: &Context, name: &GroupName, user: &UserName) -> Result<(), Error> {
        self.db
            .transaction(async |tx| {
                let group = managed(tx, ctx, self, name).await?;
                if store::remove_user(tx, group, user).await? {
                    let details = json!({ "user": user.as_str() });
                    audit::record(tx, ctx, "group.remove_user", name, details).await?;
                }
                Ok(())
            })
            .await
    }
}

/// The row of a group that the caller may change.
async fn managed(tx: &mut Tx<'_>, ctx: &Context, identity: &Identity, name: &GroupName) -> Result<GroupId, Error> {
    Authority::manage(&mut *tx, ctx, identity.mode()).await?.require(SystemRight::ManageGroups)?;
    let group = store::get(&mut *tx, name).await?;
    group.map(|(id, _)| id).ok_or_else(|| Error::GroupUnknown(name.clone()))
}
