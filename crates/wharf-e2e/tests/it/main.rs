//! The built binary, driven from outside.

mod client;
mod command;
mod http;
mod image;
mod layout;
mod random;
mod server;
mod specification;
