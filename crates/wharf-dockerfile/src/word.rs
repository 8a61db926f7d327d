//! How the arguments of an instruction are cut into words: at white space, at white space outside of quotes, or as a
//! JSON array. Which of the three is the instruction's own rule. Quotes stay: they are removed when words are expanded.

use std::ops::Range;

use crate::directive::Escape;
use crate::span::{Span, Spanned};
use crate::text::Text;

/// What the language takes for white space between words. Line ends never get here: lines are joined before.
pub(crate) fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\u{b}' | '\u{c}' | '\r')
}

/// Words that end at white space, whatever quotes there are.
pub(crate) fn plain(text: &Text) -> Vec<Spanned<String>> {
    let value = text.as_str();
    let mut words = Vec::new();
    let mut at = 0;
    while at < value.len() {
        let rest = &value[at..];
        let length = rest.find(is_blank).unwrap_or(rest.len());
        if length > 0 {
            words.push(text.token(at..at + length));
        }
        at += length + rest[length..].chars().next().map_or(0, char::len_utf8);
    }
    words
}

/// Words that end at white space which is neither quoted nor escaped. An escape character at the very end is dropped.
pub(crate) fn quoted(text: &Text, escape: Escape) -> Vec<Range<usize>> {
    let value = text.as_str();
    let escape = escape.character();
    let mut words = Vec::new();
    let mut start = None;
    let mut quote = None;
    let mut characters = value.char_indices();
    while let Some((at, c)) = characters.next() {
        if quote.is_none() && c.is_whitespace() {
            words.extend(start.take().map(|start| start..at));
            continue;
        }
        let begin = *start.get_or_insert(at);
        match quote {
            None if c == '\'' || c == '"' => quote = Some(c),
            Some(open) if c == open => quote = None,
            _ => {}
        }
        if c == escape && quote != Some('\'') && characters.next().is_none() {
            words.extend((at > begin).then_some(begin..at));
            return words;
        }
    }
    words.extend(start.map(|start| start..value.len()));
    words
}

/// What a text is when it is read as a JSON array of strings.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Json {
    /// An array of strings.
    Strings(Vec<Spanned<String>>),
    /// An array of something else, which no instruction takes.
    OtherArray(Span),
    /// Not JSON at all: the text is a shell's, or words.
    Not,
}

/// Reads a trimmed text as a JSON array.
pub(crate) fn json(text: &Text) -> Json {
    let value = text.as_str();
    if !value.starts_with('[') {
        return Json::Not;
    }
    if let Some(strings) = json_strings(text) {
        return Json::Strings(strings);
    }
    match serde_json::from_str::<Vec<serde_json::Value>>(value) {
        Ok(_) => Json::OtherArray(text.whole()),
        Err(_) => Json::Not,
    }
}

fn json_strings(text: &Text) -> Option<Vec<Spanned<String>>> {
    let value = text.as_str();
    let mut strings = Vec::new();
    let mut at = after_blanks(value, 1);
    if value[at..].starts_with(']') {
        return value[at + 1..].is_empty().then_some(strings);
    }
    loop {
        let length = json_string(&value[at..])?;
        let range = at..at + length;
        let decoded = serde_json::from_str(&value[range.clone()]).ok()?;
        strings.push(Spanned::new(decoded, text.span(range.clone())));
        at = after_blanks(value, range.end);
        match value.as_bytes().get(at) {
            Some(b',') => at = after_blanks(value, at + 1),
            Some(b']') => return value[at + 1..].is_empty().then_some(strings),
            _ => return None,
        }
    }
}

fn after_blanks(value: &str, at: usize) -> usize {
    let rest = &value[at..];
    at + (rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len())
}

/// How long the JSON string at the start of `value` is, with its quotes.
fn json_string(value: &str) -> Option<usize> {
    let mut bytes = value.bytes().enumerate();
    bytes.next().filter(|(_, byte)| *byte == b'"')?;
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'"' => return Some(at + 1),
            b'\\' => {
                bytes.next()?;
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: &str) -> Text {
        let mut text = Text::default();
        text.push(value, 0);
        text
    }

    fn quoted_words(value: &str) -> Vec<String> {
        let text = text(value);
        quoted(&text, Escape::Backslash).into_iter().map(|range| text.token(range).value).collect()
    }

    #[test]
    fn quoted_words_keep_their_quotes() {
        let cases: &[(&str, &[&str])] = &[
            ("", &[]),
            ("  a  b ", &["a", "b"]),
            ("a=\"b c\" d", &["a=\"b c\"", "d"]),
            ("a='b c' d", &["a='b c'", "d"]),
            ("a=b\\ c d", &["a=b\\ c", "d"]),
            ("a='b\\' d", &["a='b\\'", "d"]),
            ("a=\"b\\\" c\" d", &["a=\"b\\\" c\"", "d"]),
            ("a=\"open b", &["a=\"open b"]),
            ("a b\\", &["a", "b"]),
            ("a \\", &["a"]),
            ("a=\\\" b", &["a=\\\"", "b"]),
            ("a=\"b\\", &["a=\"b"]),
            ("\"\" x", &["\"\"", "x"]),
        ];
        for (value, expected) in cases {
            assert_eq!(&quoted_words(value), expected, "{value}");
        }
    }

    #[test]
    fn plain_words_know_no_quotes() {
        let words: Vec<String> = plain(&text("\"a b\"\t\u{c}c")).into_iter().map(|word| word.value).collect();
        assert_eq!(words, ["\"a", "b\"", "c"]);
    }

    #[test]
    fn arrays_of_strings_have_places() {
        let Json::Strings(strings) = json(&text(r#"[ "a", "b\n\u00e4" ]"#)) else { panic!("an array") };
        assert_eq!(strings.iter().map(|s| s.value.as_str()).collect::<Vec<_>>(), ["a", "b\nä"]);
        assert_eq!(strings[0].span, Span::new(2, 5));
        assert_eq!(json(&text("[]")), Json::Strings(Vec::new()));
    }

    #[test]
    fn what_is_no_array_of_strings_is_told_apart() {
        for value in
            ["", "a", "['a']", "[\"a\" \"b\"]", "[\"a\",]", "[\"a\"] x", "[\"a", "[", "[ -f x ] && y", "[\"\\q\"]"]
        {
            assert_eq!(json(&text(value)), Json::Not, "{value}");
        }
        for value in ["[1]", "[\"a\", [\"b\"]]", "[null]", "[{}]"] {
            assert_eq!(json(&text(value)), Json::OtherArray(Span::new(0, value.len())), "{value}");
        }
    }
}
