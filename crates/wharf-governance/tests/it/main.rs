//! Governance at its door, on a catalog of its own for each test.

mod environments;
mod fixture;
mod hook;
mod images;
mod keeping;
mod lineage;
mod rebuild;
mod receiver;
mod search;
mod standard;
mod tag_rules;
mod versions;
mod webhook;
