//! Pages of a list: a key to go on from, never an offset or a total.

/// The most entries that one page holds, whatever a client asks for.
pub const MAX_PAGE_ENTRIES: usize = 1_000;
/// How many entries a page holds when the client names no number.
pub const DEFAULT_PAGE_ENTRIES: usize = 100;

/// Which part of a list is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageRequest {
    /// [`Page::next`] of the page before; `None` for the first.
    pub after: Option<String>,
    /// How many entries at most; capped at [`MAX_PAGE_ENTRIES`].
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
    /// Where the page begins: empty for the first.
    pub fn after(&self) -> &str {
        self.after.as_deref().unwrap_or_default()
    }

    /// How many entries the page holds at most.
    pub fn limit(&self) -> usize {
        self.limit.unwrap_or(DEFAULT_PAGE_ENTRIES).clamp(1, MAX_PAGE_ENTRIES)
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
        assert_eq!(of(Some(usize::MAX)).rows(), 1_001);
        assert_eq!((of(Some(0)).rows(), of(None).rows()), (2, 101));
        assert_eq!(
            of(Some(2)).cut(vec![1, 2, 3], i32::to_string),
            Page { entries: vec![1, 2], next: Some("2".into()) }
        );
        assert_eq!(of(Some(3)).cut(vec![1, 2, 3], i32::to_string).next, None);
    }
}
