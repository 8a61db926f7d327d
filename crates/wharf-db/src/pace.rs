//! Pace: what every use of a database waits for, where a test decides who comes when.
//!
//! It is asked before a transaction or a read begins, never inside: whoever waits here holds nothing.

use std::fmt;
use std::pin::Pin;

/// Decides when a transaction or a read may begin.
pub trait Pace: fmt::Debug + Send + Sync {
    /// Ends when it may.
    fn wait(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}
