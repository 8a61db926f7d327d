//! Reading: one request for each reader; what breaks off in the middle goes on from there.

use std::ops::Range;

use futures_util::StreamExt;

use super::{S3, Trouble, remote};
use crate::error::Error;
use crate::key::StorageKey;
use crate::reader::Reader;

impl S3 {
    pub(super) async fn read(&self, key: StorageKey, range: Option<Range<u64>>) -> Result<Reader, Error> {
        match range {
            Some(range) if range.start >= range.end => self.read_nothing(key, range).await,
            range => self.read_some(key, range).await,
        }
    }

    async fn read_some(&self, key: StorageKey, range: Option<Range<u64>>) -> Result<Reader, Error> {
        let path = self.layout.blob(key);
        let found = match self.bucket.read(&path, range.clone()).await {
            Ok(found) => found,
            Err(trouble) if trouble.is_not_found() => return Err(Error::BlobNotFound { key }),
            Err(trouble) if trouble.is_range() => return Err(self.beyond(key).await),
            Err(trouble) => return Err(remote("get", path.as_ref())(trouble)),
        };
        let (size_bytes, found_range) = (found.meta.size, found.range.clone());
        if range.is_some_and(|range| range != found_range) {
            return Err(Error::Range { key, size_bytes });
        }
        let pieces = found.into_stream().map(move |piece| {
            piece.map_err(|error| match Trouble::from_store(&error) {
                trouble if trouble.is_not_found() => Error::BlobNotFound { key },
                trouble => remote("get", path.as_ref())(trouble),
            })
        });
        let pieces = pieces.filter(|piece| std::future::ready(!piece.as_ref().is_ok_and(bytes::Bytes::is_empty)));
        Ok(Reader::new(size_bytes, found_range, pieces))
    }

    /// S3 has no empty ranges.
    async fn read_nothing(&self, key: StorageKey, range: Range<u64>) -> Result<Reader, Error> {
        let path = self.layout.blob(key);
        let facts = self.bucket.facts(&path).await.map_err(remote("inspect", path.as_ref()))?;
        let size_bytes = facts.ok_or(Error::BlobNotFound { key })?.size_bytes;
        if range.start > range.end || range.end > size_bytes {
            return Err(Error::Range { key, size_bytes });
        }
        Ok(Reader::new(size_bytes, range, futures_util::stream::empty()))
    }

    async fn beyond(&self, key: StorageKey) -> Error {
        let path = self.layout.blob(key);
        match self.bucket.facts(&path).await {
            Ok(Some(facts)) => Error::Range { key, size_bytes: facts.size_bytes },
            Ok(None) => Error::BlobNotFound { key },
            Err(trouble) => remote("inspect", path.as_ref())(trouble),
        }
    }
}
