//! Pages of the table `audit` in the order of time: one statement for each index that may lead.

use super::{COLUMNS_COUNT, record};
use crate::audit::chain::{ChainHash, Link};
use crate::audit::page::{AuditFilter, Lead, ObjectFilter, Position, Stretch};
use crate::audit::{AuditRecord, Outcome};
use crate::db::Db;
use crate::error::Error;
use crate::params;
use crate::row::Row;
use crate::statement::Statement;

/// What the index `audit_by_scope` is on: an object's name up to its first slash.
macro_rules! scope {
    (sqlite) => {
        "substr(resource, 1, instr(resource || '/', '/') - 1)"
    };
    (postgres) => {
        "split_part(resource, '/', 1)"
    };
}

/// How far back so many entries of a lead reach.
macro_rules! reach {
    ($($lead:expr),+) => {
        concat!(
            "SELECT at, id FROM audit WHERE ", $($lead,)+
            " AND (at, id) >= (?1, ?2) AND (at, id) < (?3, ?4) ORDER BY at DESC, id DESC LIMIT 1 OFFSET ?5"
        )
    };
}

/// Rows that a lead finds and that are of the filter. What is not asked for is NULL.
macro_rules! list {
    ($($lead:expr),+) => {
        concat!(
            "SELECT ", super::columns!(), ", sequence, hash FROM audit WHERE ", $($lead,)+
            " AND (at, id) >= (?1, ?2) AND (at, id) < (?3, ?4) \
             AND (CAST(?6 AS TEXT) IS NULL OR caller_name = ?6) \
             AND (CAST(?7 AS TEXT) IS NULL OR resource = ?7) \
             AND (CAST(?8 AS TEXT) IS NULL OR substr(resource, 1, length(?8)) = ?8) \
             AND (CAST(?9 AS TEXT) IS NULL OR action = ?9) \
             AND (CAST(?10 AS TEXT) IS NULL OR outcome = ?10) \
             ORDER BY at DESC, id DESC LIMIT ?5"
        )
    };
}

fn reach_statement(lead: Lead) -> Statement {
    match lead {
        Lead::Time => reach!("?6 = ''").into(),
        Lead::Person => reach!("caller_name = ?6").into(),
        Lead::Object => reach!("resource = ?6").into(),
        Lead::Scope => Statement::dialects(reach!(scope!(sqlite), " = ?6"), reach!(scope!(postgres), " = ?6")),
        Lead::Action => reach!("action = ?6").into(),
        Lead::Outcome => reach!("outcome = ?6 AND outcome <> 'succeeded'").into(),
    }
}

fn list_statement(lead: Lead) -> Statement {
    match lead {
        Lead::Time => list!("CAST(?11 AS TEXT) IS NULL").into(),
        Lead::Person => list!("CAST(?11 AS TEXT) IS NULL AND caller_name = ?6").into(),
        Lead::Object => list!("CAST(?11 AS TEXT) IS NULL AND resource = ?7").into(),
        Lead::Scope => Statement::dialects(list!(scope!(sqlite), " = ?11"), list!(scope!(postgres), " = ?11")),
        Lead::Action => list!("CAST(?11 AS TEXT) IS NULL AND action = ?9").into(),
        Lead::Outcome => list!("CAST(?11 AS TEXT) IS NULL AND outcome = ?10 AND outcome <> 'succeeded'").into(),
    }
}

/// Where the last of `entries` of a lead stands; `None` where it finds fewer.
pub(in crate::audit) async fn reach(
    db: &Db,
    (lead, key): (Lead, &str),
    stretch: Stretch,
    entries: u32,
) -> Result<Option<Position>, Error> {
    let Stretch { floor, before } = stretch;
    let params = params![floor.at, floor.id, before.at, before.id, entries.saturating_sub(1), key];
    let row = db.list(reach_statement(lead), &params).await?.into_iter().next();
    row.map(|row| Ok(Position { at: row.timestamp(0)?, id: row.integer(1)? })).transpose()
}

pub(in crate::audit) async fn list(
    db: &Db,
    filter: &AuditFilter,
    lead: Lead,
    (stretch, limit): (Stretch, u32),
) -> Result<Vec<AuditRecord>, Error> {
    let Stretch { floor, before } = stretch;
    let (named, beginning) = match &filter.object {
        Some(ObjectFilter::Named(name)) => (Some(name.as_str()), None),
        Some(ObjectFilter::Beginning(text)) => (None, Some(text.as_str())),
        None => (None, None),
    };
    let scope = beginning.and_then(|text| text.split_once('/')).filter(|_| lead == Lead::Scope);
    let params = params![
        floor.at,
        floor.id,
        before.at,
        before.id,
        limit,
        filter.person.as_deref(),
        named,
        beginning,
        filter.action.as_deref(),
        filter.outcome.map(Outcome::as_str),
        scope.map(|(first, _)| first),
    ];
    db.list(list_statement(lead), &params).await?.into_iter().map(placed).collect()
}

/// A row that may not be sealed yet.
fn placed(row: Row) -> Result<AuditRecord, Error> {
    let hash = row.optional_bytes(COLUMNS_COUNT + 1)?.and_then(|bytes| ChainHash::try_from(bytes).ok());
    let link = row.optional_integer(COLUMNS_COUNT)?.zip(hash).map(|(sequence, hash)| Link { sequence, hash });
    Ok(AuditRecord { link, ..record(row)? })
}
