//! The cold place that the configuration names.

use std::sync::Arc;

use anyhow::Context as _;
use wharf_archive::Archives;
use wharf_blob::{ColdBucket, ColdFolder, ColdPlace};
use wharf_db::Db;
use wharf_governance::Governance;
use wharf_registry::Registry;

use super::store::bucket_settings;
use crate::config::Config;
use crate::config::source::Environment;
use crate::config::storage::Place;

/// Archives, and governance that knows of them.
pub(super) fn open(
    config: &Config,
    environment: &Environment,
    (db, registry, governance): (&Db, &Registry, Governance),
) -> anyhow::Result<(Governance, Archives)> {
    let archives = Archives::new(db.clone(), registry.clone(), governance.clone(), config.environments.all());
    let archives = with_cold_place(archives, config, environment)?;
    Ok((governance.with_archive(Arc::new(archives.clone())), archives))
}

/// Archives with the place for them, where there is one.
fn with_cold_place(archives: Archives, config: &Config, environment: &Environment) -> anyhow::Result<Archives> {
    let place: Arc<dyn ColdPlace> = match config.archive.url.as_deref().and_then(Place::parse) {
        None | Some(Place::Memory) => return Ok(archives),
        Some(Place::Files(path)) => {
            let folder = ColdFolder::open(&path);
            Arc::new(folder.with_context(|| format!("open the place for archives `{}`", path.display()))?)
        }
        Some(Place::Bucket { bucket, prefix }) => {
            let mut settings = bucket_settings(&config.storage, environment, (bucket, prefix))?;
            settings.storage_class = config.archive.s3_storage_class.clone();
            Arc::new(ColdBucket::open(&settings).context("open the place for archives")?)
        }
    };
    Ok(archives.with_cold_place(place))
}
