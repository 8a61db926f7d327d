//! Configuration: one value for each key, from the flag, else the variable, else the file, else the default.
//!
//! Each section is a struct in a file of its own. This crate alone reads files of configuration and the environment;
//! the parts get their settings as values. What is *not* here: what a setting does (see the part that takes it).
//!
//! Reading order: the sections; [`source`] (where values come from), [`merge`] (which one counts), [`check`] (what
//! contradicts itself), [`effective`] (showing the result).

pub(crate) mod address;
pub(crate) mod archive;
pub(crate) mod audit;
pub(crate) mod auth;
pub(crate) mod aws;
pub(crate) mod bin;
pub(crate) mod check;
pub(crate) mod collection;
pub(crate) mod database;
pub(crate) mod duration;
pub(crate) mod effective;
pub(crate) mod encryption;
pub(crate) mod environments;
pub(crate) mod fsck;
pub(crate) mod limits;
pub(crate) mod log;
pub(crate) mod merge;
pub(crate) mod quota;
pub(crate) mod registry;
pub(crate) mod server;
pub(crate) mod size;
pub(crate) mod source;
pub(crate) mod standby;
pub(crate) mod storage;
pub(crate) mod telemetry;
pub(crate) mod tls;
pub(crate) mod transfers;
pub(crate) mod webhooks;

use serde::{Deserialize, Serialize};

/// All settings of this program. The keys are the fields: adding a field is all it takes to add a key.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Config {
    pub(crate) server: server::Server,
    pub(crate) database: database::Database,
    pub(crate) storage: storage::Storage,
    pub(crate) archive: archive::Archive,
    pub(crate) encryption: encryption::Encryption,
    pub(crate) standby: standby::Standby,
    pub(crate) registry: registry::Registry,
    pub(crate) environments: environments::Environments,
    pub(crate) quota: quota::Quota,
    pub(crate) collection: collection::Collection,
    pub(crate) bin: bin::Bin,
    pub(crate) fsck: fsck::Fsck,
    pub(crate) audit: audit::Audit,
    pub(crate) webhooks: webhooks::Webhooks,
    pub(crate) transfers: transfers::Transfers,
    pub(crate) auth: auth::Auth,
    pub(crate) admin: auth::Admin,
    pub(crate) limits: limits::Limits,
    pub(crate) tls: tls::Tls,
    pub(crate) log: log::Log,
    pub(crate) metrics: telemetry::Metrics,
    pub(crate) telemetry: telemetry::Telemetry,
}
