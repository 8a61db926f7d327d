//! Terms: what an image is found by, as `field:value`. Pure.

use std::collections::BTreeSet;

use ring::digest::{SHA256, digest};

/// The longest term, in bytes: both databases keep it in an index. A longer one stands there as its beginning and its hash.
const MAX_TERM_BYTES: usize = 400;
const KEPT_BYTES: usize = 320;
/// The most terms of one image.
const MOST_TERMS: usize = 600;

/// The term of a value.
pub(crate) fn of(field: &str, value: &str) -> String {
    let term = format!("{field}:{value}");
    if term.len() <= MAX_TERM_BYTES {
        return term;
    }
    let hash: String = digest(&SHA256, term.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{}…{hash}", &term[..term.floor_char_boundary(KEPT_BYTES)])
}

/// How terms of values begin that begin so.
pub(crate) fn begin(field: &str, value: &str) -> String {
    let term = format!("{field}:{value}");
    let end = term.floor_char_boundary(KEPT_BYTES);
    if term.len() > MAX_TERM_BYTES { term[..end].to_owned() } else { term }
}

/// What comes behind every text that begins so.
pub(crate) fn behind(begin: &str) -> String {
    format!("{begin}\u{10ffff}")
}

/// The words of a name: letters and digits, in lower case.
pub(crate) fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(|word| word.chars().take(60).collect::<String>().to_lowercase())
}

/// The terms of one image, each once.
#[derive(Debug, Default)]
pub(crate) struct Terms(BTreeSet<String>);

impl Terms {
    /// Adds one; nothing that has a NUL, which no query can hold.
    pub(crate) fn add(&mut self, field: &str, value: &str) {
        if !value.is_empty() && !value.contains('\0') && self.0.len() < MOST_TERMS {
            self.0.insert(of(field, value));
        }
    }

    /// Adds `name` and `name=value`.
    pub(crate) fn add_pair(&mut self, field: &str, name: &str, value: &str) {
        self.add(field, name);
        self.add(field, &format!("{name}={value}"));
    }

    /// Adds the words of a name.
    pub(crate) fn add_words(&mut self, text: &str) {
        for word in words(text) {
            self.add("word", &word);
        }
    }

    /// As a JSON list, in the order of their bytes.
    pub(crate) fn to_json(&self) -> String {
        serde_json::Value::from(self.0.iter().cloned().collect::<Vec<_>>()).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_term_is_its_beginning_and_its_hash() {
        let (a, b) = ("ä".repeat(300), format!("{}b", "ä".repeat(300)));
        assert!(of("label", &a).len() <= MAX_TERM_BYTES && of("label", &a) != of("label", &b));
        assert_eq!(of("label", "team=pay"), "label:team=pay");
        assert!(of("label", &a).starts_with(&begin("label", &a)));
        assert!(begin("label", &a).as_str() < behind("label:ä").as_str());
    }

    #[test]
    fn words_are_letters_and_digits() {
        assert_eq!(words("pay/Web-Shop_2:v1.0").collect::<Vec<_>>(), ["pay", "web", "shop", "2", "v1", "0"]);
        assert_eq!(words("//--").count(), 0);
    }

    #[test]
    fn an_image_has_each_term_once_and_not_too_many() {
        let mut terms = Terms::default();
        terms.add_pair("label", "team", "pay");
        terms.add_pair("label", "team", "pay");
        terms.add("label", "a\0b");
        assert_eq!(terms.to_json(), r#"["label:team","label:team=pay"]"#);
        (0..2000).for_each(|number| terms.add("tag", &number.to_string()));
        assert_eq!(terms.0.len(), MOST_TERMS);
    }
}
