//! The built binary from outside: configuration, data folder, listener, limits, TLS, ending.

mod activation;
mod config;
mod folder;
mod limits;
mod metrics;
mod server;
mod shutdown;
mod tls;
mod traces;
mod transfers;
