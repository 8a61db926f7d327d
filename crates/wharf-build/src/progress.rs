//! What a build tells while it goes on.

use std::time::Duration;

/// One operation, as people see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Its number in this build.
    pub number: usize,
    /// What it is: `[build 2/4] RUN make`.
    pub title: String,
}

/// What happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// It has begun.
    Begun(Step),
    /// It is not known, although one of its title was made before: what is different.
    Because(Step, String),
    /// It was known already.
    Cached(Step),
    /// It has written something.
    Output(Step, Vec<u8>),
    /// It is done.
    Done(Step, Duration),
    /// It has failed.
    Failed(Step, String),
    /// Something that people should know.
    Warning(String),
}

/// Is told what happens.
pub type Tell = std::sync::Arc<dyn Fn(Event) + Send + Sync>;
