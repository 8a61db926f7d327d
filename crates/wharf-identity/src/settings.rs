//! What an operator may choose.

use std::time::Duration;

use wharf_oci::Environments;

use crate::error::Error;

/// The shortest life of a token: clients take less as a mistake and use this.
const MIN_TOKEN_LIFETIME: Duration = Duration::from_secs(60);
/// The longest: changes of membership and disabled users take effect at latest when the token ends.
const MAX_TOKEN_LIFETIME: Duration = Duration::from_secs(3600);

/// Settings of identity.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `iss` of tokens.
    pub issuer: String,
    /// `aud` of tokens, and `service` in the challenge.
    pub service: String,
    /// Anonymous callers may pull, push, overwrite, delete and create projects.
    pub is_open: bool,
    /// The environments: no project may have their names.
    pub environments: Environments,
    /// More project names that nobody may create.
    pub reserved_names: Vec<String>,
    /// How long a token is good.
    pub token_lifetime: Duration,
    /// How long a refresh token is good after its last use.
    pub refresh_lifetime: Duration,
    /// How long a key signs before another takes its place.
    pub key_lifetime: Duration,
    /// How often it is signed where the audit log stands, as long as rows come in.
    pub checkpoint_every: Duration,
    /// For how long a password that was verified is not hashed again.
    pub verified_lifetime: Duration,
    /// When a refused log-in is answered at the earliest, so that its time tells nothing.
    pub refusal_after: Duration,
    /// What hashing a password costs.
    pub hashing: Hashing,
    /// Failed log-ins on one account.
    pub account_limit: Limit,
    /// Failed log-ins from one address.
    pub address_limit: Limit,
}

/// What hashing a password with argon2id costs, and how many may be at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hashing {
    /// Memory of one hash.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
    /// Hashes at a time.
    pub at_once: usize,
    /// Log-ins that may wait for their turn; more are turned away.
    pub waiting: usize,
}

/// How many failures are allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// In a row.
    pub burst: u32,
    /// After which time one more.
    pub every: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        const DAY: Duration = Duration::from_secs(24 * 3600);
        Self {
            issuer: "wharf".to_owned(),
            service: "wharf".to_owned(),
            is_open: false,
            environments: Environments::default(),
            reserved_names: Vec::new(),
            token_lifetime: Duration::from_secs(300),
            refresh_lifetime: DAY * 30,
            key_lifetime: DAY * 30,
            checkpoint_every: Duration::from_secs(60),
            verified_lifetime: Duration::from_secs(300),
            refusal_after: Duration::from_secs(1),
            hashing: Hashing::default(),
            account_limit: Limit { burst: 10, every: Duration::from_secs(30) },
            address_limit: Limit { burst: 50, every: Duration::from_secs(5) },
        }
    }
}

impl Default for Hashing {
    // OWASP's first recommendation for argon2id: 19 MiB, 2 passes, 1 lane.
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self { memory_kib: 19 * 1024, passes: 2, at_once: cores.div_ceil(2).min(8), waiting: 64 }
    }
}

impl Settings {
    /// Refuses what cannot work or would not be safe.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let wrong = |reason| Err(Error::Settings { reason });
        if !(MIN_TOKEN_LIFETIME..=MAX_TOKEN_LIFETIME).contains(&self.token_lifetime) {
            return wrong("a token lives for 60 s to 1 h");
        }
        if self.issuer.is_empty() || self.service.is_empty() {
            return wrong("issuer and service have names");
        }
        if self.hashing.at_once == 0 || self.account_limit.burst == 0 || self.address_limit.burst == 0 {
            return wrong("at least one log-in must be possible");
        }
        if self.key_lifetime < MAX_TOKEN_LIFETIME {
            return wrong("a key signs for at least 1 h");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unsafe_settings_are_refused() {
        let good = Settings::default();
        assert!(good.check().is_ok());
        let table = [
            Settings { token_lifetime: Duration::from_secs(59), ..good.clone() },
            Settings { token_lifetime: Duration::from_secs(3601), ..good.clone() },
            Settings { service: String::new(), ..good.clone() },
            Settings { hashing: Hashing { at_once: 0, ..good.hashing }, ..good.clone() },
            Settings { key_lifetime: Duration::from_secs(60), ..good.clone() },
        ];
        for settings in table {
            assert!(settings.check().is_err(), "{settings:?}");
        }
    }
}
