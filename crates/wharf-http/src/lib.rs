//! Going out by HTTP: proxies, certificate authorities, timeouts, retries, the one client builder.
//!
//! Whoever in Wharf speaks to another server gets its client here, so that the same certificates are believed, nobody
//! waits for ever and no credential follows a redirect to a stranger. What is said over it is not known here; and the
//! process must have chosen its TLS provider before (see `main` of `wharf`).
//!
//! Reading order: [`settings`], [`mod@client`], [`mod@exchange`], [`retry`], [`outside`], [`error`].

pub mod client;
pub mod error;
pub mod exchange;
pub mod outside;
pub mod retry;
pub mod settings;

pub use client::client;
pub use error::Error;
pub use exchange::{collect, exchange, send};
pub use outside::{Networks, Outside};
pub use reqwest::{Body, Client, Response};
pub use retry::Retry;
pub use settings::{Proxies, Settings, Trust};
