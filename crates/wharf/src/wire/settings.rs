//! From the configuration's keys to the parts' settings.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use futures_util::FutureExt as _;
use wharf_context::quota::{Limit, Limits};
use wharf_db::Db;
use wharf_identity::Secret;

use crate::config::Config;
use crate::config::audit::PullLog;
use crate::config::size::Size;
use crate::config::storage::Place;
use crate::server::health::Check;

/// The service's name in challenges and tokens. One name for all nodes: a token of one is good at the others.
const SERVICE: &str = "wharf";

pub(super) fn database(config: &Config) -> wharf_db::Settings {
    let database = &config.database;
    wharf_db::Settings {
        pool_size: database.pool_size,
        pgbouncer: database.pgbouncer,
        wait_timeout: database.wait_timeout.0,
        transaction_timeout: database.transaction_timeout.0,
        ..wharf_db::Settings::new(database.url())
    }
}

pub(super) fn registry(config: &Config) -> wharf_registry::Settings {
    wharf_registry::Settings {
        grace: config.collection.grace.0,
        interval: config.collection.interval.0,
        bin_keep: config.bin.keep.0,
        upload_expiry: config.collection.upload_expiry.0,
        untagged_after: config.collection.untagged_after.map(|span| span.0),
        presigned_for: if config.storage.redirect { config.storage.redirect_valid.0 } else { Duration::ZERO },
        sparse_images: config.registry.sparse_images,
        quota: quota(config),
        environments: config.environments.all(),
        pull_log: match config.audit.pulls {
            PullLog::Off => wharf_registry::PullLog::Off,
            PullLog::Sampled => wharf_registry::PullLog::Sampled(config.audit.sample),
            PullLog::Full => wharf_registry::PullLog::Full,
        },
        last_pull_interval: config.audit.last_pull_interval.0,
    }
}

/// What a new project may use. Nobody has more bytes than a number of the catalog can hold.
fn quota(config: &Config) -> Limits {
    let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let size = |size: Size| number(size.0);
    let quota = &config.quota;
    Limits {
        bytes: Limit { hard: quota.bytes.map(size), warn: quota.warn_bytes.map(size) },
        manifests: Limit { hard: quota.manifests.map(number), warn: quota.warn_manifests.map(number) },
    }
}

pub(super) fn identity(config: &Config) -> wharf_identity::Settings {
    let auth = &config.auth;
    wharf_identity::Settings {
        issuer: SERVICE.to_owned(),
        service: SERVICE.to_owned(),
        is_open: auth.open,
        environments: config.environments.all(),
        reserved_names: auth.reserved_names.clone(),
        token_lifetime: auth.token_lifetime.0,
        refresh_lifetime: auth.refresh_lifetime.0,
        checkpoint_every: config.audit.checkpoint_interval.0,
        ..wharf_identity::Settings::default()
    }
}

pub(super) fn distribution(config: &Config) -> wharf_api_distribution::Settings {
    let storage = &config.storage;
    let redirect = storage.redirect.then(|| wharf_api_distribution::Redirect {
        networks: storage.redirect_networks.clone(),
        min_bytes: storage.redirect_min_size.0,
    });
    wharf_api_distribution::Settings {
        public_url: config.server.public_url.clone(),
        service: SERVICE.to_owned(),
        redirect,
        naming: wharf_api_distribution::Naming {
            environments: config.environments.all(),
            hosts: config.environments.hosts.clone(),
        },
    }
}

pub(super) fn management(config: &Config) -> wharf_api_management::Settings {
    let version = env!("CARGO_PKG_VERSION").to_owned();
    let public_url = config.server.public_url.clone();
    wharf_api_management::Settings { public_url, version, fsck_bytes_per_second: config.fsck.rate.0 }
}

/// The password that the operator chose for the administrator of a first run. A line end is the editor's, not the
/// password's.
pub(super) fn first_password(config: &Config) -> anyhow::Result<Option<Secret>> {
    let Some(path) = &config.admin.password_file else { return Ok(None) };
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("read the administrator's password in `{}`", path.display()))?;
    Ok(Some(Secret::new(text.trim_end_matches(['\r', '\n']))))
}

/// Whether the catalog answers.
pub(super) fn catalog_check(db: &Db) -> Check {
    let db = db.clone();
    Arc::new(move || {
        let db = db.clone();
        async move { db.check().await.map_err(|error| error.to_string()) }.boxed()
    })
}

/// The lock of a SQLite file outside of the data folder, whose own lock covers what is inside.
pub(super) fn database_hold(config: &Config) -> Option<PathBuf> {
    let path = PathBuf::from(config.database.url().strip_prefix("sqlite:")?);
    let is_file = path.as_os_str() != ":memory:" && !path.starts_with(config.server.data());
    is_file.then(|| path.with_added_extension("lock"))
}

/// The lock of a blob folder outside of the data folder, unless other nodes are meant to use it, too.
pub(super) fn storage_hold(config: &Config) -> Option<PathBuf> {
    match config.storage.place() {
        Place::Files(path) if !config.storage.shared && !path.starts_with(config.server.data()) => {
            Some(path.join("wharf.lock"))
        }
        Place::Files(_) | Place::Bucket { .. } | Place::Memory => None,
    }
}
