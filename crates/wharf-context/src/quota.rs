//! What a project may use and what it uses, as values. Who keeps them and how is the registry's.

/// What is limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Resource {
    /// Bytes of blobs and manifests.
    Bytes,
    /// Manifests that are not in the bin.
    Manifests,
}

impl Resource {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Bytes, Self::Manifests];

    /// Its name in answers, logs and events.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bytes => "bytes",
            Self::Manifests => "manifests",
        }
    }
}

/// One value for each resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PerResource<T> {
    /// Of bytes.
    pub bytes: T,
    /// Of manifests.
    pub manifests: T,
}

impl<T> PerResource<T> {
    /// The value of one resource.
    pub fn of(&self, resource: Resource) -> &T {
        match resource {
            Resource::Bytes => &self.bytes,
            Resource::Manifests => &self.manifests,
        }
    }

    /// The value of one resource, to be changed.
    pub fn of_mut(&mut self, resource: Resource) -> &mut T {
        match resource {
            Resource::Bytes => &mut self.bytes,
            Resource::Manifests => &mut self.manifests,
        }
    }
}

/// A limit on one resource. Reaching it is allowed, exceeding it is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limit {
    /// More than this is refused.
    pub hard: Option<i64>,
    /// More than this is told to people.
    pub warn: Option<i64>,
}

/// What a project may use.
pub type Limits = PerResource<Limit>;

/// How much of each resource: what is used, or what is added.
pub type Amount = PerResource<i64>;

/// A project's limits and usage, as last committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Quota {
    /// What it may use.
    pub limits: Limits,
    /// What it uses.
    pub usage: Amount,
    /// Whether all that it has was counted: not yet, shortly after the upgrade of a catalog without figures.
    pub is_counted: bool,
}

impl Quota {
    /// The resources of which the project uses more than the limit that warns.
    pub fn exceeded(&self) -> impl Iterator<Item = Resource> {
        Resource::ALL
            .into_iter()
            .filter(|resource| self.limits.of(*resource).warn.is_some_and(|warn| *self.usage.of(*resource) > warn))
    }
}
