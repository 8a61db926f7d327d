//! Search over everything: which images, of those that the caller may see, are what a query says.
//!
//! Each image in each repository has a row and a set of terms (`term`), kept by a job ([`index`]) that asks the registry
//! what is there, so that the order of events does not matter. A query ([`query`]) is answered from the index of terms:
//! by the rarest condition, newest first, in batches of bounded size (`plan`), the others checked on the way.

pub mod index;
pub(crate) mod plan;
pub mod query;
#[cfg(feature = "seed")]
pub mod seed;
pub(crate) mod store;
pub(crate) mod term;

use wharf_context::{Timestamp, Visibility};
use wharf_oci::Digest;

pub use self::query::{Query, QueryError};
use crate::error::Error;
use crate::governance::Governance;

/// The most batches that one page looks through. A page that is not full by then says where to go on.
const MOST_BATCHES: usize = 10;

/// An image that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The repository.
    pub repository: String,
    /// The manifest.
    pub digest: Digest,
    /// Tags that point to it, as many as are kept.
    pub tags: Vec<String>,
    /// Its media type.
    pub media_type: String,
    /// Its artifact type, where it has one.
    pub artifact_type: Option<String>,
    /// `os/architecture[/variant]`; empty where it has none.
    pub platform: String,
    /// Bytes of its config and layers.
    pub size_bytes: i64,
    /// The commit that it says it was made from.
    pub revision: Option<String>,
    /// When it was pushed.
    pub pushed_at: Timestamp,
    /// Who pushed it.
    pub pushed_by: String,
    /// Whether it is in an archive, and not in the registry. Its tags are those that it had.
    pub is_archived: bool,
}

/// Where a page ends and the next one begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    pub(crate) pushed_at: i64,
    pub(crate) image: i64,
}

impl Position {
    /// Before everything.
    pub const START: Self = Self { pushed_at: i64::MAX, image: i64::MAX };

    /// As clients get it.
    pub fn render(self) -> String {
        format!("{}-{}", self.pushed_at, self.image)
    }

    /// From what a client got.
    pub fn parse(text: &str) -> Option<Self> {
        let (pushed_at, image) = text.split_once('-')?;
        let number = |text: &str| text.parse::<i64>().ok().filter(|number| *number >= 0);
        Some(Self { pushed_at: number(pushed_at)?, image: number(image)? })
    }
}

impl Governance {
    /// Images that are what `query` says, newest first, after `after`: at most `limit`. Also says where to go on, if there
    /// may be more; a page can be short and yet not the last.
    pub async fn search(
        &self,
        visibility: &Visibility,
        query: &Query,
        (after, limit): (Position, usize),
    ) -> Result<(Vec<Found>, Option<Position>), Error> {
        let plan = plan::make(&self.db, visibility, query).await?;
        let (mut found, mut after) = (Vec::new(), after);
        for number in 0..MOST_BATCHES {
            let part = (after, store::batch_rows(number));
            let batch = store::batch(&self.db, &plan, part, limit - found.len()).await?;
            let is_full = batch.found.len() + found.len() >= limit;
            let last = batch.found.last().map(|(position, _)| *position);
            found.extend(batch.found.into_iter().map(|(_, found)| found));
            match (is_full, batch.end) {
                (true, _) => return Ok((found, last)),
                (false, None) => return Ok((found, None)),
                (false, Some(end)) => after = end,
            }
        }
        Ok((found, Some(after)))
    }
}
