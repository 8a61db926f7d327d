//! Cold places: bytes under names that their owner chose, for what leaves the store and has to be read without it.
//!
//! A [`ColdPlace`] is a folder or a bucket in which an archive lays out OCI layouts. Other than a [`crate::Store`] it knows
//! names, which other tools read, and no uploads: what breaks off leaves nothing under the name, and is put again.

mod folder;
pub mod name;

use std::fmt;

use crate::body::Body;
use crate::error::Error;
use crate::reader::Reader;
pub use crate::s3::ColdBucket;
use crate::store::BoxFuture;
pub use folder::ColdFolder;
pub use name::{ObjectName, ObjectNameError};

/// A named object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColdObject {
    /// Its name.
    pub name: ObjectName,
    /// How many bytes it has.
    pub size_bytes: u64,
}

/// A place for named bytes.
pub trait ColdPlace: fmt::Debug + Send + Sync {
    /// Where it is, as people write it: `file:///srv/cold` or `s3://bucket/prefix`.
    fn describe(&self) -> String;

    /// Puts an object, whole or not at all, in the place of one of that name. Returns its size when it is durable.
    fn put<'a>(&'a self, name: &'a ObjectName, body: Body) -> BoxFuture<'a, Result<u64, Error>>;

    /// Opens an object for reading.
    fn open<'a>(&'a self, name: &'a ObjectName) -> BoxFuture<'a, Result<Reader, Error>>;

    /// How many bytes an object has; `None` where there is none.
    fn size<'a>(&'a self, name: &'a ObjectName) -> BoxFuture<'a, Result<Option<u64>, Error>>;

    /// All objects below a folder, in the order of their names.
    fn list<'a>(&'a self, folder: &'a ObjectName) -> BoxFuture<'a, Result<Vec<ColdObject>, Error>>;

    /// Deletes objects, durably. What is not there is no error.
    fn delete<'a>(&'a self, names: &'a [ObjectName]) -> BoxFuture<'a, Result<(), Error>>;
}

/// What every cold place promises, by execution. Leaves nothing behind.
#[cfg(test)]
pub(crate) async fn promises(place: &dyn ColdPlace) {
    use futures_util::{StreamExt as _, TryStreamExt as _};

    use crate::body;

    let name = |text: &str| text.parse::<ObjectName>().expect("a name");
    let (small, large) = (name("pay/app/one/index.json"), name("pay/app/one/blobs/sha256/00"));
    assert_eq!(place.size(&small).await.expect("asked"), None);
    assert!(matches!(place.open(&small).await, Err(Error::ObjectNotFound { .. })));
    assert!(place.list(&name("pay/app/one")).await.expect("lists").is_empty());
    assert_eq!(place.put(&small, body::whole(&b"{}"[..])).await.expect("put"), 2);
    let piece = bytes::Bytes::from(vec![7; 3 << 20]);
    let pieces: Vec<Result<bytes::Bytes, body::BodyError>> = (0..7).map(|_| Ok(piece.clone())).collect();
    let body = Box::pin(futures_util::stream::iter(pieces));
    assert_eq!(place.put(&large, body).await.expect("put"), 21 << 20);
    let read: Vec<bytes::Bytes> = place.open(&large).await.expect("opens").try_collect().await.expect("read");
    assert_eq!(read.concat(), vec![7; 21 << 20]);
    // What breaks off leaves what was there.
    let broken: Vec<Result<bytes::Bytes, body::BodyError>> =
        vec![Ok(piece), Err(body::BodyError::broken("the source is gone"))];
    let broken = place.put(&small, Box::pin(futures_util::stream::iter(broken))).await;
    assert!(matches!(broken, Err(Error::ObjectBody { .. })), "{broken:?}");
    assert_eq!(place.size(&small).await.expect("asked"), Some(2));
    assert_eq!(place.put(&small, body::whole(&b"{ }"[..])).await.expect("put anew"), 3);
    let listed = place.list(&name("pay/app/one")).await.expect("lists");
    let listed: Vec<(&str, u64)> = listed.iter().map(|found| (found.name.as_str(), found.size_bytes)).collect();
    assert_eq!(listed, [(large.as_str(), 21 << 20), (small.as_str(), 3)]);
    // A folder's name is no beginning of another's.
    let other = name("pay/app/one2/index.json");
    place.put(&other, body::whole(&b"x"[..])).await.expect("put");
    assert_eq!(place.list(&name("pay/app/one")).await.expect("lists").len(), 2);
    place.delete(&[small.clone(), large.clone(), name("pay/app/nothing"), other]).await.expect("deleted");
    assert!(place.list(&name("pay/app")).await.expect("lists").is_empty());
    let mut empty = {
        place.put(&small, body::whole(&b""[..])).await.expect("put");
        place.open(&small).await.expect("opens")
    };
    assert_eq!((empty.size_bytes(), empty.next().await.is_none()), (0, true));
    place.delete(&[small]).await.expect("deleted");
}
