//! Environments: what is promoted, by whose word, and what stands where.

mod attestations;
mod emergency;
mod evidence;
mod fixture;
mod gates;
mod idempotency;
mod inquiry;
mod model;
mod parallel;
mod policy;
mod promotion;
mod release;
mod rollback;
mod transfer;

pub(crate) use fixture::Cast;
