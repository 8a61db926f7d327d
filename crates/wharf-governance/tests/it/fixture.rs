//! Governance over a fresh catalog, and callers with warrants.

use wharf_context::{Act, Caller, CallerId, Context, Grants, ProjectId, RequestId, Warrant};
use wharf_governance::Governance;
use wharf_testkit::Database;

pub(crate) struct Fixture {
    pub(crate) governance: Governance,
    _database: Database,
}

impl Fixture {
    pub(crate) async fn open() -> Self {
        let database = Database::open().await;
        Self { governance: Governance::new(database.db.clone()), _database: database }
    }
}

/// The user of that number.
pub(crate) fn user(id: i64) -> Context {
    let caller = Caller { id: CallerId::User(id), name: format!("user-{id}") };
    Context::new(caller, RequestId::generate(), None, Grants::default())
}

/// A warrant for project `pay`.
pub(crate) fn warrant<A: Act>() -> Warrant<A> {
    Warrant::granted(ProjectId(1), "pay".parse().expect("valid"))
}
