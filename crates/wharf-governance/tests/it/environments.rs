//! Environments: what is promoted, by whose word, and what stands where.

mod attestations;
mod emergency;
mod fixture;
mod gates;
mod idempotency;
mod model;
mod parallel;
mod policy;
mod promotion;
mod release;
mod rollback;

pub(crate) use fixture::Cast;
