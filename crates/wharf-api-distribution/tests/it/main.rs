//! The distribution API as clients meet it: requests into the router, answers out of it.

mod access;
mod blobs;
mod conditions;
mod environments;
mod fixture;
mod hostile;
mod manifests;
mod quotas;
mod refusals;
mod tokens;
