//! `[audit]`: what the audit log has, and where it is sent.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use url::Url;

use super::duration::Span;
use crate::syslog::message::FACILITY;

/// Keys of `[audit]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Audit {
    /// Which pulls of manifests are in the log.
    pub(crate) pulls: PullLog,
    /// With `pulls = "sampled"`, which share of them.
    pub(crate) sample: f64,
    /// How exactly it is known when a manifest was last pulled: it is written once in this time at most.
    pub(crate) last_pull_interval: Span,
    /// How often it is signed where the log stands, as long as rows come in.
    pub(crate) checkpoint_interval: Span,
    /// A syslog receiver that is sent the log: `tls://HOST:PORT`, `tcp://HOST:PORT`, `udp://HOST:PORT`.
    pub(crate) syslog: Option<Url>,
    /// PEM file of the authorities that its certificate may be from; without it, those of the system.
    pub(crate) syslog_authorities: Option<PathBuf>,
    /// PEM file of our certificate, for a receiver that asks for one.
    pub(crate) syslog_certificate: Option<PathBuf>,
    /// PEM file of that certificate's key.
    pub(crate) syslog_key: Option<PathBuf>,
    /// The facility of the messages.
    pub(crate) syslog_facility: u8,
}

/// Which pulls are in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum PullLog {
    Off,
    Sampled,
    Full,
}

impl Default for Audit {
    fn default() -> Self {
        Self {
            pulls: PullLog::Sampled,
            sample: 0.01,
            last_pull_interval: Span::seconds(600),
            checkpoint_interval: Span::seconds(60),
            syslog: None,
            syslog_authorities: None,
            syslog_certificate: None,
            syslog_key: None,
            syslog_facility: FACILITY,
        }
    }
}
