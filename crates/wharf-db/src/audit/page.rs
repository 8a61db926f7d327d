//! Pages of the log, the newest first, at a cost that does not depend on how long the log is.
//!
//! One condition is answered by an index alone. Of several, the one that is rarest here and now leads: it is the one whose
//! thousand last entries reach back furthest, which costs one look into each index. Of what it leads to, a page looks at
//! a thousand entries at most. So a page may be short, even empty, and still not be the last one.

use wharf_context::Timestamp;

use super::{AuditRecord, Outcome, store};
use crate::db::Db;
use crate::error::Error;

/// How many entries a page with several conditions looks at.
const CANDIDATES: u32 = 1_000;

/// Which rows of the log to list. All conditions must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// What this person or machine did: the name at that time.
    pub person: Option<String>,
    /// What was done to this.
    pub object: Option<ObjectFilter>,
    /// What was done.
    pub action: Option<String>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// Not before.
    pub from: Option<Timestamp>,
    /// Before.
    pub to: Option<Timestamp>,
}

/// Which objects are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ObjectFilter {
    /// The one of this name.
    Named(String),
    /// All whose names begin like this.
    Beginning(String),
}

/// A row's place in the order of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// When.
    pub at: Timestamp,
    /// The row.
    pub id: i64,
}

/// Some rows of the log, the newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditPage {
    /// The rows.
    pub records: Vec<AuditRecord>,
    /// Where to go on; `None` when the list ends here.
    pub next: Option<Position>,
}

/// What leads to the rows: the index that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lead {
    Time,
    Person,
    Object,
    Scope,
    Action,
    Outcome,
}

/// The part of the log that a page is of: from `floor`, which belongs to it, to `before`, which does not.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stretch {
    pub(super) floor: Position,
    pub(super) before: Position,
}

impl Db {
    /// A page of the log before `before`, or its newest one.
    pub async fn audit(&self, filter: &AuditFilter, before: Option<Position>, limit: u32) -> Result<AuditPage, Error> {
        let stretch = filter.stretch(before);
        let leads = filter.leads();
        let (lead, reach) = match leads.as_slice() {
            [(only, _)] if filter.is_answered_by_one_index() => (*only, None),
            leads => self.rarest(leads, stretch).await?,
        };
        let stretch = Stretch { floor: reach.unwrap_or(stretch.floor), ..stretch };
        let mut records = store::page::list(self, filter, lead, (stretch, limit.saturating_add(1))).await?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let has_more = records.len() > limit;
        records.truncate(limit);
        let last = records.last().map(|record| Position { at: record.at, id: record.id });
        Ok(AuditPage { records, next: if has_more { last } else { reach } })
    }

    /// The lead whose entries reach back furthest, and how far [`CANDIDATES`] of them reach; `None` where there are
    /// fewer.
    async fn rarest(&self, leads: &[(Lead, &str)], stretch: Stretch) -> Result<(Lead, Option<Position>), Error> {
        let mut rarest = (Lead::Time, Some(stretch.before));
        for (lead, key) in leads {
            let reach = store::page::reach(self, (*lead, key), stretch, CANDIDATES).await?;
            if reach.is_none() {
                return Ok((*lead, None));
            }
            if reach < rarest.1 {
                rarest = (*lead, reach);
            }
        }
        Ok(rarest)
    }
}

impl AuditFilter {
    fn stretch(&self, before: Option<Position>) -> Stretch {
        let first_at = |at: Timestamp| Position { at, id: i64::MIN };
        let end = self.to.map_or(Position { at: Timestamp(i64::MAX), id: i64::MAX }, first_at);
        let floor = first_at(self.from.unwrap_or(Timestamp(i64::MIN)));
        Stretch { floor, before: before.map_or(end, |before| before.min(end)) }
    }

    /// The indexes that lead to rows of this filter, each with the key to look for. There is always one.
    fn leads(&self) -> Vec<(Lead, &str)> {
        let person = self.person.as_deref().map(|name| (Lead::Person, name));
        let object = self.object.as_ref().and_then(ObjectFilter::lead);
        let action = self.action.as_deref().map(|action| (Lead::Action, action));
        // Nearly everything succeeds: there is no index of that.
        let outcome = self.outcome.filter(|outcome| *outcome != Outcome::Succeeded);
        let outcome = outcome.map(|outcome| (Lead::Outcome, outcome.as_str()));
        let leads: Vec<_> = [person, object, action, outcome].into_iter().flatten().collect();
        if leads.is_empty() { vec![(Lead::Time, "")] } else { leads }
    }

    /// Whether each entry that the one lead finds is a row of this filter.
    fn is_answered_by_one_index(&self) -> bool {
        let has_prefix = matches!(self.object, Some(ObjectFilter::Beginning(_)));
        let is_usual = self.outcome == Some(Outcome::Succeeded);
        let conditions = [self.person.is_some(), self.object.is_some(), self.action.is_some(), self.outcome.is_some()];
        !has_prefix && !is_usual && conditions.into_iter().filter(|is_set| *is_set).count() <= 1
    }
}

impl ObjectFilter {
    /// A beginning leads by its first part, where that is whole.
    fn lead(&self) -> Option<(Lead, &str)> {
        match self {
            Self::Named(name) => Some((Lead::Object, name)),
            Self::Beginning(text) => text.split_once('/').map(|(first, _)| (Lead::Scope, first)),
        }
    }
}
