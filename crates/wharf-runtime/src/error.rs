//! What can go wrong before a process runs, and with watching it.

use std::io;

use serde::{Deserialize, Serialize};

/// What can go wrong on the caller's side.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// This program cannot be re-executed.
    #[error("cannot prepare `{program}` for being started again")]
    Entry {
        /// Which program.
        program: String,
        /// Why not.
        source: io::Error,
    },
    /// The process that makes the container does not start.
    #[error("cannot start `{program}`")]
    Start {
        /// Which program.
        program: String,
        /// Why not.
        source: io::Error,
    },
    /// A pipe, socket or file in memory cannot be had.
    #[error("cannot {action}")]
    Channel {
        /// What was being done.
        action: &'static str,
        /// Why not.
        source: io::Error,
    },
    /// The description cannot be written down.
    #[error("cannot describe the process")]
    Describe(#[source] serde_json::Error),
    /// What comes back is no answer: the process that makes the container was killed, or is not ours.
    #[error("the process that holds the container ended without an answer")]
    Silent,
    /// What comes back cannot be understood.
    #[error("the process that holds the container answered what cannot be understood")]
    Answer(#[source] serde_json::Error),
    /// The container cannot be made, or the program in it cannot be started.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// Why a container was not made, or its program not started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("cannot {action}: {reason}")]
pub struct Refusal {
    /// Whose fault it is.
    pub fault: Fault,
    /// What was being done, to what.
    pub action: String,
    /// Why it failed, and what can be done about it if something can.
    pub reason: String,
}

/// Whose fault it is that a process did not start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fault {
    /// The program is not in the container: a shell says 127.
    CommandNotFound,
    /// The program is there but cannot be executed: a shell says 126.
    CommandNotExecutable,
    /// The user or group is unknown in the image, or cannot be had here.
    User,
    /// The image or a mount is not as it must be (a link at `/proc`, a file where a folder is needed).
    Image,
    /// The machine does not let us.
    Machine,
}

impl Refusal {
    /// The machine refused.
    pub(crate) fn machine(action: impl Into<String>, reason: impl ToString) -> Self {
        Self::new(Fault::Machine, action, reason)
    }

    /// The image is not as it must be.
    pub(crate) fn image(action: impl Into<String>, reason: impl ToString) -> Self {
        Self::new(Fault::Image, action, reason)
    }

    /// Any fault.
    pub(crate) fn new(fault: Fault, action: impl Into<String>, reason: impl ToString) -> Self {
        Self { fault, action: action.into(), reason: reason.to_string() }
    }
}

/// Says what was being done when the machine refused.
pub(crate) trait Doing<T> {
    /// The action, as it follows "cannot".
    fn doing(self, action: &str) -> Result<T, Refusal>;

    /// The action and its object.
    fn doing_to(self, action: &str, object: impl std::fmt::Display) -> Result<T, Refusal>;
}

impl<T, E: std::fmt::Display> Doing<T> for Result<T, E> {
    fn doing(self, action: &str) -> Result<T, Refusal> {
        self.map_err(|error| Refusal::machine(action, error))
    }

    fn doing_to(self, action: &str, object: impl std::fmt::Display) -> Result<T, Refusal> {
        self.map_err(|error| Refusal::machine(format!("{action} `{object}`"), error))
    }
}
