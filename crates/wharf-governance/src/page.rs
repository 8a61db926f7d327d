//! Pages of a list: a key to go on from, never an offset or a total.

/// The most entries that one page holds, whatever a client asks for.
const MAX_ENTRIES: usize = 1_000;
/// How many entries a page holds when the client names no number.
const DEFAULT_ENTRIES: usize = 100;

/// Which part of a list is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageRequest {
    /// [`Page::next`] of the page before; `None` for the first.
    pub after: Option<String>,
    /// How many entries at most.
    pub limit: Option<usize>,
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The entries, in the order of the list.
    pub entries: Vec<T>,
    /// What to ask for next; `None` when the list ends here.
    pub next: Option<String>,
}

impl PageRequest {
    /// The text that the page begins after.
    pub(crate) fn after(&self) -> &str {
        self.after.as_deref().unwrap_or_default()
    }

    /// The number that a page of the newest first begins before.
    pub fn before(&self) -> Result<i64, crate::Error> {
        let Some(after) = &self.after else { return Ok(i64::MAX) };
        let is_number = after.bytes().all(|byte| byte.is_ascii_digit());
        after.parse().ok().filter(|_| is_number).ok_or(crate::Error::BadPage)
    }

    fn limit(&self) -> usize {
        self.limit.unwrap_or(DEFAULT_ENTRIES).clamp(1, MAX_ENTRIES)
    }

    /// One more than the page holds, to learn whether there is a next one.
    pub fn rows(&self) -> i64 {
        i64::try_from(self.limit()).unwrap_or(i64::MAX - 1) + 1
    }

    /// Cuts a list that was read with [`PageRequest::rows`].
    pub fn cut<T>(&self, mut entries: Vec<T>, key: impl FnOnce(&T) -> String) -> Page<T> {
        let has_more = entries.len() > self.limit();
        entries.truncate(self.limit());
        let next = entries.last().filter(|_| has_more).map(key);
        Page { entries, next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_capped_and_knows_what_follows() {
        let of = |limit| PageRequest { after: None, limit };
        assert_eq!((of(Some(usize::MAX)).rows(), of(Some(0)).rows(), of(None).rows()), (1_001, 2, 101));
        assert_eq!(of(Some(2)).cut(vec![1, 2, 3], i32::to_string).next, Some("2".to_owned()));
        assert_eq!(of(Some(3)).cut(vec![1, 2, 3], i32::to_string).next, None);
        let before = |after: &str| PageRequest { after: Some(after.to_owned()), limit: None }.before().ok();
        assert_eq!((before("7"), before("-7"), before("x")), (Some(7), None, None));
    }
}
