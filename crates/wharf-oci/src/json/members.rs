//! An object's members, picked by name out of text that [`super::check`] has passed.
//!
//! Values stay text until somebody asks for them, so that a sentence about a wrong value can name it, and what nobody
//! asks for costs nothing.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{Name, shorten};

/// Why an object's members are not what was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MemberError {
    /// There is no object.
    #[error("it is not a JSON object")]
    NotAnObject,
    /// A required member is missing or `null`.
    #[error("`{0}` is missing")]
    Missing(&'static str),
    /// A member's value is of another type.
    #[error("`{name}` is not {expected}")]
    WrongType {
        /// The member.
        name: &'static str,
        /// What it should be, with its article.
        expected: &'static str,
    },
    /// A member differs from a known one in case only.
    #[error("member `{found}` must be spelt `{known}`; some readers do not tell them apart")]
    Misspelt {
        /// What stands there.
        found: String,
        /// What it would be taken for.
        known: &'static str,
    },
}

/// The known members of one object. The others are skipped, unless one is a known name in another case.
#[derive(Debug)]
pub(crate) struct Members<'a> {
    found: Vec<(&'static str, &'a RawValue)>,
}

impl<'a> Members<'a> {
    /// Picks the members named in `known` out of the object that `text` is.
    pub(crate) fn read(text: &'a str, known: &'static [&'static str]) -> Result<Self, MemberError> {
        let mut misspelt = None;
        let pick = Pick { known, misspelt: &mut misspelt };
        let picked = pick.deserialize(&mut serde_json::Deserializer::from_str(text));
        if let Some(error) = misspelt {
            return Err(error);
        }
        Ok(Self { found: picked.map_err(|_| MemberError::NotAnObject)? })
    }

    /// Whether there is such a member, even if it is `null`.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.found.iter().any(|(found, _)| *found == name)
    }

    /// The member's text, if it is there and not `null`: Go's encoders write `null` for lists and maps without value.
    pub(crate) fn get(&self, name: &str) -> Option<&'a str> {
        let (_, value) = self.found.iter().find(|(found, _)| *found == name)?;
        Some(value.get()).filter(|text| *text != "null")
    }

    /// The member's text, which must be there.
    pub(crate) fn required(&self, name: &'static str) -> Result<&'a str, MemberError> {
        self.get(name).ok_or(MemberError::Missing(name))
    }

    /// The member's value, read as `T`; `expected` says in words what that is.
    pub(crate) fn value<T>(&self, name: &'static str, expected: &'static str) -> Result<Option<T>, MemberError>
    where
        T: serde::Deserialize<'a>,
    {
        let read = |text| serde_json::from_str(text).map_err(|_| MemberError::WrongType { name, expected });
        self.get(name).map(read).transpose()
    }

    /// The member as text.
    pub(crate) fn string(&self, name: &'static str) -> Result<Option<String>, MemberError> {
        self.value(name, "a string")
    }

    /// The member as a list of texts; none is an empty list.
    pub(crate) fn strings(&self, name: &'static str) -> Result<Vec<String>, MemberError> {
        Ok(self.value(name, "a list of strings")?.unwrap_or_default())
    }

    /// The member as a map of texts; none is an empty map.
    pub(crate) fn string_map(&self, name: &'static str) -> Result<BTreeMap<String, String>, MemberError> {
        Ok(self.value(name, "an object whose values are strings")?.unwrap_or_default())
    }

    /// The member's elements, each as text; `None` where there is no such member at all.
    pub(crate) fn elements(&self, name: &'static str) -> Result<Option<Vec<&'a RawValue>>, MemberError> {
        if !self.has(name) {
            return Ok(None);
        }
        Ok(Some(self.value(name, "a list")?.unwrap_or_default()))
    }
}

/// Visits an object for [`Members::read`].
struct Pick<'m> {
    known: &'static [&'static str],
    misspelt: &'m mut Option<MemberError>,
}

impl<'de> DeserializeSeed<'de> for Pick<'_> {
    type Value = Vec<(&'static str, &'de RawValue)>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Pick<'_> {
    type Value = Vec<(&'static str, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut found = Vec::with_capacity(self.known.len());
        while let Some(name) = members.next_key_seed(Name)? {
            let Some(known) = self.known.iter().find(|known| folds_to(&name, known)) else {
                members.next_value::<IgnoredAny>()?;
                continue;
            };
            if name != *known {
                *self.misspelt = Some(MemberError::Misspelt { found: shorten(&name), known });
                return Err(A::Error::custom("misspelt"));
            }
            found.push((*known, members.next_value()?));
        }
        Ok(found)
    }
}

/// Whether readers that ignore case take `name` for `known`, which is ASCII. Go's `encoding/json` does, and so most
/// clients do; it folds two letters outside of ASCII too, the long s and the Kelvin sign.
fn folds_to(name: &str, known: &str) -> bool {
    let fold = |char: char| match char {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        other => other.to_ascii_lowercase(),
    };
    name.chars().map(fold).eq(known.chars().map(fold))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[&str] = &["disk", "layers", "os.version"];

    #[test]
    fn known_members_are_picked_and_others_skipped() {
        let text = r#"{"x":[{"layers":1}],"l\u0061yers":[1, {"a":2}],"disk":null,"annotations":{"b":"\u0063"}}"#;
        let members = Members::read(text, KNOWN).expect("an object");
        let elements = members.elements("layers").expect("a list").expect("there");
        assert_eq!(elements.iter().map(|raw| raw.get()).collect::<Vec<_>>(), ["1", r#"{"a":2}"#]);
        assert!(members.has("disk") && members.get("disk").is_none(), "`null` is there, and no value");
        assert_eq!(members.required("disk"), Err(MemberError::Missing("disk")));
        assert!(!members.has("os.version") && !members.has("annotations"));
    }

    #[test]
    fn values_are_read_by_type() {
        let text = r#"{"disk":"a\u0062","layers":["x","y"],"os.version":{"k":"v"}}"#;
        let members = Members::read(text, KNOWN).expect("an object");
        assert_eq!(members.string("disk"), Ok(Some("ab".to_owned())));
        assert_eq!(members.strings("layers"), Ok(vec!["x".to_owned(), "y".to_owned()]));
        assert_eq!(members.string_map("os.version").map(|map| map["k"].clone()), Ok("v".to_owned()));
        assert_eq!(members.string("none"), Ok(None));
        assert_eq!(members.elements("none").map(|elements| elements.is_none()), Ok(true));
        let wrong = MemberError::WrongType { name: "disk", expected: "a list of strings" };
        assert_eq!(members.strings("disk"), Err(wrong));
        assert!(members.string_map("layers").is_err() && members.elements("disk").is_err());
    }

    #[test]
    fn null_is_an_empty_list_or_map() {
        let members = Members::read(r#"{"layers":null}"#, KNOWN).expect("an object");
        assert_eq!(members.elements("layers").map(|elements| elements.map(|list| list.len())), Ok(Some(0)));
        assert_eq!(members.strings("layers"), Ok(Vec::new()));
        assert_eq!(members.string_map("layers"), Ok(BTreeMap::new()));
        let inside = Members::read(r#"{"layers":["x",null],"disk":{"k":null}}"#, KNOWN).expect("an object");
        assert!(inside.strings("layers").is_err() && inside.string_map("disk").is_err());
    }

    #[test]
    fn a_known_name_in_another_case_is_refused() {
        for (name, known) in [
            ("Layers", "layers"),
            ("LAYERS", "layers"),
            ("layer\u{17f}", "layers"),
            ("di\u{17f}k", "disk"),
            ("dis\u{212a}", "disk"),
            ("OS.version", "os.version"),
        ] {
            let text = serde_json::json!({ "before": 1, name: [] }).to_string();
            let expected = MemberError::Misspelt { found: name.to_owned(), known };
            assert_eq!(Members::read(&text, KNOWN).expect_err(name), expected);
        }
        for name in ["layer", "layers ", "os_version", "l\u{e4}yers", "\u{17f}", ""] {
            let text = serde_json::json!({ name: 1 }).to_string();
            assert!(Members::read(&text, KNOWN).is_ok(), "{name}");
        }
    }

    #[test]
    fn what_is_no_object_has_no_members() {
        for text in ["1", "[]", "null", "\"layers\""] {
            assert_eq!(Members::read(text, KNOWN).expect_err(text), MemberError::NotAnObject);
        }
    }
}
