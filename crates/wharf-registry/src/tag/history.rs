//! A tag's history: where it pointed, since when, until when, and who moved it there.
//!
//! Rows of tags end and are never overwritten, so that the history is what was, not what somebody noted beside it.

mod store;

use wharf_context::{Context, Event, ProjectId, Timestamp};
use wharf_db::{AuditEntry, Tx};
use wharf_oci::{Digest, Reference, RepositoryName, Tag};

use crate::error::Error;
use crate::page;
use crate::registry::Registry;

/// The most entries that one page holds, and how many it holds where nothing is said.
const PAGE_ENTRIES: (usize, usize) = (1_000, 100);

/// A time during which a tag pointed to one manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagEntry {
    /// What it pointed to.
    pub digest: Digest,
    /// What it was moved away from; nothing where it was made anew.
    pub from: Option<Digest>,
    /// Who pointed it there.
    pub changed_by: String,
    /// Since when.
    pub since: Timestamp,
    /// Until when: it was moved or deleted then. Nothing where it points there now.
    pub until: Option<Timestamp>,
}

/// One page of a tag's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagHistoryPage {
    /// The entries, the last first.
    pub entries: Vec<TagEntry>,
    /// Where the next page begins.
    pub next: Option<String>,
}

/// A place in the list of what has ended: until when, and the row.
type Before = (Timestamp, i64);

impl Registry {
    /// A page of a tag's history, the last first.
    pub async fn tag_history(
        &self,
        ctx: &Context,
        (repository, tag): (&RepositoryName, &Tag),
        after: Option<&str>,
        wanted: Option<usize>,
    ) -> Result<TagHistoryPage, Error> {
        let id = self.find_repository(ctx, repository).await?;
        let limit = page::limit(Some(wanted.unwrap_or(PAGE_ENTRIES.1))).clamp(1, PAGE_ENTRIES.0);
        let before = after.map(parse).transpose()?;
        let current = match before {
            None => store::current(&self.db, id, tag).await?,
            Some(_) => None,
        };
        let is_first = before.is_none();
        let before = before.unwrap_or((Timestamp(i64::MAX), i64::MAX));
        let ended = store::ended(&self.db, (id, tag), before, page::limit_and_one(limit)).await?;
        let mut rows: Vec<_> = current.into_iter().chain(ended).collect();
        if rows.is_empty() && is_first {
            let (repository, reference) = (repository.clone(), Reference::Tag(tag.clone()));
            return Err(Error::ManifestUnknown { repository, reference });
        }
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| has_more).map(|(id, entry)| render(entry.until, *id));
        Ok(TagHistoryPage { entries: rows.into_iter().map(|(_, entry)| entry).collect(), next })
    }
}

/// What a tag that points to nothing now pointed to last, for whoever decides where it may point.
pub async fn last_digest(
    tx: &mut Tx<'_>,
    (project, repository): (ProjectId, &RepositoryName),
    tag: &Tag,
) -> Result<Option<Digest>, Error> {
    store::last(tx, (project, repository), tag).await
}

/// Tells of a tag that points to something else from now on. What tools attach by a tag grows by moving it, and is nothing to
/// tell of.
pub(crate) async fn tell_move(
    tx: &mut Tx<'_>,
    ctx: &Context,
    (repository, tag): (&RepositoryName, &Tag),
    (from, to): (Digest, Digest),
) -> Result<(), Error> {
    if tag.attached_to().is_some() {
        return Ok(());
    }
    let (from, to, by) = (from.to_string(), to.to_string(), ctx.caller.name.clone());
    let entry = AuditEntry::new(ctx, "tag.move", format!("{repository}:{tag}"));
    tx.audit(&entry.with_details(serde_json::json!({ "from": from, "to": to }))).await?;
    let (repository, tag) = (repository.to_string(), tag.to_string());
    tx.announce(Event::TagMoved { repository, tag, from, to, by }).await?;
    Ok(())
}

/// After the current entry comes what ended last.
fn render(until: Option<Timestamp>, id: i64) -> String {
    let (until, id) = until.map_or((i64::MAX, i64::MAX), |until| (until.0, id));
    format!("{until}.{id}")
}

fn parse(after: &str) -> Result<Before, Error> {
    let (until, id) = after.split_once('.').ok_or(Error::BadPage)?;
    let number = |text: &str| text.parse::<i64>().map_err(|_| Error::BadPage);
    Ok((Timestamp(number(until)?), number(id)?))
}
