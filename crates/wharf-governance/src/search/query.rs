//! The language that images are searched in. Pure: a text becomes a [`Query`], or an error that says where it is wrong.
//!
//! Words divided by spaces, all of which must hold. `field:value` names a field; a word alone is looked for in the names of
//! repositories and tags. `-` in front means that it must not hold, quotes keep spaces together, `*` at the end stands for
//! anything, and times and sizes are compared: `pushed:>2026-01-01 size:<200MB`.

use std::ops::Range;

use super::term;

/// The longest query, in bytes.
pub const MAX_QUERY_BYTES: usize = 1024;
/// The most conditions of one query.
const MOST_CONDITIONS: usize = 20;

/// Where a query is wrong, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason} (at byte {} to {})", span.start, span.end)]
pub struct QueryError {
    /// Which bytes of the query.
    pub span: Range<usize>,
    /// What is wrong, and what is right.
    pub reason: String,
}

/// What an image must be, and must not be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    pub(crate) all: Vec<Condition>,
    pub(crate) none: Vec<Condition>,
    pub(crate) pushed: Bounds,
    pub(crate) size: Bounds,
}

/// A condition that the index answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Condition {
    /// The image has this term.
    Term(String),
    /// It has a term that begins so.
    Begins(String),
}

/// From, and up to but not including.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bounds {
    pub(crate) from: i64,
    pub(crate) until: i64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { from: 0, until: i64::MAX }
    }
}

impl Bounds {
    fn narrow(&mut self, other: Self) {
        self.from = self.from.max(other.from);
        self.until = self.until.min(other.until);
    }
}

/// Fields whose values are terms as they are: the name in a query, and the field of the index.
const FIELDS: [(&str, &str); 17] = [
    ("repository", "repository"),
    ("repo", "repository"),
    ("project", "project"),
    ("tag", "tag"),
    ("digest", "digest"),
    ("label", "label"),
    ("annotation", "annotation"),
    ("env", "env"),
    ("base", "base"),
    ("arch", "arch"),
    ("os", "os"),
    ("user", "user"),
    ("type", "type"),
    ("media", "media"),
    ("commit", "commit"),
    ("source", "source"),
    ("is", "is"),
];

/// One word of a query, without its quotes.
#[derive(Debug)]
struct Word {
    span: Range<usize>,
    is_negated: bool,
    field: Option<String>,
    value: String,
    is_quoted: bool,
}

impl Query {
    /// Reads a query.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        if text.len() > MAX_QUERY_BYTES {
            return Err(wrong(0..text.len(), format!("a query has at most {MAX_QUERY_BYTES} bytes")));
        }
        if let Some(at) = text.find('\0') {
            return Err(wrong(at..at + 1, "a query holds no NUL".to_owned()));
        }
        let mut query = Self::default();
        for word in words(text)? {
            query.add(&word)?;
        }
        let count = query.all.len() + query.none.len();
        if count > MOST_CONDITIONS {
            return Err(wrong(0..text.len(), format!("a query has at most {MOST_CONDITIONS} conditions")));
        }
        Ok(query)
    }

    fn add(&mut self, word: &Word) -> Result<(), QueryError> {
        match word.field.as_deref() {
            Some("pushed") => self.pushed.narrow(positive(word, bounds(word, day)?)?),
            Some("size") => self.size.narrow(positive(word, bounds(word, size)?)?),
            Some(name) => {
                let field = FIELDS.iter().find(|(known, _)| *known == name);
                let (_, field) = field.ok_or_else(|| unknown(word, name))?;
                self.condition(word.is_negated, condition(word, field)?);
            }
            None => {
                let words: Vec<String> = term::words(&word.value).collect();
                if words.is_empty() {
                    return Err(wrong(word.span.clone(), "there is nothing to look for in it".to_owned()));
                }
                for text in words {
                    self.condition(word.is_negated, Condition::Begins(term::of("word", &text)));
                }
            }
        }
        Ok(())
    }

    fn condition(&mut self, is_negated: bool, condition: Condition) {
        if is_negated { self.none.push(condition) } else { self.all.push(condition) }
    }
}

fn condition(word: &Word, field: &str) -> Result<Condition, QueryError> {
    let value = word.value.as_str();
    if value.is_empty() {
        return Err(wrong(word.span.clone(), format!("`{field}:` needs a value")));
    }
    match value.strip_suffix('*').filter(|_| !word.is_quoted) {
        Some(begin) => Ok(Condition::Begins(term::begin(field, begin))),
        // Nobody writes a whole commit or digest by hand.
        None if field == "commit" => Ok(Condition::Begins(term::begin(field, &value.to_ascii_lowercase()))),
        None if field == "source" => {
            let source = wharf_trust::git::normal_source(value);
            let source = source.ok_or_else(|| wrong(word.span.clone(), "it is no repository's address".to_owned()))?;
            Ok(Condition::Term(term::of(field, &source)))
        }
        None => Ok(Condition::Term(term::of(field, value))),
    }
}

fn unknown(word: &Word, name: &str) -> QueryError {
    let known: Vec<&str> = FIELDS.iter().map(|(known, _)| *known).chain(["pushed", "size"]).collect();
    wrong(word.span.clone(), format!("`{name}` is no field; there are {}", known.join(", ")))
}

fn positive(word: &Word, bounds: Bounds) -> Result<Bounds, QueryError> {
    if word.is_negated {
        return Err(wrong(word.span.clone(), "turn the comparison round instead of denying it".to_owned()));
    }
    Ok(bounds)
}

/// What a comparison leaves. `read` gives what the value covers: a day, or one number.
fn bounds(word: &Word, read: fn(&str) -> Option<Range<i64>>) -> Result<Bounds, QueryError> {
    let value = word.value.as_str();
    let operator = [">=", "<=", ">", "<"].into_iter().find(|operator| value.starts_with(operator)).unwrap_or_default();
    let read = read(&value[operator.len()..]).ok_or_else(|| {
        let right = "a time is `2026-01-31` or `2026-01-31T12:00:00Z`, a size `200MB` or `1GiB`";
        wrong(word.span.clone(), format!("`{value}` cannot be compared: {right}"))
    })?;
    let all = Bounds::default();
    Ok(match operator {
        ">" => Bounds { from: read.end, ..all },
        ">=" => Bounds { from: read.start, ..all },
        "<" => Bounds { until: read.start, ..all },
        "<=" => Bounds { until: read.end, ..all },
        _ => Bounds { from: read.start, until: read.end },
    })
}

/// The microseconds of a day in UTC, or of one moment.
fn day(text: &str) -> Option<Range<i64>> {
    const DAY: i64 = 86_400_000_000;
    if let Ok(moment) = text.parse::<jiff::Timestamp>() {
        let at = moment.as_microsecond();
        return Some(at..at.checked_add(1)?);
    }
    let date: jiff::civil::Date = text.parse().ok()?;
    let begin = date.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_microsecond();
    Some(begin..begin.checked_add(DAY)?)
}

/// A number of bytes.
fn size(text: &str) -> Option<Range<i64>> {
    const UNITS: [(&str, i64); 9] = [
        ("TiB", 1 << 40),
        ("GiB", 1 << 30),
        ("MiB", 1 << 20),
        ("KiB", 1 << 10),
        ("TB", 1_000_000_000_000),
        ("GB", 1_000_000_000),
        ("MB", 1_000_000),
        ("kB", 1_000),
        ("B", 1),
    ];
    let found = UNITS.iter().find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, *factor)));
    let (number, factor) = found.unwrap_or((text, 1));
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let bytes = number.parse::<i64>().ok().filter(|_| is_number)?.checked_mul(factor)?;
    Some(bytes..bytes.checked_add(1)?)
}

/// Cuts a query into its words.
fn words(text: &str) -> Result<Vec<Word>, QueryError> {
    let mut words = Vec::new();
    let mut rest = text.char_indices().peekable();
    loop {
        while rest.next_if(|(_, c)| c.is_whitespace()).is_some() {}
        let Some((start, _)) = rest.peek().copied() else { return Ok(words) };
        words.push(word(text, start, &mut rest)?);
    }
}

type Letters<'t> = std::iter::Peekable<std::str::CharIndices<'t>>;

fn word(text: &str, start: usize, rest: &mut Letters<'_>) -> Result<Word, QueryError> {
    let is_negated = rest.next_if(|(_, c)| *c == '-').is_some();
    let mut word = Word { span: start..start, is_negated, field: None, value: String::new(), is_quoted: false };
    while let Some((at, c)) = rest.next_if(|(_, c)| !c.is_whitespace()) {
        word.span.end = at + c.len_utf8();
        match c {
            '"' => {
                word.is_quoted = true;
                let end = quoted(rest, &mut word.value);
                word.span.end = end.ok_or_else(|| wrong(at..text.len(), "the quote is not closed".to_owned()))?;
            }
            ':' if word.field.is_none() && !word.is_quoted && is_field(&word.value) => {
                word.field = Some(std::mem::take(&mut word.value));
            }
            _ => word.value.push(c),
        }
    }
    if word.field.is_none() && word.value.is_empty() {
        return Err(wrong(start..word.span.end.max(start + 1), "there is nothing to look for in it".to_owned()));
    }
    Ok(word)
}

fn is_field(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase())
}

/// Reads to the closing quote; where that ends. A backslash keeps the character behind it.
fn quoted(rest: &mut Letters<'_>, value: &mut String) -> Option<usize> {
    loop {
        match rest.next()? {
            (at, '"') => return Some(at + 1),
            (_, '\\') => value.push(rest.next()?.1),
            (_, c) => value.push(c),
        }
    }
}

fn wrong(span: Range<usize>, reason: String) -> QueryError {
    QueryError { span, reason }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Query {
        Query::parse(text).expect(text)
    }

    fn term(text: &str) -> Condition {
        Condition::Term(text.to_owned())
    }

    fn begins(text: &str) -> Condition {
        Condition::Begins(text.to_owned())
    }

    #[test]
    fn fields_are_terms_and_words_are_looked_for_in_names() {
        let query = parse(r#"label:team=pay env:p -base:prod-osbase  "Web Shop" tag:1.* commit:61AB label:note="a b""#);
        let all = [
            term("label:team=pay"),
            term("env:p"),
            begins("word:web"),
            begins("word:shop"),
            begins("tag:1."),
            begins("commit:61ab"),
            term("label:note=a b"),
        ];
        assert_eq!(query.all, all);
        assert_eq!(query.none, [term("base:prod-osbase")]);
        assert_eq!(parse("").all, []);
        assert_eq!(parse("source:git@git.example.com:pay/app.git").all, [term("source:git.example.com/pay/app")]);
    }

    #[test]
    fn times_and_sizes_are_compared() {
        let day = 86_400_000_000;
        let begin = 1_767_225_600_000_000;
        let pushed = |text: &str| (parse(text).pushed.from, parse(text).pushed.until);
        assert_eq!(pushed("pushed:2026-01-01"), (begin, begin + day));
        assert_eq!(pushed("pushed:>2026-01-01"), (begin + day, i64::MAX));
        assert_eq!(pushed("pushed:>=2026-01-01 pushed:<2026-01-03"), (begin, begin + 2 * day));
        assert_eq!(pushed("pushed:<=2026-01-01T00:00:00Z"), (0, begin + 1));
        let size = parse("size:>1KiB size:<=2kB").size;
        assert_eq!((size.from, size.until), (1025, 2001));
    }

    #[test]
    fn an_error_says_where_it_is() {
        let table = [
            ("a colour:red", 2..12),
            ("pushed:>soon", 0..12),
            ("x size:", 2..7),
            ("-pushed:>2026-01-01", 0..19),
            (r#"label:"a b"#, 6..10),
            ("tag:", 0..4),
            ("a - b", 2..3),
            ("...", 0..3),
            ("size:99999999999999TB", 0..21),
        ];
        for (text, span) in table {
            assert_eq!(Query::parse(text).expect_err(text).span, span, "{text}");
        }
        assert!(Query::parse(&"a ".repeat(21)).is_err() && Query::parse(&"a".repeat(1025)).is_err());
    }

    proptest! {
        #[test]
        fn an_error_lies_within_the_query(text in ".{0,80}") {
            if let Err(error) = Query::parse(&text) {
                prop_assert!(error.span.start <= error.span.end && error.span.end <= text.len());
                prop_assert!(text.get(error.span).is_some(), "on the borders of characters");
            }
        }

        #[test]
        fn a_quoted_value_is_taken_as_it_is(value in "[^\0]{1,40}") {
            let quoted = value.replace('\\', "\\\\").replace('"', "\\\"");
            let query = Query::parse(&format!("label:\"{quoted}\"")).expect("reads");
            prop_assert_eq!(query.all, vec![Condition::Term(term::of("label", &value))]);
        }
    }
}
