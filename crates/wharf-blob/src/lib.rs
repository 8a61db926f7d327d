//! Bytes on local files, S3 or memory; resumable uploads; one conformance suite for all.
//!
//! A [`Store`] takes an upload in any number of pieces, hashing while it writes, and turns it into immutable bytes
//! under an opaque [`StorageKey`]. What it acknowledges is durable. It does not know digests' owners, repositories or
//! rights, and nothing is ever derived by listing it: which digest lies under which key, and who may read it, is the
//! catalog's business.
//!
//! Reading order: [`store`], [`key`], [`state`], [`body`], [`reader`], [`error`], [`files`], [`memory`], [`s3`],
//! [`sealed`], [`followed`], [`cold`] (named bytes beside the store, for archives), and `conformance` (behind the feature of that name), which says by execution what a store promises.

pub mod body;
pub mod cold;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
pub mod error;
pub mod files;
pub mod followed;
pub mod key;
pub mod memory;
pub mod reader;
pub mod s3;
pub mod sealed;
pub mod state;
pub mod store;

mod blocking;
mod fence;

pub use body::{Body, BodyError};
pub use cold::{ColdBucket, ColdFolder, ColdObject, ColdPlace, ObjectName};
pub use error::{Error, Failure};
pub use files::{Durability, Files, Settings};
pub use followed::Followed;
pub use key::{KeyError, StorageKey, UploadKey};
pub use memory::Memory;
pub use reader::Reader;
pub use s3::S3;
pub use sealed::Sealed;
pub use state::UploadState;
pub use store::{Appended, BoxFuture, Store, Stored, Upload};
