//! What collection would take, why, and when: the same conditions, without doing anything.

use data_encoding::HEXLOWER;
use uuid::Uuid;
use wharf_context::{Inspect, Timestamp};
use wharf_oci::{Digest, RepositoryName};

use super::rule::{self, Verdict};
use super::store::forecast::{self as store, After};
use super::untagged;
use crate::error::Error;
use crate::page;
use crate::registry::Registry;

/// Why something goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// No repository links the blob any more; its bytes are being deleted.
    Deleting,
    /// Nobody continues the upload.
    UploadExpires,
    /// The manifest is in the bin.
    Binned,
    /// The manifest has no tag, and nothing else needs it.
    Untagged,
    /// No manifest names the blob.
    Unused,
}

/// Something that goes, if nothing changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forecast {
    /// Why.
    pub reason: Reason,
    /// Which blob or manifest; `None` for an upload, whose digest nobody knows yet.
    pub digest: Option<Digest>,
    /// Which upload.
    pub upload: Option<Uuid>,
    /// Where, if it is one repository's.
    pub repository: Option<RepositoryName>,
    /// How many bytes it is.
    pub size_bytes: u64,
    /// Not before this moment.
    pub due_at: Timestamp,
}

/// One page of what goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForecastPage {
    /// By reason, then by time.
    pub entries: Vec<Forecast>,
    /// Where the next page begins; `None` at the end. A page may have no entries and a next one.
    pub next: Option<String>,
}

/// The order of the reasons in the list.
const ORDER: [Reason; 5] = [Reason::Deleting, Reason::UploadExpires, Reason::Binned, Reason::Untagged, Reason::Unused];

/// Where a page goes on: at which reason, after which row.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Cursor {
    position: usize,
    after: After,
}

impl Registry {
    /// What collection takes when its time has come.
    pub async fn list_forecast(
        &self,
        _: Inspect,
        after: Option<&str>,
        wanted: Option<usize>,
    ) -> Result<ForecastPage, Error> {
        let mut room = page::limit(Some(wanted.unwrap_or(100))).clamp(1, 1_000);
        let mut cursor = after.map_or(Ok(Cursor { position: 0, after: After::default() }), Cursor::parse)?;
        let mut entries = Vec::new();
        while room > 0 {
            let Some(reason) = ORDER.get(cursor.position) else { return Ok(ForecastPage { entries, next: None }) };
            let rows = self.forecast(*reason, &cursor.after, room).await?;
            cursor = match rows.last() {
                Some((after, _)) if rows.len() == room => Cursor { after: after.clone(), ..cursor },
                Some(_) | None => Cursor { position: cursor.position + 1, after: After::default() },
            };
            room -= rows.len();
            entries.extend(rows.into_iter().filter_map(|(_, forecast)| forecast));
        }
        Ok(ForecastPage { entries, next: Some(cursor.render()) })
    }

    /// Rows of one reason; `None` for one that is looked at and stays.
    async fn forecast(
        &self,
        reason: Reason,
        after: &After,
        limit: usize,
    ) -> Result<Vec<(After, Option<Forecast>)>, Error> {
        let (db, settings) = (&self.db, &self.settings);
        match reason {
            Reason::Deleting => store::deleting(db, after, limit).await,
            Reason::UploadExpires => store::uploads(db, after, (settings.upload_expiry, limit)).await,
            Reason::Binned => store::binned(db, after, (settings.bin_keep, limit)).await,
            Reason::Untagged => match settings.untagged_after {
                Some(time) => self.forecast_untagged(after, (time, limit)).await,
                None => Ok(Vec::new()),
            },
            Reason::Unused => store::unused(db, after, limit).await,
        }
    }

    async fn forecast_untagged(
        &self,
        after: &After,
        (time, limit): (std::time::Duration, usize),
    ) -> Result<Vec<(After, Option<Forecast>)>, Error> {
        let (settings, keep) = (&self.settings, self.settings.bin_keep);
        self.db
            .transaction(async |tx| {
                let mut rows = store::untagged(tx, after, (time, limit)).await?;
                for (_, entry, repository) in &mut rows {
                    let Some(Forecast { digest: Some(digest), due_at, .. }) = entry.as_mut() else { continue };
                    let needs = untagged::store::needs(tx, (*repository, digest), &settings.environments).await?;
                    match rule::judge(&needs, tx.now(), keep) {
                        Verdict::Forget => *entry = None,
                        Verdict::Wait(until) => *due_at = until.max(*due_at),
                        Verdict::Bin => {}
                    }
                }
                Ok(rows.into_iter().map(|(after, entry, _)| (after, entry)).collect())
            })
            .await
    }
}

impl Cursor {
    fn render(&self) -> String {
        let After { at, key } = &self.after;
        format!("{}.{}.{}", self.position, at.0, HEXLOWER.encode(key))
    }

    fn parse(text: &str) -> Result<Self, Error> {
        let mut parts = text.splitn(3, '.');
        let mut part = || parts.next().ok_or(Error::BadPage);
        let position = part()?.parse().map_err(|_| Error::BadPage)?;
        let at = Timestamp(part()?.parse().map_err(|_| Error::BadPage)?);
        let key = HEXLOWER.decode(part()?.as_bytes()).map_err(|_| Error::BadPage)?;
        Ok(Self { position, after: After { at, key } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_in_the_list_is_read_as_it_was_written() {
        let cursor = Cursor { position: 3, after: After { at: Timestamp(-1), key: vec![0, 255] } };
        assert_eq!(Cursor::parse(&cursor.render()).ok(), Some(cursor));
        for bad in ["", "1", "1.2", "a.1.00", "1.b.00", "1.1.0", "1.1.xx"] {
            assert!(Cursor::parse(bad).is_err(), "{bad}");
        }
    }
}
