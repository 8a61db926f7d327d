//! Moving: all bytes into another store, under the keys that they have, while everybody goes on working.
//!
//! What is there in its right size is not copied again, so a copy that was broken off goes on where it stopped; what is
//! copied is hashed on the way and compared with the catalog. A [`BytesHold`] keeps what a snapshot of the catalog calls
//! present from being deleted meanwhile. Tables are copied by `wharf_db::copy`; when the places are switched is for the
//! program to say.

mod copy;
mod done;
pub(crate) mod hold;
mod pace;
mod store;

pub use copy::{ByteCopy, CopyFigures, CopySettings, Damaged};
pub use hold::BytesHold;
