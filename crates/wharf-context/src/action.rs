//! What may be done in a project beside pushing and pulling, and the proof that a caller may.
//!
//! An [`Action`] has a name that roles, robots and explanations use; a [`Warrant`] is the proof for one action in one
//! project. Only identity makes warrants, so a use case that takes one cannot be reached without the check.

use std::fmt;
use std::marker::PhantomData;

use wharf_oci::ProjectName;

use crate::permit::ProjectId;

/// An action as a type, for [`Warrant`].
pub trait Act: fmt::Debug + Clone + Copy + Send + Sync + 'static {
    /// The action that the type stands for.
    const ACTION: Action;
}

/// Each action once: its type, its name, and what completes "you may not …".
macro_rules! actions {
    ($($(#[$doc:meta])* $action:ident $name:literal $what:literal;)+) => {
        /// Something that may be done in a project.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Action {
            $($(#[$doc])* $action,)+
        }

        impl Action {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$action),+];

            /// Its name: `noun.verb`.
            pub fn name(self) -> &'static str {
                match self { $(Self::$action => $name,)+ }
            }

            /// Completes "you may not …".
            pub fn what(self) -> &'static str {
                match self { $(Self::$action => $what,)+ }
            }

            /// The action of that name.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|action| action.name() == name)
            }
        }

        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy)]
            pub struct $action;
            impl Act for $action {
                const ACTION: Action = Action::$action;
            }
        )+
    };
}

actions! {
    /// See policies, promotions, releases, placements, lineage and where something runs.
    SeeGovernance "governance.read" "see how this project's images are governed";
    /// Change the project's policy.
    EditPolicy "policy.edit" "change the policy of this project";
    /// Ask for a promotion, cancel one's own.
    RequestPromotion "promotion.request" "ask for promotions in this project";
    /// Approve or reject a promotion; whether a slot takes the caller is the policy's to say.
    ApprovePromotion "promotion.approve" "approve promotions in this project";
    /// Execute what was approved, roll back, use the emergency passage.
    ExecutePromotion "promotion.execute" "execute promotions in this project";
    /// Make and seal releases.
    SealRelease "release.seal" "make and seal releases in this project";
    /// Grant and revoke exceptions to gates.
    GrantException "exception.grant" "grant exceptions to this project's gates";
    /// Let the server allocate a version.
    AllocateVersion "version.allocate" "allocate versions in this project";
    /// Say by which image something was rebuilt.
    AnswerRebuild "rebuild.answer" "answer rebuilds in this project";
    /// Ask for an image to be compared with the project's standards.
    CheckStandard "standard.check" "ask for checks of this project's images";
    /// Set and lift holds.
    SetHold "hold.set" "set or lift holds in this project";
    /// Run retention.
    RunRetention "retention.run" "run retention in this project";
    /// Archive images and restore them.
    Archive "archive.run" "archive or restore images of this project";
    /// Ask for destruction, approve it.
    Destroy "destruction.approve" "ask for or approve the destruction of images of this project";
    /// Change webhooks.
    EditWebhook "webhook.edit" "change the webhooks of this project";
    /// Report what runs where.
    ReportRunning "running.report" "report what runs of this project";
}

/// A set of actions.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Actions(u64);

impl Actions {
    /// None.
    pub const NONE: Self = Self(0);

    /// All.
    pub fn all() -> Self {
        Action::ALL.iter().copied().collect()
    }

    /// Whether `action` is in the set.
    pub fn contains(self, action: Action) -> bool {
        self.0 & bit(action) != 0
    }

    /// What is in either.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The members, in the order of [`Action::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Action> {
        Action::ALL.iter().copied().filter(move |action| self.contains(*action))
    }
}

impl FromIterator<Action> for Actions {
    fn from_iter<I: IntoIterator<Item = Action>>(actions: I) -> Self {
        Self(actions.into_iter().fold(0, |bits, action| bits | bit(action)))
    }
}

impl fmt::Debug for Actions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

fn bit(action: Action) -> u64 {
    1 << action as u64
}

/// Proof that the caller may do `A` in one project. Identity makes it.
#[derive(Debug, Clone)]
pub struct Warrant<A> {
    project: ProjectId,
    name: ProjectName,
    action: PhantomData<fn() -> A>,
}

impl<A: Act> Warrant<A> {
    /// For identity, after it has checked the caller; for tests, which act for it.
    pub fn granted(project: ProjectId, name: ProjectName) -> Self {
        Self { project, name, action: PhantomData }
    }

    /// The project.
    pub fn project(&self) -> ProjectId {
        self.project
    }

    /// Its name.
    pub fn name(&self) -> &ProjectName {
        &self.name
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_read_back_and_stand_once() {
        let names: BTreeSet<_> = Action::ALL.iter().map(|action| action.name()).collect();
        assert_eq!(names.len(), Action::ALL.len());
        for action in Action::ALL {
            assert_eq!(Action::from_name(action.name()), Some(*action));
        }
        assert_eq!((Action::from_name("push"), SeeGovernance::ACTION), (None, Action::SeeGovernance));
    }
}
