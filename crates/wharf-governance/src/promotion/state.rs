//! The states of a promotion, and what may follow which. Pure: the one table.

/// Where a promotion stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum State {
    /// A gate does not know yet.
    Checking,
    /// A gate says no. It may say yes later, or to an exception.
    Blocked,
    /// Enough people have not agreed yet.
    Awaiting,
    /// All is well; somebody has to execute it.
    Approved,
    /// All is well; it runs by itself, at once or in its window.
    Scheduled,
    /// It is on its way to the registry that its environment is at.
    Transferring,
    /// It stands in its environment.
    Done,
    /// Somebody whose word counts said no.
    Rejected,
    /// Its time was over.
    Expired,
    /// Who asked for it took it back.
    Cancelled,
    /// Executing it was tried and cannot work.
    Failed,
    /// What was approved is not what would be executed: the policy, the content or the people changed.
    Invalidated,
}

/// What happens to a promotion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// Its gates were asked: some wait.
    Wait,
    /// Its gates were asked: one says no.
    Block,
    /// Its gates were asked: none says no, and people are to agree.
    Pass,
    /// Nobody's word is missing any more; somebody executes it.
    Approve,
    /// Nobody's word is missing any more; it runs by itself.
    Schedule,
    /// It is sent to another registry.
    Transfer,
    /// It is executed, or has arrived.
    Execute,
    /// Somebody says no.
    Reject,
    /// Who asked takes it back.
    Cancel,
    /// Its time is over.
    Expire,
    /// Executing it cannot work.
    Fail,
    /// Something that it counted on has changed.
    Invalidate,
}

impl State {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 12] = [
        Self::Checking,
        Self::Blocked,
        Self::Awaiting,
        Self::Approved,
        Self::Scheduled,
        Self::Transferring,
        Self::Done,
        Self::Rejected,
        Self::Expired,
        Self::Cancelled,
        Self::Failed,
        Self::Invalidated,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Checking => "checking",
            Self::Blocked => "blocked",
            Self::Awaiting => "awaiting",
            Self::Approved => "approved",
            Self::Scheduled => "scheduled",
            Self::Transferring => "transferring",
            Self::Done => "done",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
            Self::Invalidated => "invalidated",
        }
    }

    /// The state of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Whether anything can still happen.
    pub fn is_open(self) -> bool {
        self.is_before_approval() || matches!(self, Self::Approved | Self::Scheduled | Self::Transferring)
    }

    /// Whether gates are still asked, or people.
    pub fn is_before_approval(self) -> bool {
        matches!(self, Self::Checking | Self::Blocked | Self::Awaiting)
    }

    /// The state after a step; `None` where the step is not possible.
    pub fn after(self, step: Step) -> Option<Self> {
        let is_ready = matches!(self, Self::Approved | Self::Scheduled);
        let next = match step {
            Step::Wait if self.is_before_approval() => Self::Checking,
            Step::Block if self.is_before_approval() => Self::Blocked,
            Step::Pass if self.is_before_approval() => Self::Awaiting,
            // A way that takes nobody's word comes here from its gates.
            Step::Approve if self.is_before_approval() => Self::Approved,
            Step::Schedule if self.is_before_approval() || self == Self::Scheduled => Self::Scheduled,
            Step::Transfer if is_ready => Self::Transferring,
            Step::Execute if is_ready || self == Self::Transferring => Self::Done,
            Step::Fail if is_ready || self == Self::Transferring => Self::Failed,
            Step::Reject if self.is_open() => Self::Rejected,
            Step::Cancel if self.is_open() => Self::Cancelled,
            Step::Expire if self.is_open() => Self::Expired,
            Step::Invalidate if self.is_open() => Self::Invalidated,
            Step::Wait
            | Step::Block
            | Step::Pass
            | Step::Approve
            | Step::Schedule
            | Step::Transfer
            | Step::Execute
            | Step::Fail
            | Step::Reject
            | Step::Cancel
            | Step::Expire
            | Step::Invalidate => return None,
        };
        Some(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEPS: [Step; 12] = [
        Step::Wait,
        Step::Block,
        Step::Pass,
        Step::Approve,
        Step::Schedule,
        Step::Transfer,
        Step::Execute,
        Step::Reject,
        Step::Cancel,
        Step::Expire,
        Step::Fail,
        Step::Invalidate,
    ];

    #[test]
    fn nothing_follows_an_end() {
        for state in State::ALL.into_iter().filter(|state| !state.is_open()) {
            assert!(STEPS.into_iter().all(|step| state.after(step).is_none()), "{state:?}");
        }
    }

    #[test]
    fn only_what_was_approved_is_executed() {
        for state in State::ALL {
            let is_approved = matches!(state, State::Approved | State::Scheduled);
            assert_eq!(state.after(Step::Transfer).is_some(), is_approved, "{state:?}");
            let is_ready = is_approved || state == State::Transferring;
            assert_eq!(state.after(Step::Execute).is_some(), is_ready, "{state:?}");
            assert_eq!(state.after(Step::Fail).is_some(), is_ready, "{state:?}");
        }
    }

    #[test]
    fn whatever_is_open_can_end_without_being_executed() {
        for state in State::ALL.into_iter().filter(|state| state.is_open()) {
            for step in [Step::Reject, Step::Cancel, Step::Expire, Step::Invalidate] {
                assert!(state.after(step).is_some_and(|next| !next.is_open()), "{state:?} {step:?}");
            }
        }
    }

    #[test]
    fn the_table() {
        #[rustfmt::skip]
        let table = [
            (State::Checking , Step::Pass    , Some(State::Awaiting)),
            (State::Checking , Step::Block   , Some(State::Blocked)),
            (State::Blocked  , Step::Pass    , Some(State::Awaiting)),
            (State::Blocked  , Step::Wait    , Some(State::Checking)),
            (State::Awaiting , Step::Approve , Some(State::Approved)),
            (State::Awaiting , Step::Schedule, Some(State::Scheduled)),
            (State::Awaiting , Step::Execute , None),
            (State::Blocked  , Step::Execute , None),
            (State::Approved , Step::Approve , None),
            (State::Approved , Step::Pass    , None),
            (State::Scheduled, Step::Schedule, Some(State::Scheduled)),
            (State::Scheduled, Step::Execute , Some(State::Done)),
            (State::Approved , Step::Execute , Some(State::Done)),
        ];
        for (state, step, next) in table {
            assert_eq!(state.after(step), next, "{state:?} {step:?}");
        }
    }

    #[test]
    fn names_read_back() {
        for state in State::ALL {
            assert_eq!(State::from_name(state.name()), Some(state));
        }
        assert_eq!(State::from_name("executing"), None);
    }
}
