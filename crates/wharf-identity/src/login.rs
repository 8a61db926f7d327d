//! Logging in: a name and a password become an account, or a refusal that tells nothing.
//!
//! The way is the same for users who exist and who do not: one row is looked for, one hash is made, and a refusal is
//! answered no earlier than [`crate::Settings::refusal_after`]. What the account may do is not decided here.

pub(crate) mod throttle;
pub(crate) mod verified;

use std::fmt;
use std::net::IpAddr;

use tokio::time::{Instant, sleep_until};
use wharf_context::RequestId;
use wharf_oci::ProjectName;

use crate::account::{Account, RobotAccount, UserAccount};
use crate::error::Error;
use crate::identity::Identity;
use crate::name::{LoginName, RobotName};
use crate::password::{MAX_PASSWORD_BYTES, PasswordHash, Verdict};
use crate::secret::{Fingerprint, Secret};
use crate::{robot, user};

/// What a request shows to say who sends it.
#[derive(Clone)]
pub enum Credentials {
    /// Nothing.
    Anonymous,
    /// A user's name and password, or a robot's `PROJECT+NAME` and secret.
    Basic {
        /// The name as sent.
        username: String,
        /// The password or secret.
        password: Secret,
    },
    /// A token that this registry issued.
    Bearer(Secret),
    /// A refresh token, good for [`Identity::issue_token`] only.
    RefreshToken(Secret),
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anonymous => f.write_str("Anonymous"),
            Self::Basic { username, .. } => f.debug_struct("Basic").field("username", username).finish_non_exhaustive(),
            Self::Bearer(_) => f.write_str("Bearer(…)"),
            Self::RefreshToken(_) => f.write_str("RefreshToken(…)"),
        }
    }
}

/// Under which request, and from which address somebody logs in.
pub(crate) type Origin = (RequestId, Option<IpAddr>);

/// A user's row as log-in needs it.
#[derive(Debug)]
pub(crate) struct UserLogin {
    pub(crate) account: UserAccount,
    pub(crate) hash: Option<PasswordHash>,
    pub(crate) is_disabled: bool,
}

/// A robot's row as log-in needs it.
#[derive(Debug)]
pub(crate) struct RobotLogin {
    pub(crate) account: RobotAccount,
    pub(crate) secret: Fingerprint,
    pub(crate) is_disabled: bool,
    pub(crate) expires_at: Option<wharf_context::Timestamp>,
}

impl Identity {
    /// Whose name and password these are.
    pub(crate) async fn log_in(
        &self,
        username: &str,
        password: &Secret,
        (request_id, remote): Origin,
    ) -> Result<Account, Error> {
        let answer_at = Instant::now() + self.settings.refusal_after;
        let name = LoginName::parse(username);
        let account = match &name {
            _ if password.expose().len() > MAX_PASSWORD_BYTES => Err(Error::BadCredentials),
            LoginName::Robot(project, robot) => {
                self.log_in_robot((project, robot), password, (request_id, remote)).await
            }
            LoginName::User(name) => {
                let user = user::store::find_login(&self.db, name).await?;
                self.log_in_user(user, name.as_str(), password, (request_id, remote)).await
            }
            LoginName::Nobody => self.log_in_user(None, username, password, (request_id, remote)).await,
        };
        self.note_refused_login(&name.to_string(), &account, (request_id, remote));
        if let Err(Error::BadCredentials) = account {
            tracing::warn!(%name, ?remote, "log-in refused");
            sleep_until(answer_at).await;
        }
        account
    }

    async fn log_in_user(
        &self,
        user: Option<UserLogin>,
        name: &str,
        password: &Secret,
        (request_id, remote): Origin,
    ) -> Result<Account, Error> {
        let user = user.filter(|user| !user.is_disabled);
        let now = self.clock.now();
        let _turn = match &user {
            Some(user) => Some(self.verified.turn(&user.account, password).await),
            None => None,
        };
        if let Some(user) = &user
            && self.verified.contains(&user.account, password, now)
        {
            return Ok(Account::User(user.account.clone()));
        }
        self.verify(user.as_ref(), name, password, remote).await?;
        let user = user.ok_or(Error::BadCredentials)?;
        self.verified.insert(&user.account, password, now);
        let account = Account::User(user.account);
        self.note_login(&account, (request_id, remote));
        Ok(account)
    }

    /// Compares a password that is not remembered: throttled, hashed, and for nobody at the same cost.
    pub(crate) async fn verify(
        &self,
        user: Option<&UserLogin>,
        name: &str,
        password: &Secret,
        remote: Option<IpAddr>,
    ) -> Result<(), Error> {
        let charge = self.throttle.charge(name, remote, self.clock.now())?;
        let hash = user.and_then(|user| user.hash.clone());
        let verdict = match self.hasher.verify(password, hash.clone()).await {
            Ok(verdict) => verdict,
            Err(error) => {
                self.throttle.forgive(&charge);
                return Err(error);
            }
        };
        if verdict == Verdict::Wrong {
            return Err(Error::BadCredentials);
        }
        self.throttle.refund(&charge);
        if let (Verdict::Outdated, Some(user), Some(hash)) = (verdict, user, hash) {
            self.renew_hash(user, &hash, password).await;
        }
        Ok(())
    }

    /// Replaces an outdated hash. Its failure must not keep the user out.
    async fn renew_hash(&self, user: &UserLogin, old: &PasswordHash, password: &Secret) {
        let renewed = async {
            let hash = self.hasher.hash(password).await?;
            self.db.transaction(async |tx| user::store::renew_hash(tx, user.account.id, old, &hash).await).await
        };
        if let Err(error) = renewed.await {
            tracing::warn!(user = %user.account.name, error = &error as &dyn std::error::Error, "hash was not renewed");
        }
    }

    /// A robot's secret cannot be guessed, so a right one is never throttled: nobody can lock a robot out.
    async fn log_in_robot(
        &self,
        (project, name): (&ProjectName, &RobotName),
        secret: &Secret,
        (request_id, remote): Origin,
    ) -> Result<Account, Error> {
        let now = self.clock.now();
        let robot = robot::store::find_login(&self.db, project, name).await?;
        let stored = robot.as_ref().map_or(Fingerprint::NONE, |robot| robot.secret);
        let is_right = stored.matches(&secret.fingerprint());
        match robot {
            Some(robot) if is_right && robot.is_active(now) => {
                let account = Account::Robot(robot.account);
                self.note_login(&account, (request_id, remote));
                Ok(account)
            }
            Some(_) | None => {
                self.throttle.charge_address(remote, now)?;
                Err(Error::BadCredentials)
            }
        }
    }
}

impl RobotLogin {
    pub(crate) fn is_active(&self, now: wharf_context::Timestamp) -> bool {
        !self.is_disabled && self.expires_at.is_none_or(|end| now < end)
    }
}
