//! SQL text: one for both databases where it can be, two side by side where it cannot.

/// The text of one statement. Parameters are `?1 ?2 …`; for PostgreSQL they are rewritten to `$1 $2 …`.
///
/// The text is static: it is the key under which the prepared statement is cached, and nothing that a client sent can
/// get into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Statement {
    sqlite: &'static str,
    postgres: &'static str,
}

impl Statement {
    /// Two texts for one thing that the dialects say differently.
    pub const fn dialects(sqlite: &'static str, postgres: &'static str) -> Self {
        Self { sqlite, postgres }
    }

    /// The text for SQLite.
    pub const fn sqlite(self) -> &'static str {
        self.sqlite
    }

    /// The text for PostgreSQL, before its placeholders are rewritten.
    pub const fn postgres(self) -> &'static str {
        self.postgres
    }
}

impl From<&'static str> for Statement {
    fn from(sql: &'static str) -> Self {
        Self { sqlite: sql, postgres: sql }
    }
}

/// Rewrites `?1` to `$1`, outside of strings, quoted names and comments.
pub(crate) fn with_dollars(sql: &str) -> String {
    let mut rewritten = String::with_capacity(sql.len());
    let mut rest = sql;
    while let Some(at) = rest.find(['?', '\'', '"', '-']) {
        let (before, from) = rest.split_at(at);
        rewritten.push_str(before);
        let end = token_end(from);
        match from.strip_prefix('?') {
            Some(number) if number.starts_with(|c: char| c.is_ascii_digit()) => rewritten.push('$'),
            Some(_) | None => rewritten.push_str(&from[..end]),
        }
        rest = &from[end..];
    }
    rewritten.push_str(rest);
    rewritten
}

/// How many bytes at the start of `from` belong together. A doubled quote ends one string and begins the next.
fn token_end(from: &str) -> usize {
    let inside = |quote: char| from[1..].find(quote).map_or(from.len(), |end| end + 2);
    match from.as_bytes() {
        [b'\'', ..] => inside('\''),
        [b'"', ..] => inside('"'),
        [b'-', b'-', ..] => from.find('\n').unwrap_or(from.len()),
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::with_dollars;

    #[test]
    fn placeholders_are_rewritten_outside_of_quotes_and_comments() {
        let table = [
            ("SELECT 1", "SELECT 1"),
            ("SELECT ?1, ?12 WHERE a = ?1", "SELECT $1, $12 WHERE a = $1"),
            ("SELECT '?1', ?2", "SELECT '?1', $2"),
            ("SELECT 'it''s ?1', ?2", "SELECT 'it''s ?1', $2"),
            ("SELECT \"?1\", ?2", "SELECT \"?1\", $2"),
            ("SELECT ?1 -- ?2 '\n, ?3", "SELECT $1 -- ?2 '\n, $3"),
            ("SELECT a - ?1, j ? 'x', 'ü', ?2", "SELECT a - $1, j ? 'x', 'ü', $2"),
            ("SELECT '?1", "SELECT '?1"),
        ];
        for (sql, wanted) in table {
            assert_eq!(with_dollars(sql), wanted);
        }
    }
}
