//! Tokens: short-lived, signed, and good for exactly what they say; and the refresh tokens that get new ones.
//!
//! A token is verified with the keys in memory and without SQL; what changes in the catalog takes effect when it ends.
//! A refresh token is a random secret of which the catalog holds the hash, and is void as soon as its owner's password
//! changes or the owner is disabled. Spec: distribution, docs/spec/auth (token, oauth).

pub(crate) mod claims;
pub(crate) mod scope;
pub(crate) mod store;

use std::net::IpAddr;
use std::time::Duration;

use serde_json::Value;
use wharf_context::{CallerId, Context, RequestId, Timestamp};
use wharf_oci::scope::Scope;

use self::claims::{Access, Claims, Coverage};
use self::scope::Wishes;
use crate::account::Account;
use crate::audit;
use crate::authority::Authority;
use crate::authority::rule::SystemRight;
use crate::error::Error;
use crate::identity::Identity;
use crate::key::jws::Use;
use crate::login::Credentials;
use crate::name::UserName;
use crate::secret::{Fingerprint, Secret};
use crate::{robot, user};

/// What a refresh token begins with, so that scanners for leaked secrets know it.
const REFRESH_PREFIX: &str = "wharf_refresh_";

/// A request for a token.
#[derive(Debug, Clone)]
pub struct TokenRequest {
    /// Who asks.
    pub credentials: Credentials,
    /// From which address.
    pub remote: Option<IpAddr>,
    /// For which service, where the client says so.
    pub service: Option<String>,
    /// What the token is to be good for.
    pub scopes: Vec<Scope>,
    /// Whether a refresh token is asked for, too: `offline_token`, or `access_type=offline`.
    pub offline: bool,
}

/// A token, and how long it is good.
#[derive(Debug, Clone)]
pub struct IssuedToken {
    /// The token itself: `token` and `access_token`.
    pub token: Secret,
    /// For how long.
    pub expires_in: Duration,
    /// From when.
    pub issued_at: Timestamp,
    /// A refresh token, when one was asked for by somebody who has logged in; the one that was shown, when one was.
    pub refresh_token: Option<Secret>,
}

/// Whose refresh token it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holder {
    User(i64),
    Robot(i64),
}

/// A refresh token's row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RefreshRow {
    pub(crate) holder: Holder,
    pub(crate) revision: i64,
    pub(crate) expires_at: Timestamp,
}

impl Identity {
    /// Issues a token for what of the scopes the caller holds. Less than was asked for is no error.
    pub async fn issue_token(&self, request: TokenRequest) -> Result<IssuedToken, Error> {
        if request.service.as_ref().is_some_and(|service| *service != self.settings.service) {
            return Err(Error::OtherService { ours: self.settings.service.clone() });
        }
        let (account, shown) = match &request.credentials {
            Credentials::Anonymous => (Account::Anonymous, None),
            Credentials::Basic { username, password } => {
                let origin = (RequestId::generate(), request.remote);
                (self.log_in(username, password, origin).await?, None)
            }
            Credentials::RefreshToken(secret) => (self.refresh(secret).await?, Some(secret.clone())),
            // A token that gets a new token would never end.
            Credentials::Bearer(_) => return Err(Error::BadCredentials),
        };
        let coverage = self.cover(&account, &request.scopes).await?;
        let refresh_token = match shown {
            None if request.offline => self.issue_refresh_token(&account, request.remote).await?,
            shown => shown,
        };
        self.sign(&account, coverage, refresh_token).await
    }

    /// Whose token this is and what it is good for. No SQL, but for keys that were made since they were last read.
    pub(crate) async fn verify_token(&self, token: &Secret) -> Result<Claims, Error> {
        let now = self.clock.now();
        let payload = self.keys.verify(token.expose(), now).await?;
        Claims::read(&payload, &self.settings, now).map_err(Error::Token)
    }

    /// Ends a refresh token: logging out. One that is not known is ended already.
    pub async fn revoke_refresh_token(&self, secret: &Secret) -> Result<(), Error> {
        let hash = secret.fingerprint();
        self.db.transaction(async |tx| store::delete(tx, &hash).await).await
    }

    /// Ends all refresh tokens of a user: one's own, or anybody's for who may change users.
    pub async fn revoke_refresh_tokens(&self, ctx: &Context, name: &UserName) -> Result<(), Error> {
        self.db
            .transaction(async |tx| {
                let authority = Authority::manage(&mut *tx, ctx, self.mode()).await?;
                if !authority.is_user(name) {
                    authority.require(SystemRight::ManageUsers)?;
                }
                let user = user::store::find(&mut *tx, name).await?.ok_or_else(|| Error::UserUnknown(name.clone()))?;
                store::delete_of_account(tx, &Holder::User(user.id)).await?;
                audit::record(tx, ctx, "user.revoke_refresh_tokens", name, Value::Null).await
            })
            .await
    }

    async fn cover(&self, account: &Account, scopes: &[Scope]) -> Result<Coverage, Error> {
        let wishes = Wishes::read(scopes);
        let mut coverage = Coverage {
            access: Vec::with_capacity(wishes.repositories.len()),
            catalog: wishes.catalog,
            management: wishes.management && *account != Account::Anonymous,
        };
        for wish in wishes.repositories {
            let held = self.held(account, &wish.repository).await?;
            let (granted, refused) = scope::intersect(wish.asked, held.permissions);
            let project = held.project.filter(|_| !granted.is_empty());
            let tags = held.tags.into_iter().filter(|limit| granted.contains(limit.permission)).collect();
            coverage.access.push(Access { repository: wish.repository, project, granted, refused, tags });
        }
        Ok(coverage)
    }

    async fn sign(
        &self,
        account: &Account,
        coverage: Coverage,
        refresh_token: Option<Secret>,
    ) -> Result<IssuedToken, Error> {
        let (issued_at, expires_in) = (self.clock.now(), self.settings.token_lifetime);
        let claims = Claims::new(&self.settings, &account.caller(), coverage, issued_at);
        let key = self.keys.signing(issued_at).await?;
        let token = Secret::new(key.sign(Use::Token, &claims.write()?));
        Ok(IssuedToken { token, expires_in, issued_at, refresh_token })
    }

    /// Makes a refresh token; `None` for callers who have not logged in.
    async fn issue_refresh_token(&self, account: &Account, remote: Option<IpAddr>) -> Result<Option<Secret>, Error> {
        let (holder, revision) = match account {
            Account::User(user) => (Holder::User(user.id), user.revision),
            Account::Robot(robot) => (Holder::Robot(robot.id), robot.revision),
            Account::Anonymous | Account::System => return Ok(None),
        };
        let secret = Secret::generate(REFRESH_PREFIX)?;
        let hash = secret.fingerprint();
        let ctx = Context::new(account.caller(), RequestId::generate(), remote, wharf_context::Grants::default());
        let ctx = &ctx;
        self.db
            .transaction(async |tx| {
                let expires_at = tx.now().plus(self.settings.refresh_lifetime);
                store::insert(tx, &hash, &RefreshRow { holder, revision, expires_at }).await?;
                audit::record(tx, ctx, "token.issue_refresh", &ctx.caller.name, Value::Null).await
            })
            .await?;
        Ok(Some(secret))
    }

    /// Whose refresh token this is. The account's row is read each time: it must be as it was when the token was made.
    async fn refresh(&self, secret: &Secret) -> Result<Account, Error> {
        let (hash, now) = (secret.fingerprint(), self.clock.now());
        let row = store::get(&self.db, &hash).await?.ok_or(Error::BadCredentials)?;
        if row.expires_at <= now {
            return Err(Error::BadCredentials);
        }
        let (account, revision) = self.holder(row.holder, now).await?.ok_or(Error::BadCredentials)?;
        if revision != row.revision {
            return Err(Error::BadCredentials);
        }
        self.prolong(&hash, &row, now).await?;
        Ok(account)
    }

    async fn holder(&self, holder: Holder, now: Timestamp) -> Result<Option<(Account, i64)>, Error> {
        Ok(match holder {
            Holder::User(id) => {
                let user = user::store::active(&self.db, id).await?;
                user.map(|user| (Account::User(user.clone()), user.revision))
            }
            Holder::Robot(id) => {
                let robot = robot::store::find_login_by_id(&self.db, id).await?.filter(|robot| robot.is_active(now));
                robot.map(|robot| (Account::Robot(robot.account.clone()), robot.account.revision))
            }
        })
    }

    /// A refresh token that is used lives on. It is written once in half of its life, not each time.
    async fn prolong(&self, hash: &Fingerprint, row: &RefreshRow, now: Timestamp) -> Result<(), Error> {
        let lifetime = self.settings.refresh_lifetime;
        if now.plus(lifetime / 2) < row.expires_at {
            return Ok(());
        }
        self.db.transaction(async |tx| store::prolong(tx, hash, tx.now().plus(lifetime)).await).await
    }
}

impl Holder {
    /// The catalog's numbers: sort and row.
    pub(crate) fn numbers(self) -> (i64, i64) {
        match self {
            Self::User(id) => (0, id),
            Self::Robot(id) => (1, id),
        }
    }

    pub(crate) fn from_numbers(kind: i64, id: i64) -> Option<Self> {
        match kind {
            0 => Some(Self::User(id)),
            1 => Some(Self::Robot(id)),
            _ => None,
        }
    }
}

/// A caller as a claim: `user:12`, `robot:3`, `anonymous`.
pub(crate) fn write_caller(id: CallerId) -> String {
    match id {
        CallerId::User(id) => format!("user:{id}"),
        CallerId::Robot(id) => format!("robot:{id}"),
        CallerId::Anonymous | CallerId::System => "anonymous".to_owned(),
    }
}

/// Reads what [`write_caller`] wrote.
pub(crate) fn read_caller(text: &str) -> Option<CallerId> {
    match text.split_once(':') {
        Some(("user", id)) => id.parse().ok().map(CallerId::User),
        Some(("robot", id)) => id.parse().ok().map(CallerId::Robot),
        None if text == "anonymous" => Some(CallerId::Anonymous),
        Some(_) | None => None,
    }
}
