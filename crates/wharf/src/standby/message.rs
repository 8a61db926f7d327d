//! What the two servers of a pair say to each other. Both are this program in the same version: nothing else speaks it.
//!
//! ```text
//! item   kind 1  length 4  number 8  content       numbers big-endian
//! ```

use bytes::{Buf as _, Bytes, BytesMut};
use serde::{Deserialize, Serialize};
use url::Url;
use uuid::Uuid;
use wharf_blob::StorageKey;
use wharf_db::LogBatch;

/// Where all of it stands.
pub(crate) const PREFIX: &str = "/standby/v1";
/// Where the position of a base stands in its answer.
pub(crate) const POSITION: &str = "wharf-standby-position";
/// The longest item that is taken.
const MOST_BYTES: usize = (1 << 30) + 64;
/// What stands before an item's content.
const HEAD_BYTES: usize = 13;
/// How long a key is as text.
const KEY_BYTES: usize = 36;

/// What a standby says first.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Hello {
    pub(crate) version: String,
    /// Of the migrations: both must make the same tables.
    pub(crate) catalog: String,
    /// The registry that it has a copy of, if any, and the epoch that it knows.
    pub(crate) history: Option<Uuid>,
    pub(crate) epoch: u64,
    /// Whose numbers it knows, and up to which everything is done.
    pub(crate) lineage: Option<Uuid>,
    pub(crate) done: u64,
    /// How it is reached itself.
    pub(crate) url: Option<Url>,
}

/// What the primary says to that.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Welcome {
    pub(crate) history: Uuid,
    pub(crate) epoch: u64,
    pub(crate) session: Uuid,
    pub(crate) lineage: Uuid,
    /// Whether the standby may go on where it was; else it needs a new base.
    pub(crate) goes_on: bool,
    /// The master keys that the catalog's keys are wrapped by.
    pub(crate) masters: Vec<String>,
}

/// How far a standby is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Done {
    pub(crate) session: Uuid,
    /// Everything up to here.
    pub(crate) done: u64,
    /// And these.
    pub(crate) more: Vec<u64>,
    /// Whether it has a whole catalog and all bytes up to there.
    pub(crate) is_whole: bool,
}

/// Somebody has taken over.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Fence {
    pub(crate) history: Uuid,
    pub(crate) epoch: u64,
    pub(crate) by: String,
}

/// The last number that the fenced server has given out.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Fenced {
    pub(crate) lineage: Uuid,
    pub(crate) last: u64,
}

/// Whether a server's word counts.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Epoch {
    pub(crate) history: Uuid,
    pub(crate) epoch: u64,
    pub(crate) is_primary: bool,
}

/// Bytes that the primary stores.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct StoredBlob {
    pub(crate) key: StorageKey,
    pub(crate) size_bytes: u64,
}

/// Something that has happened at the primary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Item {
    /// Nothing; the number is the last that was given out.
    Beat,
    /// A commit. It may name bytes of items up to `after` that nobody has waited for.
    Batch { after: u64, batch: LogBatch },
    /// Bytes were stored; the small ones come along.
    Stored { key: StorageKey, size_bytes: u64, bytes: Option<Bytes> },
    /// Bytes were deleted.
    Deleted(Vec<StorageKey>),
}

impl Item {
    /// The form in which it is sent.
    pub(crate) fn to_bytes(&self, number: u64) -> Bytes {
        let (kind, content) = match self {
            Self::Beat => (0, Vec::new()),
            Self::Batch { after, batch } => {
                let head = [&batch.page_bytes.to_be_bytes()[..], &after.to_be_bytes()[..], &batch.frames[..]];
                (1, head.concat())
            }
            Self::Stored { key, size_bytes, bytes } => {
                let (has_bytes, key) = (u8::from(bytes.is_some()), key.to_string());
                let bytes = bytes.as_deref().unwrap_or_default();
                (2, [&[has_bytes][..], key.as_bytes(), &size_bytes.to_be_bytes()[..], bytes].concat())
            }
            Self::Deleted(keys) => (3, keys.iter().map(ToString::to_string).collect::<String>().into_bytes()),
        };
        let length = u32::try_from(content.len()).unwrap_or(u32::MAX);
        [&[kind][..], &length.to_be_bytes()[..], &number.to_be_bytes()[..], &content[..]].concat().into()
    }

    fn read(kind: u8, mut content: Bytes) -> Option<Self> {
        match kind {
            0 => Some(Self::Beat),
            1 => {
                let (page_bytes, after) = (content.try_get_u32().ok()?, content.try_get_u64().ok()?);
                Some(Self::Batch { after, batch: LogBatch { page_bytes, frames: content } })
            }
            2 => {
                let has_bytes = content.try_get_u8().ok()? == 1;
                let key = (content.len() >= KEY_BYTES).then(|| content.split_to(KEY_BYTES))?;
                let (key, size_bytes) = (key_of(&key)?, content.try_get_u64().ok()?);
                let is_whole = !has_bytes || content.len() as u64 == size_bytes;
                is_whole.then(|| Self::Stored { key, size_bytes, bytes: has_bytes.then_some(content) })
            }
            3 => content.chunks(KEY_BYTES).map(key_of).collect::<Option<_>>().map(Self::Deleted),
            _ => None,
        }
    }
}

fn key_of(bytes: &[u8]) -> Option<StorageKey> {
    std::str::from_utf8(bytes).ok()?.parse().ok()
}

/// Puts items together from pieces of any size.
#[derive(Debug, Default)]
pub(crate) struct Reader(BytesMut);

/// What was received is no item.
#[derive(Debug, thiserror::Error)]
#[error("what the primary sends is not what this version understands")]
pub(crate) struct NoItem;

impl Reader {
    pub(crate) fn add(&mut self, piece: &[u8]) {
        self.0.extend_from_slice(piece);
    }

    /// The next item with its number, if all of it is here.
    pub(crate) fn next(&mut self) -> Result<Option<(u64, Item)>, NoItem> {
        let Some(head) = self.0.first_chunk::<HEAD_BYTES>() else { return Ok(None) };
        let [kind, a, b, c, d, number @ ..] = *head;
        let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).map_err(|_| NoItem)?;
        if length > MOST_BYTES {
            return Err(NoItem);
        }
        if self.0.len() < HEAD_BYTES + length {
            return Ok(None);
        }
        self.0.advance(HEAD_BYTES);
        let content = self.0.split_to(length).freeze();
        let item = Item::read(kind, content).ok_or(NoItem)?;
        Ok(Some((u64::from_be_bytes(number), item)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items() -> Vec<Item> {
        let key: StorageKey = "0199a0b1-0000-7000-8000-000000000001".parse().expect("a key");
        vec![
            Item::Beat,
            Item::Batch { after: 9, batch: LogBatch { page_bytes: 4096, frames: Bytes::from(vec![5; 9000]) } },
            Item::Stored { key, size_bytes: 3, bytes: Some(Bytes::from_static(b"abc")) },
            Item::Stored { key, size_bytes: 1 << 40, bytes: None },
            Item::Stored { key, size_bytes: 0, bytes: Some(Bytes::new()) },
            Item::Deleted(vec![key, key]),
        ]
    }

    #[test]
    fn items_come_out_as_they_went_in_however_they_are_cut() {
        let sent: Vec<u8> = items().iter().zip(7..).flat_map(|(item, number)| item.to_bytes(number)).collect();
        for cut in [1, 7, 13, 4096, sent.len()] {
            let (mut reader, mut received) = (Reader::default(), Vec::new());
            for piece in sent.chunks(cut) {
                reader.add(piece);
                while let Some(item) = reader.next().expect("our own form") {
                    received.push(item);
                }
            }
            assert_eq!(received, (7..).zip(items()).collect::<Vec<_>>(), "{cut}");
        }
    }

    #[test]
    fn what_is_no_item_is_refused() {
        let whole = items()[2].to_bytes(1);
        for (at, value) in [(0, 9), (1, 0xff), (14, b'x'), (57, 1)] {
            let mut bytes = whole.to_vec();
            bytes[at] = value;
            let mut reader = Reader::default();
            reader.add(&bytes);
            assert!(!matches!(reader.next(), Ok(Some(_))), "{at}");
        }
    }
}
