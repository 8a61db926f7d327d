//! Strict JSON: one meaning for every reader, or none.
//!
//! JSON leaves open what two members of one name mean, and parsers differ: what a registry checks and what a client
//! runs would then be two documents. So duplicate names are refused at every depth (also where one is spelt with
//! escapes), and so are invalid UTF-8, trailing data, deep nesting and absurd numbers of values. It takes time and
//! memory in proportion to the bytes. What a document must contain is not known here.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

pub(crate) mod members;

pub use members::MemberError;

/// How deep arrays and objects may be nested. Manifests need five levels.
pub const MAX_DEPTH: usize = 64;
/// How many values a document may have, each member and element counted: far beyond any manifest, and small enough
/// that a document of `[0,0,0,…` does not take many times its size in memory.
pub const MAX_VALUES: usize = 250_000;

/// Why bytes are not strict JSON.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JsonError {
    /// Not UTF-8.
    #[error("the document is not UTF-8: byte {at} begins no character")]
    NotUtf8 {
        /// Offset of the first bad byte.
        at: usize,
    },
    /// Not JSON, or something follows it.
    #[error("the document is not JSON: {message}")]
    Syntax {
        /// What was wrong, with line and column.
        message: String,
    },
    /// An object has two members of one name.
    #[error("the document has two members named `{name}` in one object; which one counts would depend on the reader")]
    DuplicateKey {
        /// The name, shortened.
        name: String,
    },
    /// Nested deeper than [`MAX_DEPTH`].
    #[error("the document is nested more than {MAX_DEPTH} levels deep")]
    TooDeep,
    /// More values than [`MAX_VALUES`].
    #[error("the document has more than {MAX_VALUES} values")]
    TooManyValues,
}

/// Checks and parses a document.
pub fn parse_strict(bytes: &[u8]) -> Result<serde_json::Value, JsonError> {
    serde_json::from_str(check(bytes)?).map_err(syntax)
}

/// Checks a document without building it, and hands it back as text. What reads that text afterwards may be naive.
pub fn check(bytes: &[u8]) -> Result<&str, JsonError> {
    let text = std::str::from_utf8(bytes).map_err(|error| JsonError::NotUtf8 { at: error.valid_up_to() })?;
    let mut state = State { values: 0, refusal: None };
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let outcome =
        Check { state: &mut state, depth: 0 }.deserialize(&mut deserializer).and_then(|()| deserializer.end());
    outcome.map_err(|error| state.refusal.take().unwrap_or_else(|| syntax(error)))?;
    Ok(text)
}

#[expect(clippy::needless_pass_by_value, reason = "it stands in map_err")]
fn syntax(error: serde_json::Error) -> JsonError {
    JsonError::Syntax { message: error.to_string() }
}

/// The first characters of a text that a stranger chose, for an error's sentence.
pub(crate) fn shorten(text: &str) -> String {
    const MAX_CHARS: usize = 64;
    let mut short: String = text.chars().take(MAX_CHARS).flat_map(char::escape_debug).collect();
    if text.chars().nth(MAX_CHARS).is_some() {
        short.push('…');
    }
    short
}

/// What one check has seen so far.
struct State {
    values: usize,
    // serde's errors are text only; the typed one waits here.
    refusal: Option<JsonError>,
}

/// Visits one value at a depth.
struct Check<'s> {
    state: &'s mut State,
    depth: usize,
}

impl Check<'_> {
    fn enter(&mut self) -> Result<usize, JsonError> {
        if self.depth == MAX_DEPTH { Err(JsonError::TooDeep) } else { Ok(self.depth + 1) }
    }

    fn refuse<E: serde::de::Error>(&mut self, refusal: JsonError) -> E {
        let error = E::custom(&refusal);
        self.state.refusal = Some(refusal);
        error
    }
}

impl<'de> DeserializeSeed<'de> for Check<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(mut self, deserializer: D) -> Result<(), D::Error> {
        self.state.values += 1;
        if self.state.values > MAX_VALUES {
            return Err(self.refuse(JsonError::TooManyValues));
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Check<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut elements: A) -> Result<(), A::Error> {
        let depth = self.enter().map_err(|refusal| self.refuse::<A::Error>(refusal))?;
        while elements.next_element_seed(Check { state: self.state, depth })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<(), A::Error> {
        let depth = self.enter().map_err(|refusal| self.refuse::<A::Error>(refusal))?;
        let mut names = HashSet::new();
        while let Some(name) = members.next_key_seed(Name)? {
            if names.contains(&name) {
                return Err(self.refuse(JsonError::DuplicateKey { name: shorten(&name) }));
            }
            names.insert(name);
            members.next_value_seed(Check { state: self.state, depth })?;
        }
        Ok(())
    }
}

/// Reads a member's name with its escapes resolved, borrowed where there are none.
pub(crate) struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member's name")
    }

    fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(name))
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn nested(open: &str, close: &str, levels: usize) -> String {
        format!("{}{}", open.repeat(levels), close.repeat(levels))
    }

    #[test]
    fn strict_documents_are_read() {
        for text in [
            "{}",
            " [1, -2.5e3, true, false, null, \"\\u00e4\\ud83d\\ude00\"]\n",
            r#"{"a":{"a":1},"A":{"a":2},"b":[{"a":1},{"a":1}]}"#,
            "\"text\"",
            "0",
        ] {
            let value: Value = serde_json::from_str(text).expect("JSON");
            assert_eq!(parse_strict(text.as_bytes()), Ok(value), "{text}");
        }
    }

    #[test]
    fn two_members_of_one_name_are_refused_at_any_depth_and_spelling() {
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"b":2,"a":3}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"x":[0,{"y":{"a":1,"a":2}}]}"#,
            r#"[[{"a":1,"\u0061":2}]]"#,
        ] {
            assert_eq!(check(text.as_bytes()), Err(JsonError::DuplicateKey { name: "a".to_owned() }), "{text}");
        }
        for text in
            [r#"{"":1,"":2}"#, r#"{"\ud83d\ude00":1,"😀":2}"#, r#"{"a\/b":1,"a/b":2}"#, r#"{"\n":1,"\u000a":2}"#]
        {
            assert!(matches!(check(text.as_bytes()), Err(JsonError::DuplicateKey { .. })), "{text}");
        }
    }

    #[test]
    fn a_long_name_is_shortened_in_the_sentence() {
        let name = "é".repeat(1000);
        let error = check(format!(r#"{{"{name}":1,"{name}":2}}"#).as_bytes()).expect_err("duplicate");
        assert!(error.to_string().len() < 300, "{error}");
        assert_eq!(shorten("a\n\u{1b}b"), "a\\n\\u{1b}b");
    }

    #[test]
    fn what_is_not_json_is_refused() {
        for text in [
            "",
            " ",
            "{",
            "[1,]",
            "{\"a\":1,}",
            "{a:1}",
            "{'a':1}",
            "{} {}",
            "{}x",
            "{}\0",
            "01",
            "1.",
            "NaN",
            "+1",
            "1e999",
            "\u{feff}{}",
            "\"a\nb\"",
            r#""\ud83d""#,
            r#""\x""#,
            "// c\n{}",
            "{\"a\" 1}",
            "nul",
        ] {
            assert!(matches!(check(text.as_bytes()), Err(JsonError::Syntax { .. })), "{text}");
        }
    }

    #[test]
    fn what_is_not_utf_8_is_refused() {
        for (bytes, at) in
            [(&b"{\"a\":\"\xff\"}"[..], 6), (b"\xff\xfe{\0}\0", 0), (b"\"\xed\xa0\x80\"", 1), (b"\"\xc0\x80\"", 1)]
        {
            assert_eq!(check(bytes), Err(JsonError::NotUtf8 { at }));
        }
    }

    #[test]
    fn depth_is_bounded() {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let inner = |levels| nested(open, close, levels).replacen(":}", ":0}", 1);
            assert!(check(inner(MAX_DEPTH).as_bytes()).is_ok());
            assert_eq!(check(inner(MAX_DEPTH + 1).as_bytes()), Err(JsonError::TooDeep));
        }
        assert_eq!(check("[".repeat(4 << 20).as_bytes()), Err(JsonError::TooDeep));
    }

    #[test]
    fn the_number_of_values_is_bounded() {
        let list = |values: usize| format!("[{}0]", "0,".repeat(values - 2));
        assert!(check(list(MAX_VALUES).as_bytes()).is_ok());
        assert_eq!(check(list(MAX_VALUES + 1).as_bytes()), Err(JsonError::TooManyValues));
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "[a-c\\\\\"\u{e4}\u{1f600}]{0,4}".prop_map(Value::from),
        ];
        leaf.prop_recursive(5, 64, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map("[a-z\u{e4}\u{1f600}]{0,3}", inner, 0..6)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    /// Every UTF-16 unit of a name as an escape.
    fn escaped(name: &str) -> String {
        name.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect()
    }

    proptest! {
        #[test]
        fn a_document_without_duplicates_is_read_as_it_is(value in json()) {
            let text = value.to_string();
            prop_assert_eq!(parse_strict(text.as_bytes()), Ok(value));
        }

        #[test]
        fn a_duplicate_is_found_wherever_it_stands(
            members in prop::collection::btree_map("[a-z\u{e4}\u{1f600}]{1,3}", json(), 1..6),
            twice in any::<prop::sample::Index>(),
            is_escaped in any::<bool>(),
            around in 0..20usize,
        ) {
            let names: Vec<&String> = members.keys().collect();
            let name = names[twice.index(names.len())];
            let spelt = if is_escaped { escaped(name) } else { name.clone() };
            let object = Value::Object(members.clone().into_iter().collect()).to_string();
            let doubled = format!("{},\"{spelt}\":0}}", &object[..object.len() - 1]);
            let text = format!("{}{doubled}{}", "[1,{\"x\":".repeat(around), "}]".repeat(around));
            let expected = Err(JsonError::DuplicateKey { name: shorten(name) });
            prop_assert_eq!(check(text.as_bytes()).map(|_| ()), expected, "{}", text);
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..256)) {
            drop(parse_strict(&bytes));
        }

        #[test]
        fn no_text_of_json_characters_panics_or_is_read_more_loosely_than_by_others(
            text in r#"[\[\]{}:,"\\u0a1e. -]{0,48}"#
        ) {
            if let Ok(value) = parse_strict(text.as_bytes()) {
                prop_assert_eq!(serde_json::from_str::<Value>(&text).ok(), Some(value));
            }
        }
    }
}
