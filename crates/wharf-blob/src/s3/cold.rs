//! A cold place in a bucket: an object per name below one prefix.
//!
//! A large object is put in parts, which become an object when the last one has come. Parts of a process that died stay
//! with the endpoint until its own rule for unfinished uploads takes them.

use futures_util::StreamExt as _;
use object_store::path::Path;

use super::bucket::Bucket;
use super::pieces::Pieces;
use super::{Settings, Trouble, endpoint, remote, schedule};
use crate::body::Body;
use crate::cold::{ColdObject, ColdPlace, ObjectName};
use crate::error::Error;
use crate::reader::Reader;
use crate::store::BoxFuture;

/// A cold place in a bucket.
#[derive(Debug)]
pub struct ColdBucket {
    bucket: Bucket,
    name: String,
    /// Ends with a slash, unless it is empty.
    prefix: String,
}

impl ColdBucket {
    /// Opens a bucket, without asking it anything.
    pub fn open(settings: &Settings) -> Result<Self, Error> {
        let prefix = settings.prefix.trim_matches('/');
        let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
        Ok(Self { bucket: endpoint::open(settings)?, name: settings.bucket.clone(), prefix })
    }

    fn path(&self, name: &ObjectName) -> Path {
        Path::from(format!("{}{name}", self.prefix))
    }

    async fn put_object(&self, name: &ObjectName, mut body: Body) -> Result<u64, Error> {
        let path = self.path(name);
        let mut sending = Sending { bucket: &self.bucket, path: &path, id: None, tags: Vec::new() };
        let sent = sending.run(name, &mut body).await;
        if let (Err(_), Some(id)) = (&sent, &sending.id)
            && let Err(trouble) = self.bucket.abort(&path, id).await
        {
            tracing::warn!(object = path.as_ref(), error = %trouble, "parts of an object stay with the endpoint");
        }
        sent
    }

    async fn read(&self, name: &ObjectName) -> Result<Reader, Error> {
        let path = self.path(name);
        let found = match self.bucket.read(&path, None).await {
            Ok(found) => found,
            Err(trouble) if trouble.is_not_found() => return Err(Error::ObjectNotFound { name: name.to_string() }),
            Err(trouble) => return Err(remote("get", path.as_ref())(trouble)),
        };
        let (size_bytes, range) = (found.meta.size, found.range.clone());
        let pieces = found
            .into_stream()
            .map(move |piece| piece.map_err(|error| remote("get", path.as_ref())(Trouble::from_store(&error))));
        let pieces = pieces.filter(|piece| std::future::ready(!piece.as_ref().is_ok_and(bytes::Bytes::is_empty)));
        Ok(Reader::new(size_bytes, range, pieces))
    }
}

/// One object on its way.
struct Sending<'a> {
    bucket: &'a Bucket,
    path: &'a Path,
    /// The endpoint's name for its parts; `None` as long as it may fit into one request.
    id: Option<String>,
    tags: Vec<String>,
}

impl Sending<'_> {
    async fn run(&mut self, name: &ObjectName, body: &mut Body) -> Result<u64, Error> {
        let (mut pieces, mut size_bytes) = (Pieces::default(), 0);
        while let Some(piece) = body.next().await {
            let piece = piece.map_err(|source| Error::ObjectBody { name: name.to_string(), source })?;
            size_bytes += piece.len() as u64;
            pieces.add(piece);
            let sizes = schedule::sizes(self.tags.len());
            if pieces.size_bytes() >= sizes.gathered_bytes() {
                self.part(pieces.take(sizes.usual_bytes)).await.map_err(remote("put", self.path.as_ref()))?;
            }
        }
        let left = pieces.take(usize::MAX);
        self.end(left).await.map_err(remote("put", self.path.as_ref()))?;
        Ok(size_bytes)
    }

    async fn part(&mut self, pieces: Vec<bytes::Bytes>) -> Result<(), Trouble> {
        let id = match self.id.take() {
            Some(id) => id,
            None => self.bucket.begin_parts(self.path).await?,
        };
        let id = self.id.insert(id);
        self.tags.push(self.bucket.put_part(self.path, id, self.tags.len(), pieces).await?);
        Ok(())
    }

    async fn end(&mut self, left: Vec<bytes::Bytes>) -> Result<(), Trouble> {
        if self.id.is_none() {
            return self.bucket.put(self.path, left).await;
        }
        self.part(left).await?;
        let Some(id) = self.id.clone() else { return Ok(()) };
        self.bucket.complete(self.path, &id, std::mem::take(&mut self.tags)).await
    }
}

impl ColdPlace for ColdBucket {
    fn describe(&self) -> String {
        format!("s3://{}/{}", self.name, self.prefix.trim_end_matches('/'))
    }

    fn put<'a>(&'a self, name: &'a ObjectName, body: Body) -> BoxFuture<'a, Result<u64, Error>> {
        Box::pin(self.put_object(name, body))
    }

    fn open<'a>(&'a self, name: &'a ObjectName) -> BoxFuture<'a, Result<Reader, Error>> {
        Box::pin(self.read(name))
    }

    fn size<'a>(&'a self, name: &'a ObjectName) -> BoxFuture<'a, Result<Option<u64>, Error>> {
        let path = self.path(name);
        Box::pin(async move {
            let facts = self.bucket.facts(&path).await.map_err(remote("inspect", path.as_ref()))?;
            Ok(facts.map(|facts| facts.size_bytes))
        })
    }

    fn list<'a>(&'a self, folder: &'a ObjectName) -> BoxFuture<'a, Result<Vec<ColdObject>, Error>> {
        let prefix = format!("{}{folder}/", self.prefix);
        Box::pin(async move {
            let listed = self.bucket.list(&prefix).await.map_err(remote("list", &prefix))?;
            let object = |found: &super::bucket::Listed| {
                let name = found.path.as_ref().strip_prefix(&self.prefix)?.parse().ok()?;
                Some(ColdObject { name, size_bytes: found.facts.size_bytes })
            };
            let mut objects: Vec<ColdObject> = listed.iter().filter_map(object).collect();
            objects.sort_by(|a, b| a.name.cmp(&b.name));
            Ok(objects)
        })
    }

    fn delete<'a>(&'a self, names: &'a [ObjectName]) -> BoxFuture<'a, Result<(), Error>> {
        let paths = names.iter().map(|name| self.path(name)).collect();
        Box::pin(async move { self.bucket.delete(paths).await.map_err(remote("delete", &self.prefix)) })
    }
}
