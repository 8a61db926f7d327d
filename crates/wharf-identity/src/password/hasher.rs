//! The one place where passwords are hashed.

use std::fmt;
use std::sync::Arc;

use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _, phc};
use argon2::{Algorithm, Argon2, Params, Version};
use data_encoding::BASE64_NOPAD;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;

use super::PasswordHash;
use crate::error::Error;
use crate::secret::{self, Secret};
use crate::settings::Hashing;

/// What a password turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Not the one.
    Wrong,
    /// The one.
    Right,
    /// The one, and its hash should be made anew: it is bcrypt's, or cheaper than today's settings.
    Outdated,
}

/// Hashes passwords, a few at a time. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Hasher {
    params: Params,
    // Stands in for the hash of a user who does not exist, at the same cost.
    dummy: PasswordHash,
    running: Arc<Semaphore>,
    queue: Arc<Semaphore>,
}

/// A place at the work, held until the work is done: also when nobody waits for it any more.
struct Place {
    _running: OwnedSemaphorePermit,
    _queue: OwnedSemaphorePermit,
}

impl Hasher {
    pub(crate) fn new(hashing: &Hashing) -> Result<Self, Error> {
        let params = Params::new(hashing.memory_kib, hashing.passes, 1, None)
            .map_err(|_| Error::Settings { reason: "argon2id does not take this memory and these passes" })?;
        Ok(Self {
            dummy: dummy(&params)?,
            params,
            running: Arc::new(Semaphore::new(hashing.at_once)),
            queue: Arc::new(Semaphore::new(
                hashing.at_once.saturating_add(hashing.waiting).min(Semaphore::MAX_PERMITS),
            )),
        })
    }

    /// Hashes a new password.
    pub(crate) async fn hash(&self, password: &Secret) -> Result<PasswordHash, Error> {
        let (argon2, password) = (self.argon2(), password.clone());
        self.run(move || hash(&argon2, &password)).await?
    }

    /// Compares a password with a hash; `None`, for a user who does not exist, costs as much and is wrong.
    pub(crate) async fn verify(&self, password: &Secret, hash: Option<PasswordHash>) -> Result<Verdict, Error> {
        let exists = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.dummy.clone());
        let (hasher, password) = (self.clone(), password.clone());
        let verdict = self.run(move || hasher.compare(&password, &hash)).await?;
        Ok(if exists { verdict } else { Verdict::Wrong })
    }

    fn argon2(&self) -> Argon2<'static> {
        Argon2::new(Algorithm::Argon2id, Version::V0x13, self.params.clone())
    }

    fn compare(&self, password: &Secret, hash: &PasswordHash) -> Verdict {
        if hash.is_bcrypt() {
            if bcrypt::verify(password.expose(), hash.as_str()).unwrap_or(false) {
                return Verdict::Outdated;
            }
            // A wrong password costs at least as much as for a user without a bcrypt hash, existing or not.
            self.compare_argon2(password, &self.dummy);
            return Verdict::Wrong;
        }
        self.compare_argon2(password, hash)
    }

    fn compare_argon2(&self, password: &Secret, hash: &PasswordHash) -> Verdict {
        let Ok(parsed) = phc::PasswordHash::new(hash.as_str()) else { return Verdict::Wrong };
        if self.argon2().verify_password(password.expose().as_bytes(), &parsed).is_err() {
            return Verdict::Wrong;
        }
        let costs = |params: &Params| (params.m_cost(), params.t_cost(), params.p_cost());
        let is_current = Params::try_from(&parsed).is_ok_and(|params| costs(&params) == costs(&self.params));
        if is_current { Verdict::Right } else { Verdict::Outdated }
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
        let queue = Arc::clone(&self.queue).try_acquire_owned().map_err(|_| Error::Busy)?;
        let running = Arc::clone(&self.running).acquire_owned().await.map_err(|_| Error::Busy)?;
        let place = Place { _running: running, _queue: queue };
        let work = move || {
            let _place = place;
            work()
        };
        spawn_blocking(work).await.map_err(|source| Error::Hashing { source })
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hasher").field("params", &self.params).finish_non_exhaustive()
    }
}

fn hash(argon2: &Argon2<'_>, password: &Secret) -> Result<PasswordHash, Error> {
    let hash: phc::PasswordHash = argon2.hash_password(password.expose().as_bytes()).map_err(|_| Error::Random)?;
    Ok(PasswordHash(hash.to_string()))
}

/// The hash of nothing that anyone knows: random salt, random output.
fn dummy(params: &Params) -> Result<PasswordHash, Error> {
    let salt = BASE64_NOPAD.encode(&secret::random::<16>()?);
    let output = BASE64_NOPAD.encode(&secret::random::<32>()?);
    let (memory, passes, lanes) = (params.m_cost(), params.t_cost(), params.p_cost());
    Ok(PasswordHash(format!("$argon2id$v=19$m={memory},t={passes},p={lanes}${salt}${output}")))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    const CHEAP: Hashing = Hashing { memory_kib: 64, passes: 1, at_once: 1, waiting: 0 };

    fn hasher(hashing: Hashing) -> Hasher {
        Hasher::new(&hashing).expect("settings fit")
    }

    #[tokio::test]
    async fn a_hash_verifies_its_own_password_only() {
        let hasher = hasher(CHEAP);
        let hash = hasher.hash(&Secret::new("right")).await.expect("hashes");
        assert!(hash.as_str().starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{}", hash.as_str());
        assert_eq!(hasher.verify(&Secret::new("right"), Some(hash.clone())).await.expect("runs"), Verdict::Right);
        assert_eq!(hasher.verify(&Secret::new("wrong"), Some(hash)).await.expect("runs"), Verdict::Wrong);
    }

    #[tokio::test]
    async fn bcrypt_and_cheaper_hashes_are_outdated() {
        let bcrypt = PasswordHash(bcrypt::hash("right", 4).expect("hashes"));
        let cheap = hasher(CHEAP).hash(&Secret::new("right")).await.expect("hashes");
        let hasher = hasher(Hashing { passes: 2, ..CHEAP });
        for hash in [bcrypt, cheap] {
            let right = hasher.verify(&Secret::new("right"), Some(hash.clone())).await.expect("runs");
            let wrong = hasher.verify(&Secret::new("wrong"), Some(hash)).await.expect("runs");
            assert_eq!((right, wrong), (Verdict::Outdated, Verdict::Wrong));
        }
    }

    #[tokio::test]
    async fn what_htpasswd_writes_is_read() {
        // The example of Apache's own documentation, "Password Formats".
        let hash = PasswordHash("$2y$05$c4WoMPo3SXsafkva.HHa6uXQZWr7oboPiC2bT/r7q1BB8I2s0BRqC".to_owned());
        let verdict = hasher(CHEAP).verify(&Secret::new("myPassword"), Some(hash)).await;
        assert_eq!(verdict.expect("runs"), Verdict::Outdated);
    }

    #[tokio::test]
    async fn a_hash_that_does_not_read_is_wrong() {
        for broken in ["", "$2y$", "$argon2id$", "plain"] {
            let verdict = hasher(CHEAP).verify(&Secret::new("plain"), Some(PasswordHash(broken.to_owned()))).await;
            assert_eq!(verdict.expect("runs"), Verdict::Wrong, "{broken}");
        }
    }

    // Loose on purpose: the medians of both must lie within a factor of three.
    #[tokio::test]
    async fn a_user_who_does_not_exist_costs_as_much() {
        let hasher = hasher(Hashing { memory_kib: 4096, passes: 2, ..CHEAP });
        let hash = hasher.hash(&Secret::new("right")).await.expect("hashes");
        let (mut with, mut without) = (Vec::new(), Vec::new());
        for _ in 0..15 {
            with.push(time(&hasher, Some(hash.clone())).await);
            without.push(time(&hasher, None).await);
        }
        with.sort();
        without.sort();
        let (with, without) = (with[7], without[7]);
        assert!(with < without * 3 && without < with * 3, "{with:?} and {without:?}");
    }

    async fn time(hasher: &Hasher, hash: Option<PasswordHash>) -> Duration {
        let start = Instant::now();
        assert_eq!(hasher.verify(&Secret::new("wrong"), hash).await.expect("runs"), Verdict::Wrong);
        start.elapsed()
    }

    #[tokio::test]
    async fn a_flood_is_turned_away_and_not_queued_without_end() {
        let hasher = hasher(Hashing { memory_kib: 8192, passes: 2, at_once: 1, waiting: 2 });
        let password = Secret::new("x");
        let attempts = (0..20).map(|_| hasher.verify(&password, None));
        let verdicts = futures_util::future::join_all(attempts).await;
        let busy = verdicts.iter().filter(|verdict| matches!(verdict, Err(Error::Busy))).count();
        assert_eq!(busy, 17);
    }
}
