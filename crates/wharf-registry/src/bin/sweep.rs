//! Listing the bin, repository by repository, at a cost that a page bounds.

use std::time::Duration;

use wharf_context::{ProjectId, Timestamp};
use wharf_oci::RepositoryName;

use super::store::{self, Before};
use super::{BinPage, BinScope, Binned, BinnedItem};
use crate::error::Error;
use crate::page;
use crate::registry::Registry;
use crate::repository::{self, RepositoryId};

/// How many repositories one page looks into.
const REPOSITORIES: usize = 100;
/// Later than everything.
const NEWEST: Before = (Timestamp(i64::MAX), i64::MAX);

/// Where a page goes on: in which repository, in which of its two lists, after which row.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Cursor {
    repository: String,
    list: List,
    before: Before,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum List {
    Tags,
    Manifests,
}

pub(super) async fn list(
    registry: &Registry,
    scope: &BinScope,
    after: Option<&str>,
    wanted: Option<usize>,
) -> Result<BinPage, Error> {
    let limit = page::limit(Some(wanted.unwrap_or(100))).clamp(1, 1_000);
    let mut cursor = after.map(Cursor::parse).transpose()?;
    let from = cursor.as_ref().map(|cursor| cursor.repository.clone()).unwrap_or_default();
    let repositories = match scope {
        BinScope::Repository(permit) => {
            let id = repository::store::find(&registry.db, permit).await?;
            id.map(|id| (id, permit.repository().clone())).into_iter().collect()
        }
        BinScope::Project(ProjectId(project)) => {
            store::repositories(&registry.db, (*project, &from), REPOSITORIES).await?
        }
    };
    let is_cut = repositories.len() == REPOSITORIES;
    let mut entries = Vec::new();
    let mut last = None;
    for (id, name) in repositories {
        let begin = cursor.take().filter(|cursor| cursor.repository == name.as_str());
        let begin = begin.unwrap_or_else(|| Cursor::at(&name));
        let listed = Listing { registry, id, name: &name };
        if let Some(next) = listed.read(begin, limit, &mut entries).await? {
            return Ok(BinPage { entries, next: Some(next.render()) });
        }
        last = Some(name);
    }
    // A space comes before every letter that a longer name goes on with.
    let next = last.filter(|_| is_cut).map(|name| Cursor { repository: format!("{name} "), ..Cursor::at(&name) });
    Ok(BinPage { entries, next: next.map(|cursor| cursor.render()) })
}

/// One repository's bin.
struct Listing<'a> {
    registry: &'a Registry,
    id: RepositoryId,
    name: &'a RepositoryName,
}

impl Listing<'_> {
    /// Reads on from `cursor` until the page is full; then says where it goes on.
    async fn read(&self, mut cursor: Cursor, limit: usize, entries: &mut Vec<Binned>) -> Result<Option<Cursor>, Error> {
        let keep = self.registry.settings.bin_keep;
        let since = self.registry.clock.now().minus(keep);
        let db = &self.registry.db;
        if cursor.list == List::Tags {
            let room = limit - entries.len();
            let rows = store::tags(db, self.id, (since, cursor.before), room + 1).await?;
            let is_full = rows.len() > room;
            for row in rows.into_iter().take(room) {
                cursor.before = row.at;
                let (name, now) = row.what;
                entries.push(self.entry(row.at, row.digest, BinnedItem::Tag { name, now }, keep));
            }
            if is_full {
                return Ok(Some(cursor));
            }
            cursor = Cursor { list: List::Manifests, before: NEWEST, ..cursor };
        }
        let room = limit - entries.len();
        let rows = store::manifests(db, self.id, (since, cursor.before), room + 1).await?;
        let is_full = rows.len() > room;
        for row in rows.into_iter().take(room) {
            cursor.before = row.at;
            entries.push(self.entry(row.at, row.digest, BinnedItem::Manifest { media_type: row.what }, keep));
        }
        Ok(is_full.then_some(cursor))
    }

    fn entry(&self, at: Before, digest: wharf_oci::Digest, item: BinnedItem, keep: Duration) -> Binned {
        let repository = self.name.clone();
        Binned { repository, item, digest, deleted_at: at.0, restorable_until: at.0.plus(keep) }
    }
}

impl Cursor {
    fn at(repository: &RepositoryName) -> Self {
        Self { repository: repository.to_string(), list: List::Tags, before: NEWEST }
    }

    fn render(&self) -> String {
        let list = if self.list == List::Tags { 't' } else { 'm' };
        let (at, id) = self.before;
        format!("{list}.{}.{id}.{}", at.0, self.repository.replace(' ', "~"))
    }

    fn parse(text: &str) -> Result<Self, Error> {
        let mut parts = text.splitn(4, '.');
        let mut part = || parts.next().ok_or(Error::BadPage);
        let list = match part()? {
            "t" => List::Tags,
            "m" => List::Manifests,
            _ => return Err(Error::BadPage),
        };
        let number = |text: &str| text.parse().map_err(|_| Error::BadPage);
        let before = (Timestamp(number(part()?)?), number(part()?)?);
        Ok(Self { repository: part()?.replace('~', " "), list, before })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_in_the_list_is_read_as_it_was_written() {
        for repository in ["p/a.b", "p/a "] {
            let cursor =
                Cursor { repository: repository.to_owned(), list: List::Manifests, before: (Timestamp(-5), 7) };
            assert_eq!(Cursor::parse(&cursor.render()).ok(), Some(cursor));
        }
        for bad in ["", "t", "t.1", "t.1.2", "x.1.2.p/a", "t.a.2.p/a"] {
            assert!(Cursor::parse(bad).is_err(), "{bad}");
        }
    }
}
