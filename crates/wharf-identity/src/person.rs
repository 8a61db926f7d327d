//! Persons: whom identities belong to, so that two accounts of one person are never two people who approve.
//!
//! An administrator links users, and the robots that a person answers for, after they have made sure who that is. Who is
//! linked to nobody counts for nobody where a person is asked for.

pub(crate) mod store;

use std::fmt;
use std::str::FromStr;

use serde_json::{Value, json};
use wharf_context::{CallerId, Context, PersonId, Timestamp};
use wharf_db::Tx;

use crate::audit;
use crate::authority::Authority;
use crate::authority::rule::SystemRight;
use crate::error::Error;
use crate::identity::Identity;
use crate::name::{AccountNameError, LoginName, UserName};
use crate::page::{Page, PageRequest};
use crate::{robot, user};

/// A person's name here: like a user's, in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PersonName(UserName);

impl PersonName {
    /// The name.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Display for PersonName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for PersonName {
    type Err = AccountNameError;

    fn from_str(text: &str) -> Result<Self, AccountNameError> {
        text.parse().map(Self)
    }
}

/// A person with their identities.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Their name here.
    pub name: PersonName,
    /// Since when they are known.
    pub created_at: Timestamp,
    /// What they log in as, and the robots that they answer for.
    pub accounts: Vec<LinkedAccount>,
}

/// One of a person's identities.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkedAccount {
    /// What it logs in as: `NAME` or `PROJECT+NAME`.
    pub login: String,
    /// The administrator who made sure that it is theirs.
    pub linked_by: String,
    /// When.
    pub linked_at: Timestamp,
}

impl Identity {
    /// The person behind a caller, inside the transaction that counts people. `None` where nobody made sure who it is.
    pub async fn person_of(tx: &mut Tx<'_>, caller: CallerId) -> Result<Option<PersonId>, wharf_db::Error> {
        let (kind, id) = match caller {
            CallerId::User(id) => (store::USER, id),
            CallerId::Robot(id) => (1, id),
            CallerId::Anonymous | CallerId::System => return Ok(None),
        };
        store::of_account(tx, kind, id).await
    }

    /// All persons, in the order of their names.
    pub async fn list_persons(&self, ctx: &Context, page: &PageRequest) -> Result<Page<Person>, Error> {
        Authority::manage(&self.db, ctx, self.mode()).await?.require(SystemRight::SeeUsers)?;
        let persons = store::list(&self.db, page.after(), page.rows()).await?;
        Ok(page.cut(persons, |person| person.name.to_string()))
    }

    /// Makes a person without identities.
    pub async fn create_person(&self, ctx: &Context, name: &PersonName) -> Result<Person, Error> {
        self.db
            .transaction(async |tx| {
                Authority::manage(&mut *tx, ctx, self.mode()).await?.require(SystemRight::ManageUsers)?;
                if !store::insert(tx, name).await? {
                    return Err(Error::Exists { what: "person", name: name.to_string() });
                }
                audit::record(tx, ctx, "person.create", name, Value::Null).await?;
                Ok(Person { name: name.clone(), created_at: tx.now(), accounts: Vec::new() })
            })
            .await
    }

    /// Deletes a person. Their identities stay and belong to nobody.
    pub async fn delete_person(&self, ctx: &Context, name: &PersonName) -> Result<(), Error> {
        self.db
            .transaction(async |tx| {
                Authority::manage(&mut *tx, ctx, self.mode()).await?.require(SystemRight::ManageUsers)?;
                let id = store::get(tx, name).await?.ok_or_else(|| Error::PersonUnknown(name.clone()))?;
                store::delete(tx, id).await?;
                audit::record(tx, ctx, "person.delete", name, Value::Null).await
            })
            .await
    }

    /// Says that an identity is a person's; it is then no other's.
    pub async fn link_account(&self, ctx: &Context, name: &PersonName, login: &str) -> Result<(), Error> {
        self.db
            .transaction(async |tx| {
                Authority::manage(&mut *tx, ctx, self.mode()).await?.require(SystemRight::ManageUsers)?;
                let id = store::get(tx, name).await?.ok_or_else(|| Error::PersonUnknown(name.clone()))?;
                let account = account_row(tx, login).await?;
                store::link(tx, id, (account, ctx.caller.name.as_str())).await?;
                audit::record(tx, ctx, "person.link", name, json!({ "account": login })).await
            })
            .await
    }

    /// Says that an identity is a person's no more.
    pub async fn unlink_account(&self, ctx: &Context, name: &PersonName, login: &str) -> Result<(), Error> {
        self.db
            .transaction(async |tx| {
                Authority::manage(&mut *tx, ctx, self.mode()).await?.require(SystemRight::ManageUsers)?;
                let id = store::get(tx, name).await?.ok_or_else(|| Error::PersonUnknown(name.clone()))?;
                let (kind, account) = account_row(tx, login).await?;
                if !store::unlink(tx, id, (kind, account)).await? {
                    return Err(Error::AccountUnknown { login: login.to_owned() });
                }
                audit::record(tx, ctx, "person.unlink", name, json!({ "account": login })).await
            })
            .await
    }
}

async fn account_row(tx: &mut Tx<'_>, login: &str) -> Result<(i64, i64), Error> {
    let unknown = || Error::AccountUnknown { login: login.to_owned() };
    let found = match LoginName::parse(login) {
        LoginName::User(name) => user::store::find(tx, &name).await?.map(|user| (0, user.id)),
        LoginName::Robot(project, name) => robot::store::get(tx, &project, &name).await?.map(|(id, _)| (1, id)),
        LoginName::Nobody => None,
    };
    found.ok_or_else(unknown)
}
