//! Users: people who log in with a name and a password.
//!
//! A user's name never changes. Passwords are hashed by [`crate::password`]; log-in is in [`crate::login`].

mod import;
pub(crate) mod store;

use std::net::IpAddr;

use serde_json::{Value, json};
use wharf_context::{CallerId, Context, Timestamp};
use wharf_db::Tx;

pub use self::import::Imported;
use crate::account::UserAccount;
use crate::audit;
use crate::authority::Authority;
use crate::authority::rule::SystemRight;
use crate::error::Error;
use crate::identity::Identity;
use crate::name::UserName;
use crate::page::{Page, PageRequest};
use crate::password;
use crate::role::SystemRole;
use crate::secret::Secret;
use crate::{assignment, group, member, person, token};

/// A user as others see them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The log-in name.
    pub name: UserName,
    /// The role in the whole system, if any.
    pub system_role: Option<SystemRole>,
    /// Whether log-in is refused.
    pub is_disabled: bool,
    /// Whether there is a password to log in with.
    pub has_password: bool,
    /// Since when there is this user.
    pub created_at: Timestamp,
}

/// A user to be made.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// The log-in name.
    pub name: UserName,
    /// The password; without one, nobody can log in until it is set.
    pub password: Option<Secret>,
    /// The role in the whole system, if any.
    pub system_role: Option<SystemRole>,
}

/// What of a user is to change. `None` leaves a field as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserChange {
    /// Another role in the whole system, or `Some(None)` for none.
    pub system_role: Option<Option<SystemRole>>,
    /// Whether log-in is refused. Refresh tokens end with it.
    pub is_disabled: Option<bool>,
}

impl Identity {
    /// The caller's own row; `None` for callers who are no users.
    pub async fn me(&self, ctx: &Context) -> Result<Option<User>, Error> {
        let CallerId::User(id) = ctx.caller.id else { return Ok(None) };
        Authority::manage(&self.db, ctx, self.mode()).await?;
        store::get_by_id(&self.db, id).await
    }

    /// One user: oneself, or any for who may see users.
    pub async fn get_user(&self, ctx: &Context, name: &UserName) -> Result<User, Error> {
        let authority = Authority::manage(&self.db, ctx, self.mode()).await?;
        if !authority.is_user(name) {
            authority.require(SystemRight::SeeUsers)?;
        }
        store::get(&self.db, name).await?.ok_or_else(|| Error::UserUnknown(name.clone()))
    }

    /// Users in the order of their names.
    pub async fn list_users(&self, ctx: &Context, page: &PageRequest) -> Result<Page<User>, Error> {
        Authority::manage(&self.db, ctx, self.mode()).await?.require(SystemRight::SeeUsers)?;
        let users = store::list(&self.db, page.after(), page.rows()).await?;
        Ok(page.cut(users, |user| user.name.to_string()))
    }

    /// Makes a user.
    pub async fn create_user(&self, ctx: &Context, user: &NewUser) -> Result<User, Error> {
        self.check(ctx, SystemRight::ManageUsers).await?;
        let hash = match &user.password {
            Some(password) => {
                password::judge(&user.name, password)?;
                Some(self.hasher.hash(password).await?)
            }
            None => None,
        };
        self.db
            .transaction(async |tx| {
                Authority::manage(&mut *tx, ctx, self.mode()).await?.require(SystemRight::ManageUsers)?;
                if !store::insert(tx, &user.name, hash.as_ref(), user.system_role).await? {
                    return Err(Error::Exists { what: "user", name: user.name.to_string() });
                }
                let made = store::get(&mut *tx, &user.name).await?;
                let made = made.ok_or_else(|| Error::UserUnknown(user.name.clone()))?;
                audit::record(tx, ctx, "user.create", &user.name, json!({ "after": describe(&made) })).await?;
                Ok(made)
            })
            .await
    }

    /// Changes a user's role, or whether they may log in. The last administrator keeps both.
    pub async fn update_user(&self, ctx: &Context, name: &UserName, change: &UserChange) -> Result<User, Error> {
        self.db
            .transaction(async |tx| {
                Authority::manage(&mut *tx, ctx, self.mode()).await?.require(SystemRight::ManageUsers)?;
                let before = store::find(&mut *tx, name).await?.ok_or_else(|| Error::UserUnknown(name.clone()))?;
                let was = store::get(&mut *tx, name).await?.ok_or_else(|| Error::UserUnknown(name.clone()))?;
                let keeps_role = change.system_role.is_none_or(|role| role == Some(SystemRole::Administrator));
                if !keeps_role || change.is_disabled == Some(true) {
                    keep_an_administrator(tx, &before).await?;
                }
                store::update(tx, before.id, change).await?;
                if change.is_disabled == Some(true) {
                    token::store::delete_of_account(tx, &token::Holder::User(before.id)).await?;
                }
                let is = store::get(&mut *tx, name).await?.ok_or_else(|| Error::UserUnknown(name.clone()))?;
                let details = json!({ "before": describe(&was), "after": describe(&is) });
                audit::record(tx, ctx, "user.update", name, details).await?;
                Ok(is)
            })
            .await
    }

    /// Deletes a user with their memberships and refresh tokens.
    pub async fn delete_user(&self, ctx: &Context, name: &UserName) -> Result<(), Error> {
        self.db
            .transaction(async |tx| {
                Authority::manage(&mut *tx, ctx, self.mode()).await?.require(SystemRight::ManageUsers)?;
                let user = store::find(&mut *tx, name).await?.ok_or_else(|| Error::UserUnknown(name.clone()))?;
                keep_an_administrator(tx, &user).await?;
                let was = store::get(&mut *tx, name).await?.map(|was| describe(&was));
                token::store::delete_of_account(tx, &token::Holder::User(user.id)).await?;
                member::store::delete_user(tx, user.id).await?;
                assignment::store::delete_user(tx, user.id).await?;
                person::store::delete_user(tx, user.id).await?;
                group::store::delete_user(tx, user.id).await?;
                store::delete(tx, user.id).await?;
                audit::record(tx, ctx, "user.delete", name, json!({ "before": was })).await
            })
            .await
    }

    /// Gives a user another password without asking for the present one. Refresh tokens end with it.
    pub async fn set_password(&self, ctx: &Context, name: &UserName, password: &Secret) -> Result<(), Error> {
        self.check(ctx, SystemRight::ManageUsers).await?;
        password::judge(name, password)?;
        let hash = self.hasher.hash(password).await?;
        self.db
            .transaction(async |tx| {
                Authority::manage(&mut *tx, ctx, self.mode()).await?.require(SystemRight::ManageUsers)?;
                let user = store::find(&mut *tx, name).await?.ok_or_else(|| Error::UserUnknown(name.clone()))?;
                store::set_password(tx, &user, &hash).await?;
                token::store::delete_of_account(tx, &token::Holder::User(user.id)).await?;
                audit::record(tx, ctx, "user.set_password", name, Value::Null).await
            })
            .await
    }

    /// Changes the caller's own password. The present one must be right, and guessing it is throttled like log-in.
    pub async fn change_password(&self, ctx: &Context, present: &Secret, new: &Secret) -> Result<(), Error> {
        let name = self.caller_name(ctx).await?;
        password::judge(&name, new)?;
        let login = self.verify_own(&name, present, ctx.remote).await?;
        let hash = self.hasher.hash(new).await?;
        self.db
            .transaction(async |tx| {
                Authority::manage(&mut *tx, ctx, self.mode()).await?;
                store::set_password(tx, &login, &hash).await?;
                token::store::delete_of_account(tx, &token::Holder::User(login.id)).await?;
                audit::record(tx, ctx, "user.change_password", &name, Value::Null).await
            })
            .await
    }

    /// The caller's name, if they are a user and may manage.
    async fn caller_name(&self, ctx: &Context) -> Result<UserName, Error> {
        let authority = Authority::manage(&self.db, ctx, self.mode()).await?;
        match authority.account {
            crate::account::Account::User(user) => Ok(user.name),
            crate::account::Account::Anonymous => Err(Error::LoginRequired),
            crate::account::Account::Robot(_) | crate::account::Account::System => {
                Err(Error::Denied { what: "change a password: this caller has none" })
            }
        }
    }

    async fn verify_own(
        &self,
        name: &UserName,
        password: &Secret,
        remote: Option<IpAddr>,
    ) -> Result<UserAccount, Error> {
        let login = store::find_login(&self.db, name).await?;
        self.verify(login.as_ref(), name.as_str(), password, remote).await?;
        login.map(|login| login.account).ok_or(Error::BadCredentials)
    }
}

/// Refuses what would leave nobody who may do everything.
async fn keep_an_administrator(tx: &mut Tx<'_>, user: &UserAccount) -> Result<(), Error> {
    let is_one = user.system_role == Some(SystemRole::Administrator);
    if is_one && !store::has_other_administrator(tx, user.id).await? {
        return Err(Error::LastAdministrator(user.name.clone()));
    }
    Ok(())
}

/// A user, for the audit log.
fn describe(user: &User) -> Value {
    json!({ "system_role": user.system_role.map(SystemRole::name), "is_disabled": user.is_disabled })
}
