//! The built binary from outside: configuration, data folder, listener, limits, TLS, ending, management.

mod activation;
mod audit;
mod collection;
mod config;
mod crowd;
mod encryption;
mod folder;
mod fsck;
mod images;
mod keeping;
mod limits;
mod lint;
mod management;
mod metrics;
mod quota;
mod server;
mod shutdown;
mod tls;
mod traces;
mod transfers;
