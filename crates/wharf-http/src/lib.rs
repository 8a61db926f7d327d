//! Going out by HTTP: certificate authorities, timeouts, the one client builder, and small whole answers.
//!
//! Whoever in Wharf speaks to another server gets its client here, so that the same certificates are believed, nobody
//! waits for ever and no credential follows a redirect to a stranger. What is said over it is not known here; and the
//! process must have chosen its TLS provider before (see `main` of `wharf`).
//!
//! Reading order: [`settings`], [`mod@client`], [`mod@exchange`], [`error`].

pub mod client;
pub mod error;
pub mod exchange;
pub mod settings;

pub use client::client;
pub use error::Error;
pub use exchange::exchange;
pub use reqwest::Client;
pub use settings::Settings;
