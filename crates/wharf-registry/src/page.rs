//! Pages of a list: a key to go on from, never an offset or a total.

/// The most entries that one page holds, whatever a client asks for (CVE-2023-2253).
pub const MAX_PAGE_ENTRIES: usize = 10_000;
/// How many entries a page holds when the client names no number.
pub const DEFAULT_PAGE_ENTRIES: usize = 1_000;

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The entries, in the order of the list.
    pub entries: Vec<T>,
    /// Whether more follow the last entry.
    pub has_more: bool,
}

impl<T> Page<T> {
    /// Cuts a list that was read with one entry more than the page holds.
    pub(crate) fn cut(mut entries: Vec<T>, limit: usize) -> Self {
        let has_more = entries.len() > limit;
        entries.truncate(limit);
        Self { entries, has_more }
    }
}

/// The number of entries to answer with when a client asked for `wanted`.
pub(crate) fn limit(wanted: Option<usize>) -> usize {
    wanted.unwrap_or(DEFAULT_PAGE_ENTRIES).min(MAX_PAGE_ENTRIES)
}

/// `limit + 1` as a database number: one more than the page, to learn whether there is a next one.
pub(crate) fn limit_and_one(limit: usize) -> i64 {
    i64::try_from(limit.min(MAX_PAGE_ENTRIES)).unwrap_or(i64::MAX - 1) + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_capped_and_knows_whether_more_follow() {
        assert_eq!(limit(Some(usize::MAX)), MAX_PAGE_ENTRIES);
        assert_eq!(limit(None), DEFAULT_PAGE_ENTRIES);
        assert_eq!(Page::cut(vec![1, 2, 3], 2), Page { entries: vec![1, 2], has_more: true });
        assert_eq!(Page::cut(vec![1, 2], 2), Page { entries: vec![1, 2], has_more: false });
        assert_eq!(Page::cut(vec![1], 0), Page { entries: vec![], has_more: true });
    }
}
