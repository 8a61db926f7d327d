//! The built binary, driven from outside.

mod access;
mod build;
mod client;
mod command;
mod crash;
mod disk;
mod documents;
mod faults;
mod fsck;
mod governance;
mod http;
mod image;
mod layout;
mod moving;
mod nodes;
mod power_loss;
mod random;
mod relay;
mod retention;
mod server;
mod specification;
mod standby;
mod transfer;
mod tutorial;
mod versions;
mod webhook;
