//! OCI distribution-spec and the token endpoint: decode, call, encode.
//!
//! Every request goes through one table ([`route::ENDPOINTS`]) that names its method, its path and the permission it
//! takes; the handler of the endpoint decodes path, headers and body into types, calls one use case of
//! `wharf-registry` or `wharf-identity`, and encodes the answer. It decides nothing about rights or content.
//!
//! Reading order: [`route`], [`api`], `authenticate`, then the nouns of the specification: `blobs`, `redirect`, `uploads`,
//! `manifests`, `tags`, `referrers`, `catalog`, `token`; `names`, [`error`], `refusal` and `headers` for what they share.

pub mod api;
mod authenticate;
mod blobs;
mod catalog;
mod content_range;
pub mod error;
mod headers;
mod manifests;
mod names;
mod parameters;
mod ranges;
mod redirect;
mod referrers;
mod refusal;
pub mod route;
mod tags;
mod token;
mod uploads;

pub use api::{Settings, router};
pub use error::OciError;
pub use names::Naming;
pub use redirect::Redirect;
pub use route::{ENDPOINTS, Endpoint, Operation};
