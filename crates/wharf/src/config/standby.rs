//! `[standby]`: a second machine that follows this one, or the one that this machine follows.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use url::Url;

use super::address;
use super::duration::Span;
use super::size::Size;

/// Keys of `[standby]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Standby {
    /// The server that this one follows; without it, this one is the primary.
    pub(crate) of: Option<Url>,
    /// File with the token by which both know each other: the same on both machines.
    pub(crate) token_file: Option<PathBuf>,
    /// When the primary answers.
    pub(crate) mode: StandbyMode,
    /// What the primary does while its synchronous standby is away.
    pub(crate) when_away: WhenAway,
    /// After how long without it the standby counts as away.
    pub(crate) away_after: Span,
    /// How much of what happened the primary keeps in memory for a standby that comes back.
    pub(crate) buffer: Size,
    /// PEM files of certificate authorities that are believed at the other server besides the system's.
    #[serde(deserialize_with = "address::list")]
    pub(crate) authorities: Vec<PathBuf>,
}

/// When the primary answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum StandbyMode {
    /// When the standby has it durably, too.
    #[default]
    Synchronous,
    /// When it has it itself.
    Asynchronous,
}

/// What the primary does while its synchronous standby is away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum WhenAway {
    /// Refuses writes.
    #[default]
    Refuse,
    /// Goes on alone.
    Continue,
}

impl Default for Standby {
    fn default() -> Self {
        Self {
            of: None,
            token_file: None,
            mode: StandbyMode::Synchronous,
            when_away: WhenAway::Refuse,
            away_after: Span::seconds(10),
            buffer: Size(64 << 20),
            authorities: Vec::new(),
        }
    }
}
