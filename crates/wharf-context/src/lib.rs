//! Who asks and what may they do: Caller, Permission, Permit, request id, clock, Event, error Kind.
//!
//! A part's use case begins with [`Context::authorize`] and hands the [`Permit`] it gets to whatever reads or changes
//! the project's data; nothing else makes a Permit, so a forgotten check does not compile. This crate decides from
//! the grants it is given. It does not know users, roles, passwords or tables: `wharf-identity` makes the grants.
//!
//! Reading order: [`kind`], [`caller`], [`permission`], [`grant`], [`context`], [`permit`], [`action`], [`event`],
//! [`clock`], [`quota`].

pub mod action;
pub mod caller;
pub mod clock;
pub mod context;
pub mod event;
pub mod grant;
pub mod kind;
pub mod permission;
pub mod permit;
pub mod power;
pub mod quota;

pub use action::{
    Act, Action, Actions, AllocateVersion, ApprovePromotion, Archive, Destroy, EditPolicy, EditWebhook,
    ExecutePromotion, ReportRunning, RequestPromotion, RunRetention, SealRelease, SeeGovernance, SetHold, Warrant,
};
pub use caller::{Caller, CallerId, PersonId};
pub use clock::{Clock, FakeClock, SystemClock, Timestamp};
pub use context::{Context, Reach, RequestId};
pub use event::Event;
pub use grant::{Grant, Grants, TagLimit, Visibility};
pub use kind::Kind;
pub use permission::{Attach, Delete, Overwrite, Permission, Permissions, Pull, Push, Right};
pub use permit::{AuthorizeError, Govern, Inspect, InspectProject, Maintain, MaintainProject, Permit, ProjectId};
pub use power::{Power, Powers, UnknownPower};
