//! Who asks.

/// The identity behind a request. Numbers are rows of identity's tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CallerId {
    /// Nobody has logged in.
    Anonymous,
    /// A person.
    User(i64),
    /// A machine account of one project.
    Robot(i64),
    /// Wharf itself: jobs, start-up, the command line on the server's own data.
    System,
}

/// A person, who may have several identities: a row of identity's tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PersonId(pub i64);

/// The identity behind a request, with the name that people and the audit log know it by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Caller {
    /// Which row.
    pub id: CallerId,
    /// Log-in name; `anonymous` and `system` for those two.
    pub name: String,
}

impl Caller {
    /// A caller who has not logged in.
    pub fn anonymous() -> Self {
        Self { id: CallerId::Anonymous, name: "anonymous".to_owned() }
    }

    /// Wharf itself.
    pub fn system() -> Self {
        Self { id: CallerId::System, name: "system".to_owned() }
    }

    /// Whether nobody has logged in.
    pub fn is_anonymous(&self) -> bool {
        self.id == CallerId::Anonymous
    }
}
