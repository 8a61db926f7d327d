//! The parts that saving, restoring and moving take, for a server and for a command without one.

use std::sync::Arc;

use anyhow::Context as _;
use wharf_blob::Store;
use wharf_context::SystemClock;
use wharf_db::{Db, Keyring};
use wharf_registry::Registry;

use super::{keys, settings, store};
use crate::config::Config;
use crate::config::source::Environment;
use crate::data::Hold;
use crate::operator::Operator;
use crate::server::mode::Mode;

/// The catalog that the configuration names.
pub(crate) fn database_settings(config: &Config) -> wharf_db::Settings {
    settings::database(config)
}

/// Where the catalog is, for people: without a password.
pub(crate) fn catalog_place(config: &Config) -> String {
    settings::database(config).masked_url()
}

/// The keys that a catalog's secrets and the blobs are sealed under.
pub(crate) async fn open_keyring(config: &Config, db: &Db) -> anyhow::Result<Keyring> {
    keys::open(config, db).await
}

/// The bytes where the configuration says, sealed as it says.
pub(crate) async fn open_bytes(
    config: &Config,
    environment: &Environment,
    keyring: &Keyring,
) -> anyhow::Result<Arc<dyn Store>> {
    Ok(keys::seal(config, store::open(config, environment).await?, keyring))
}

/// Joins parts that are open.
pub(crate) fn operator(
    config: &Config,
    environment: &Environment,
    (db, keyring): (Db, Keyring),
    store: Arc<dyn Store>,
) -> Operator {
    let (config, environment, mode) = (config.clone(), environment.clone(), Mode::default());
    let registry = Registry::new(settings::registry(&config), db.clone(), Arc::clone(&store), db.clock());
    Operator { config, environment, db, store, keyring, registry, mode }
}

/// Opens the parts where no server runs. The files outside of the data folder are held as long as the first value lives.
pub(crate) async fn operator_alone(
    config: &Config,
    environment: &Environment,
) -> anyhow::Result<(Vec<Hold>, Operator)> {
    let holds = super::holds(config)?;
    let db = Db::open(&settings::database(config), Arc::new(SystemClock), Vec::new()).await;
    let db = db.context("open the catalog")?;
    let keyring = keys::open(config, &db).await?;
    let store = open_bytes(config, environment, &keyring).await?;
    Ok((holds, operator(config, environment, (db, keyring), store)))
}
