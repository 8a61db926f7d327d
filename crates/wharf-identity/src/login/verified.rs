//! Remembers for a short while which passwords were verified, so that Basic on the data plane is not hashed each time.
//!
//! What is kept is a keyed hash over the user's row number, its revision and the password; the key lives in this
//! process only. The row is read for every request: a changed password or a disabled user has another revision, and
//! what is remembered does not fit any more. It says that a password is right, never what its owner may do.

use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use ring::hmac;
use tokio::sync::{Mutex, OwnedMutexGuard};
use wharf_context::Timestamp;

use crate::account::UserAccount;
use crate::error::Error;
use crate::secret::{self, Secret};

const MAX_ENTRIES: u64 = 10_000;
/// How long a turn that nobody takes is kept.
const IDLE: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(crate) struct Verified {
    lifetime: Duration,
    key: hmac::Key,
    seen: Cache<[u8; 32], Timestamp>,
    /// Log-ins under way.
    turns: Cache<[u8; 32], Arc<Mutex<()>>>,
}

impl Verified {
    pub(crate) fn new(lifetime: Duration) -> Result<Self, Error> {
        Ok(Self {
            lifetime,
            key: hmac::Key::new(hmac::HMAC_SHA256, &secret::random::<32>()?),
            seen: Cache::builder().max_capacity(MAX_ENTRIES).time_to_live(lifetime).build(),
            turns: Cache::builder().max_capacity(MAX_ENTRIES).time_to_idle(IDLE).build(),
        })
    }

    pub(crate) fn contains(&self, user: &UserAccount, password: &Secret, now: Timestamp) -> bool {
        let seen = self.seen.get(&self.tag(user, password));
        seen.is_some_and(|at| at <= now && now < at.plus(self.lifetime))
    }

    pub(crate) fn insert(&self, user: &UserAccount, password: &Secret, now: Timestamp) {
        self.seen.insert(self.tag(user, password), now);
    }

    /// Lets one log-in after the other go on that shows the same password for the same user: many at once (a build that
    /// pulls in parallel) are hashed and charged once, and the rest find it remembered.
    pub(crate) async fn turn(&self, user: &UserAccount, password: &Secret) -> OwnedMutexGuard<()> {
        self.turns.get_with(self.tag(user, password), Arc::default).lock_owned().await
    }

    fn tag(&self, user: &UserAccount, password: &Secret) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(&user.id.to_be_bytes());
        context.update(&user.revision.to_be_bytes());
        context.update(password.expose().as_bytes());
        let mut tag = [0; 32];
        tag.copy_from_slice(context.sign().as_ref());
        tag
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_700_000_000_000_000);
    const LIFETIME: Duration = Duration::from_secs(60);

    fn user(id: i64, revision: i64) -> UserAccount {
        UserAccount { id, name: "alice".parse().expect("valid"), system_role: None, revision }
    }

    #[test]
    fn only_the_same_password_of_the_same_revision_is_known_and_not_for_long() {
        let verified = Verified::new(LIFETIME).expect("random");
        let (right, wrong) = (Secret::new("right"), Secret::new("wrong"));
        verified.insert(&user(1, 1), &right, NOW);
        assert!(verified.contains(&user(1, 1), &right, NOW));
        assert!(!verified.contains(&user(1, 1), &wrong, NOW));
        assert!(!verified.contains(&user(1, 2), &right, NOW));
        assert!(!verified.contains(&user(2, 1), &right, NOW));
        assert!(!verified.contains(&user(1, 1), &right, NOW.plus(LIFETIME)));
    }
}
