//! Users from an htpasswd file, and the first administrator.

use serde_json::Value;
use wharf_context::Context;
use wharf_db::Tx;

use super::store;
use crate::audit;
use crate::authority::Authority;
use crate::authority::rule::SystemRight;
use crate::error::Error;
use crate::identity::Identity;
use crate::name::UserName;
use crate::password::htpasswd::{self, MAX_HTPASSWD_BYTES};
use crate::password::{self, PasswordHash};
use crate::role::SystemRole;
use crate::secret::Secret;

/// The first administrator's name.
const ADMINISTRATOR: &str = "admin";

/// What an import did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Imported {
    /// Users that were made.
    pub created: Vec<UserName>,
    /// Users that existed and were left as they are.
    pub existing: Vec<UserName>,
}

impl Identity {
    /// Makes a user of each entry of an htpasswd file, all or none. Only bcrypt hashes are taken; each is replaced by
    /// argon2id at its owner's next log-in. Users who exist are left as they are.
    pub async fn import_htpasswd(&self, ctx: &Context, text: &str) -> Result<Imported, Error> {
        self.check(ctx, SystemRight::ManageUsers).await?;
        if text.len() > MAX_HTPASSWD_BYTES {
            return Err(Error::HtpasswdTooLarge { max_bytes: MAX_HTPASSWD_BYTES });
        }
        let entries = htpasswd::parse(text).map_err(Error::Htpasswd)?;
        self.db
            .transaction(async |tx| {
                Authority::manage(&mut *tx, ctx, self.mode()).await?.require(SystemRight::ManageUsers)?;
                import(tx, ctx, &entries).await
            })
            .await
    }

    /// Makes sure that there is an administrator: without one, makes `admin` with `password`, or with a random
    /// password that is returned this one time.
    pub async fn bootstrap(&self, password: Option<Secret>) -> Result<Option<Secret>, Error> {
        if store::has_administrator(&self.db).await? {
            return Ok(None);
        }
        let name: UserName = ADMINISTRATOR.parse().expect("a constant that is a name");
        let (password, is_ours) = match password {
            Some(password) => {
                password::judge(&name, &password)?;
                (password, false)
            }
            None => (Secret::readable()?, true),
        };
        let hash = self.hasher.hash(&password).await?;
        let is_made = self.db.transaction(async |tx| make_administrator(tx, &name, &hash).await).await?;
        Ok((is_made && is_ours).then_some(password))
    }
}

async fn import(tx: &mut Tx<'_>, ctx: &Context, entries: &[(UserName, PasswordHash)]) -> Result<Imported, Error> {
    let mut imported = Imported::default();
    for (name, hash) in entries {
        if store::insert(tx, name, Some(hash), None).await? {
            audit::record(tx, ctx, "user.import", name, Value::Null).await?;
            imported.created.push(name.clone());
        } else {
            imported.existing.push(name.clone());
        }
    }
    Ok(imported)
}

/// `false`: another process was first.
async fn make_administrator(tx: &mut Tx<'_>, name: &UserName, hash: &PasswordHash) -> Result<bool, Error> {
    if store::has_administrator(&mut *tx).await? {
        return Ok(false);
    }
    if !store::insert(tx, name, Some(hash), Some(SystemRole::Administrator)).await? {
        return Err(Error::Exists { what: "user", name: name.to_string() });
    }
    audit::record(tx, &audit::by_wharf(), "user.bootstrap", name, Value::Null).await?;
    Ok(true)
}
