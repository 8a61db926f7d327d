//! Governance at its door, on a catalog of its own for each test.

mod fixture;
mod hook;
mod policy;
mod receiver;
mod search;
mod tag_rules;
mod versions;
mod webhook;
