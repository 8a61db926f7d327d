//! Governance at its door, on a catalog of its own for each test.

mod fixture;
mod policy;
mod tag_rules;
mod versions;
