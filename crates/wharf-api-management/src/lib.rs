//! Wharf's REST API for people and scripts, and its OpenAPI document.
//!
//! `/api/v1` manages projects, members, robots, users, groups and keys, and shows the audit log. One table
//! ([`route::ROUTES`]) names every method and path with its use case, its bodies and its handler; the router, the
//! OpenAPI document and the access table of the tests are made from it. A handler decodes path, query and body into
//! types, calls one use case of `wharf-identity`, `wharf-registry` or `wharf-governance`, and encodes the answer. It decides nothing about rights.
//!
//! Reading order: [`route`], [`api`], `authenticate`, `cross_site`; what requests hold: `at`, `asked`, `body`, `words`,
//! `if_match`, `idempotent`, `moment`; what answers hold: `answer`, [`problem`]; then the nouns: `me`, `server`, `projects`, `quotas`,
//! `policy`, `environments`, `promotions`, `releases`, `reviews`, `exceptions`, `history`, `versions`, `tags`, `lineage`, `rebuilds`, `standards`,
//! `members`, `robots`, `users`, `imports`, `groups`, `access`, `custom_roles`, `reservations`, `persons`, `keys`, `data_keys`, `collection`, `bin`, `usage`, `fsck`, `jobs`, `audit`,
//! `webhooks`, `hooks`, `search`, `holds`, `running`, `retention`; and
//! [`mod@openapi`].

mod access;
mod answer;
pub mod api;
mod archives;
mod asked;
mod assignments;
mod at;
mod audit;
mod authenticate;
mod bin;
mod body;
mod collection;
mod cross_site;
mod custom_roles;
mod data_keys;
mod environments;
mod evidence;
mod exceptions;
mod fsck;
mod groups;
mod history;
mod holds;
mod hooks;
mod idempotent;
mod if_match;
mod imports;
mod inquiries;
mod jobs;
mod keys;
mod lineage;
mod me;
mod members;
mod moment;
pub mod openapi;
mod persons;
mod policy;
pub mod problem;
mod projects;
mod promotions;
mod quotas;
mod rebuilds;
mod refusal;
mod releases;
mod remotes;
mod reservations;
mod retention;
mod reviews;
mod robots;
pub mod route;
mod running;
mod search;
mod server;
mod standards;
mod tags;
mod text;
mod usage;
mod users;
mod versions;
mod webhooks;
mod words;

pub use api::{Settings, router};
pub use openapi::openapi;
pub use problem::Problem;
pub use route::{ROUTES, Route, Verb};
