//! Abilities: what an endpoint can do, tried and not believed.

use std::fmt;

use bytes::Bytes;
use object_store::PutMode;

use super::bucket::{Bucket, Wanted};
use super::layout::Layout;
use super::place::Mark;
use super::trouble::Trouble;

/// What an endpoint may or may not have; the rest it must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Abilities {
    /// It refuses to put an object where one lies, when it is asked to.
    pub(super) conditional_put: bool,
    /// It refuses to complete parts where an object lies, when it is asked to.
    pub(super) conditional_complete: bool,
    /// It deletes many objects by one request.
    pub(super) multi_delete: bool,
}

impl Default for Abilities {
    fn default() -> Self {
        Self { conditional_put: true, conditional_complete: true, multi_delete: true }
    }
}

impl Abilities {
    /// Whether the endpoint itself lets one of two that finish an upload at once win.
    pub(super) fn decide(self) -> bool {
        self.conditional_put && self.conditional_complete
    }
}

/// What was tried, in order.
#[derive(Debug, Clone)]
pub struct Report {
    /// The findings.
    pub findings: Vec<Finding>,
}

/// One ability.
#[derive(Debug, Clone)]
pub struct Finding {
    /// What was tried.
    pub ability: &'static str,
    /// Why it is not there.
    pub missing: Option<Trouble>,
    /// Whether the store can do without.
    pub need: Need,
}

/// Whether a store can do without an ability.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// It cannot.
    Required,
    /// It can; the text says how, or what it costs.
    Optional(&'static str),
}

impl Report {
    /// The first required ability that is missing.
    pub fn lacking(&self) -> Option<Lacking> {
        let mut required = self.findings.iter().filter(|finding| finding.need == Need::Required);
        required.find_map(|finding| Some(Lacking { ability: finding.ability, source: finding.missing.clone()? }))
    }
}

/// What the store cannot do without is not there.
#[derive(Debug, thiserror::Error)]
#[error("`{ability}` does not work there")]
pub struct Lacking {
    /// What was tried.
    pub ability: &'static str,
    /// Why it does not work.
    pub source: Trouble,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.missing, self.need) {
            (None, _) => write!(f, "{}: yes", self.ability),
            (Some(trouble), Need::Required) => write!(f, "{}: NO, and it is needed: {trouble}", self.ability),
            (Some(_), Need::Optional(instead)) => write!(f, "{}: no; {instead}", self.ability),
        }
    }
}

const CONTENT: Bytes = Bytes::from_static(b"wharf tries what this endpoint can do");
const OTHER: Bytes = Bytes::from_static(b"other bytes of the same trial at the endpoint");

/// Tries everything, on objects of its own that are deleted afterwards. After a required ability that is missing, what
/// stands on it is not tried.
pub(super) async fn probe(bucket: &mut Bucket, layout: &Layout) -> Report {
    let mut trial = Trial { bucket, layout, mark: Mark::generate(), findings: Vec::new() };
    trial.run().await;
    Report { findings: trial.findings }
}

struct Trial<'a> {
    bucket: &'a mut Bucket,
    layout: &'a Layout,
    mark: Mark,
    findings: Vec<Finding>,
}

impl Trial<'_> {
    async fn run(&mut self) {
        let put = self.put().await;
        if !self.note("put", Need::Required, put) {
            return;
        }
        let required = [
            ("get", self.get().await),
            ("get of a range", self.get_range().await),
            ("list", self.list().await),
            ("parts", self.parts().await),
            ("refusal of replaced parts", self.replaced_parts().await),
        ];
        for (ability, tried) in required {
            self.note(ability, Need::Required, tried);
        }
        let one_at_a_time = Need::Optional("objects are deleted one at a time");
        let by_catalog = Need::Optional("the catalog decides between two that finish one upload");
        let tried = self.conditional_put().await;
        self.bucket.abilities.conditional_put = self.note("put of new objects only", by_catalog, tried);
        let tried = self.conditional_complete().await;
        self.bucket.abilities.conditional_complete = self.note("completion of new objects only", by_catalog, tried);
        let tried = self.multi_delete().await;
        self.bucket.abilities.multi_delete = self.note("delete of many", one_at_a_time, tried);
        let tried = self.delete().await;
        self.note("delete", Need::Required, tried);
    }

    fn note(&mut self, ability: &'static str, need: Need, tried: Result<(), Trouble>) -> bool {
        self.findings.push(Finding { ability, missing: tried.err(), need });
        self.findings.last().is_some_and(|finding| finding.missing.is_none())
    }

    fn path(&self, name: &str) -> object_store::path::Path {
        self.layout.trial(&format!("{}/{name}", self.mark))
    }

    async fn put(&self) -> Result<(), Trouble> {
        self.bucket.put(&self.path("object"), vec![CONTENT]).await
    }

    async fn get(&self) -> Result<(), Trouble> {
        same(&self.bucket.get(&self.path("object")).await?, &CONTENT)
    }

    async fn get_range(&self) -> Result<(), Trouble> {
        let found = self.bucket.read(&self.path("object"), Some(6..11)).await?;
        let is_whole_size = found.meta.size == CONTENT.len() as u64;
        let bytes = found.bytes().await.map_err(|error| Trouble::from_store(&error))?;
        same(&bytes, &CONTENT[6..11])?;
        if is_whole_size { Ok(()) } else { Err(nonsense("a range comes with another size than the object's")) }
    }

    async fn list(&self) -> Result<(), Trouble> {
        let object = self.path("object");
        let prefix = self.path("").to_string();
        let (all, _) = self.bucket.page(&prefix, Wanted { limit: 10, ..Wanted::default() }).await?;
        let after = Wanted { after: Some(object.to_string()), limit: 10, page: None };
        let (none, _) = self.bucket.page(&prefix, after).await?;
        let is_listed = all.iter().any(|listed| listed.path == object);
        if is_listed && none.is_empty() { Ok(()) } else { Err(nonsense("a list is not what was asked for")) }
    }

    async fn parts(&self) -> Result<(), Trouble> {
        let path = self.path("parts");
        let id = self.bucket.begin_parts(&path).await?;
        let tag = self.bucket.put_part(&path, &id, 0, vec![CONTENT]).await?;
        self.bucket.complete(&path, &id, vec![tag]).await?;
        same(&self.bucket.get(&path).await?, &CONTENT)
    }

    /// That a blob has the bytes of its digest stands on this.
    async fn replaced_parts(&self) -> Result<(), Trouble> {
        let path = self.path("replaced");
        let id = self.bucket.begin_parts(&path).await?;
        let tag = self.bucket.put_part(&path, &id, 0, vec![CONTENT]).await?;
        self.bucket.put_part(&path, &id, 0, vec![OTHER]).await?;
        let completed = self.bucket.complete(&path, &id, vec![tag]).await;
        self.bucket.abort(&path, &id).await?;
        refused(completed, "it completed an upload with a part that was replaced", Trouble::is_other_parts)
    }

    async fn conditional_put(&self) -> Result<(), Trouble> {
        let put = self.bucket.put_by(&self.path("object"), vec![OTHER], PutMode::Create).await;
        refused(put, "it replaced an object that was to be new", Trouble::is_taken)
    }

    async fn conditional_complete(&self) -> Result<(), Trouble> {
        self.bucket.transport.refuse_to_replace(true);
        let path = self.path("object");
        let id = self.bucket.begin_parts(&path).await?;
        let tag = self.bucket.put_part(&path, &id, 0, vec![OTHER]).await?;
        let completed = self.bucket.complete(&path, &id, vec![tag]).await;
        let tried = refused(completed, "it replaced an object that was to be new", Trouble::is_taken);
        self.bucket.transport.refuse_to_replace(tried.is_ok());
        self.bucket.abort(&path, &id).await?;
        tried
    }

    async fn multi_delete(&self) -> Result<(), Trouble> {
        let paths = vec![self.path("parts"), self.path("replaced")];
        self.bucket.delete(paths).await?;
        let is_gone = self.bucket.facts(&self.path("parts")).await?.is_none();
        if is_gone { Ok(()) } else { Err(nonsense("what was deleted is still there")) }
    }

    async fn delete(&self) -> Result<(), Trouble> {
        for name in ["object", "parts", "replaced"] {
            self.bucket.delete(vec![self.path(name)]).await?;
        }
        Ok(())
    }
}

fn same(found: &[u8], expected: &[u8]) -> Result<(), Trouble> {
    if found == expected { Ok(()) } else { Err(nonsense("other bytes came back than were put")) }
}

fn refused(tried: Result<(), Trouble>, reason: &str, is_right: fn(&Trouble) -> bool) -> Result<(), Trouble> {
    match tried {
        Ok(()) => Err(nonsense(reason)),
        Err(trouble) if is_right(&trouble) => Ok(()),
        Err(trouble) => Err(trouble),
    }
}

fn nonsense(reason: &str) -> Trouble {
    Trouble::Nonsense { reason: reason.to_owned() }
}
