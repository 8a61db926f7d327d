//! `[limits]`: what one client may take of the server, so that others are not starved.

use serde::{Deserialize, Serialize};

use super::duration::Span;
use super::size::Size;

/// Keys of `[limits]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Limits {
    /// Open connections. When they are used up, the longest idle one makes room for a new one.
    pub(crate) connections: usize,
    /// Open connections of one address (IPv6: of one /64). Trusted proxies are exempt.
    pub(crate) connections_per_address: usize,
    /// How long a request's headers, or a TLS handshake, may take.
    pub(crate) header_timeout: Span,
    /// The most bytes that a request's headers may have.
    pub(crate) header_size: Size,
    /// How long a connection may stay open without a request.
    pub(crate) idle_timeout: Span,
    /// Bytes a second that a request or response body must reach, counting only time spent waiting for the client.
    pub(crate) body_rate: Size,
    /// Over how much waiting time the rate is measured.
    pub(crate) body_window: Span,
    /// Requests a second of one address; 0 is no limit.
    pub(crate) requests_per_second: u32,
    /// Requests that may come at once before the rate counts; 0 is one second's worth.
    pub(crate) request_burst: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            connections_per_address: 2_000,
            header_timeout: Span::seconds(20),
            header_size: Size(64 << 10),
            idle_timeout: Span::seconds(75),
            body_rate: Size(1 << 10),
            body_window: Span::seconds(20),
            requests_per_second: 0,
            request_burst: 0,
        }
    }
}
