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
