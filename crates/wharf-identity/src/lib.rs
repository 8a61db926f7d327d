//! Projects and members, users, robots, groups, tokens, roles: a credential becomes a Caller with its grants.
//!
//! A request's credentials become a [`wharf_context::Context`] ([`Identity::context`]) or a token
//! ([`Identity::issue_token`]); management changes who may do what. It does not know repositories, HTTP or flags: the
//! registry asks the context, and protocols call the methods of [`Identity`].
//!
//! Reading order: [`settings`], [`secret`], [`name`], [`role`]; who somebody is: `account`, [`password`], [`login`];
//! what they may do: [`access`], `authority` and `warrant`, each with its `rule`; the nouns: [`project`], [`member`], [`user`],
//! [`group`], [`robot`], [`standing`], [`custom_role`], [`assignment`], [`reservation`], [`person`]; what is issued: [`key`], [`token`]; what secrets
//! lie under: [`data_key`]; then [`identity`],
//! [`audit`], [`job`], [`page`], [`ports`], [`error`].

pub mod access;
mod account;
pub mod assignment;
pub mod audit;
mod authority;
pub mod custom_role;
pub mod data_key;
pub mod error;
pub mod group;
pub mod identity;
pub mod job;
pub mod key;
pub mod login;
pub mod member;
pub mod name;
pub mod page;
pub mod password;
pub mod person;
pub mod ports;
pub mod project;
pub mod reservation;
pub mod robot;
pub mod role;
pub mod secret;
pub mod settings;
pub mod standing;
pub mod token;
pub mod user;
mod warrant;

pub use access::{Explanation, Limits, Question, Wanted};
pub use assignment::{Assignment, HolderName, NewAssignment};
pub use audit::checkpoint::CheckpointKeys;
pub use audit::online::Verified;
pub use audit::sealing::AuditFigures;
pub use audit::verify::{ChainVerifier, Fault, Others, Proof};
pub use audit::{AuditFilter, AuditKey, AuditRecord, ChainHash, Checkpoint, Link, ObjectFilter, Outcome};
pub use custom_role::CustomRole;
pub use data_key::{DataKey, Purpose};
pub use error::Error;
pub use group::Group;
pub use identity::Identity;
pub use job::DeadJob;
pub use key::jws::TokenError;
pub use key::{Key, KeySet, PublicKey, Retirement};
pub use login::Credentials;
pub use member::{Member, MemberName};
pub use name::{AccountNameError, GroupName, RobotName, UserName};
pub use page::{Page, PageRequest};
pub use password::htpasswd::{HtpasswdError, HtpasswdReason};
pub use person::{LinkedAccount, Person, PersonName};
pub use ports::{BoxFuture, ProjectUse};
pub use project::{Openness, Project, ProjectChange};
pub use reservation::Reservation;
pub use robot::{NewRobot, Robot, RobotChange};
pub use role::{Role, RoleName, SystemRole};
pub use secret::Secret;
pub use settings::{Hashing, Limit, Settings};
pub use standing::ProjectStanding;
pub use token::{IssuedToken, TokenRequest};
pub use user::{Imported, NewUser, User, UserChange};
pub use warrant::Scope;
pub use wharf_oci::{NamePatternError, RepositoryPattern};
