//! The part's one handle.

use wharf_db::Db;

/// Governance: every use case is a method, found in the file of its noun. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Governance {
    pub(crate) db: Db,
}

impl Governance {
    /// Governance over a catalog.
    pub fn new(db: Db) -> Self {
        Self { db }
    }
}
