//! What a caller was granted for this request.

use wharf_oci::TagPattern;
use wharf_oci::{RepositoryName, Tag};

use crate::permission::{Permission, Permissions};
use crate::permit::ProjectId;

/// The answer to "what may this caller do with this repository".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The repository asked about.
    pub repository: RepositoryName,
    /// Its project; `None` where the project does not exist, and then nothing is granted.
    pub project: Option<ProjectId>,
    /// What is granted.
    pub granted: Permissions,
    /// What was asked for and is not granted. With a token, what is in neither set was never asked for.
    pub refused: Permissions,
}

/// Which tags a permission is for, where it is not for all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagLimit {
    /// The permission.
    pub permission: Permission,
    /// Patterns of tags; one that none of them matches is not covered.
    pub patterns: Vec<TagPattern>,
}

impl TagLimit {
    pub(crate) fn covers(&self, tag: &Tag) -> bool {
        self.patterns.iter().any(|pattern| pattern.matches(tag))
    }
}

/// The grants of one request: few, usually one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grants(pub Vec<Grant>);

impl Grants {
    /// The grant for `repository`, if it was asked about.
    pub fn get(&self, repository: &RepositoryName) -> Option<&Grant> {
        self.0.iter().find(|grant| grant.repository == *repository)
    }
}

/// Which projects' repositories a caller may list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Visibility {
    /// All of them.
    All,
    /// These.
    Projects(Vec<ProjectId>),
}
