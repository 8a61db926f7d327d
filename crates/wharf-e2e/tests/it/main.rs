//! The built binary, driven from outside.

mod access;
mod client;
mod command;
mod crash;
mod documents;
mod http;
mod image;
mod layout;
mod power_loss;
mod random;
mod server;
mod specification;
