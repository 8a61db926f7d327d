//! The part's one handle.

use std::sync::Arc;

use wharf_context::Clock;
use wharf_db::audit::journal::{Journal, Room};
use wharf_db::{Db, Keyring};

use crate::access::rule::Mode;
use crate::audit::sealing::Progress;
use crate::error::Error;
use crate::key::Keys;
use crate::login::throttle::Throttle;
use crate::login::verified::Verified;
use crate::password::Hasher;
use crate::ports::ProjectUse;
use crate::settings::Settings;

/// Room for refusals and log-ins that are not written yet; of one address, so many different ones in a minute.
const JOURNAL: Room = Room { entries: 10_000, per_address: 60 };

/// Identity: every use case is a method, found in the file of its noun. Clones share their state.
#[derive(Debug, Clone)]
pub struct Identity {
    pub(crate) settings: Arc<Settings>,
    pub(crate) db: Db,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) hasher: Arc<Hasher>,
    pub(crate) throttle: Arc<Throttle>,
    pub(crate) verified: Arc<Verified>,
    pub(crate) keys: Arc<Keys>,
    pub(crate) project_use: Option<Arc<dyn ProjectUse>>,
    pub(crate) journal: Arc<Journal>,
    pub(crate) progress: Arc<Progress>,
}

impl Identity {
    /// Identity over a catalog. Fails when the settings cannot work.
    pub fn new(settings: Settings, db: Db, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        settings.check()?;
        Ok(Self {
            hasher: Arc::new(Hasher::new(&settings.hashing)?),
            throttle: Arc::new(Throttle::new(settings.account_limit, settings.address_limit)?),
            verified: Arc::new(Verified::new(settings.verified_lifetime)?),
            keys: Arc::new(Keys::new(&settings, db.clone(), Arc::clone(&clock), None)),
            settings: Arc::new(settings),
            db,
            clock,
            project_use: None,
            journal: Arc::new(Journal::new(JOURNAL)),
            progress: Arc::default(),
        })
    }

    /// The same identity, which can delete projects: `project_use` tells whether they are empty.
    #[must_use]
    pub fn with_project_use(self, project_use: Arc<dyn ProjectUse>) -> Self {
        Self { project_use: Some(project_use), ..self }
    }

    /// The same identity, whose secrets in the catalog are sealed under keys of `keyring`: those that lie there plain are
    /// sealed now.
    pub async fn with_keyring(self, keyring: Keyring) -> Result<Self, Error> {
        let keys = Keys::new(&self.settings, self.db.clone(), Arc::clone(&self.clock), Some(keyring));
        keys.seal_plain().await?;
        Ok(Self { keys: Arc::new(keys), ..self })
    }

    /// What the operator chose.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) fn mode(&self) -> Mode {
        if self.settings.is_open { Mode::Open } else { Mode::Closed }
    }
}
