//! The registry through its use cases, on a real catalog: SQLite, or PostgreSQL when `WHARF_TEST_POSTGRES` names one.

mod admission;
mod bin;
mod blobs;
mod collection;
mod environments;
mod fixture;
mod fsck;
mod histories;
mod interleavings;
mod manifests;
mod moving;
mod pulls;
mod quotas;
mod rate;
mod referrers;
mod stage;
mod tags;
mod untagged;
mod uploads;
mod usage;
