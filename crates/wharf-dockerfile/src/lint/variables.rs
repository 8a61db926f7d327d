//! Variables in words of instructions: which are used, and how.

use std::collections::BTreeMap;

/// One `$NAME` or `${NAME…}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Use<'t> {
    /// The variable.
    pub(super) name: &'t str,
    /// What follows the name in braces, operator first.
    pub(super) modifier: &'t str,
    /// Where it begins.
    pub(super) start: usize,
    /// Where it ends.
    pub(super) end: usize,
}

impl Use<'_> {
    /// Whether it says itself what counts where the variable is not set.
    pub(super) fn has_default(&self) -> bool {
        let modifier = self.modifier.strip_prefix(':').unwrap_or(self.modifier);
        modifier.starts_with(['-', '+', '?'])
    }
}

/// The variables that a word uses. In single quotes, and behind the escape character, a dollar sign is only a sign.
pub(super) fn uses(text: &str, escape: char) -> Vec<Use<'_>> {
    let mut found = Vec::new();
    let mut is_single = false;
    let mut is_double = false;
    let mut characters = text.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '\'' if !is_double => is_single = !is_single,
            '"' if !is_single => is_double = !is_double,
            c if c == escape && !is_single => {
                characters.next();
            }
            '$' if !is_single => found.extend(one(text, at)),
            _ => {}
        }
    }
    found
}

fn one(text: &str, start: usize) -> Option<Use<'_>> {
    let rest = &text[start + 1..];
    let is_braced = rest.starts_with('{');
    let from = start + 1 + usize::from(is_braced);
    let rest = &text[from..];
    let length = rest.bytes().position(|byte| !(byte.is_ascii_alphanumeric() || byte == b'_')).unwrap_or(rest.len());
    if length == 0 {
        return None;
    }
    let name = &rest[..length];
    if !is_braced {
        return Some(Use { name, modifier: "", start, end: from + length });
    }
    let close = rest.find('}')?;
    Some(Use { name, modifier: rest.get(length..close).unwrap_or_default(), start, end: from + close + 1 })
}

/// A longer value is cut: values that are made of one another would grow without end.
const MAX_LENGTH: usize = 4096;

/// A word with its variables replaced by what `values` knows; others by nothing, or by their own default.
pub(super) fn expand(text: &str, escape: char, values: &BTreeMap<String, String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for used in uses(text, escape).into_iter() {
        if used.start < at || out.len() > MAX_LENGTH {
            continue;
        }
        out.push_str(&text[at..used.start]);
        let known = values.get(used.name).filter(|value| !value.is_empty());
        let default = used.modifier.strip_prefix(":-").or_else(|| used.modifier.strip_prefix('-')).unwrap_or_default();
        out.push_str(known.map_or(default, String::as_str));
        at = used.end;
    }
    out.push_str(&text[at..]);
    if out.len() > MAX_LENGTH {
        let end = (0..=MAX_LENGTH).rev().find(|end| out.is_char_boundary(*end)).unwrap_or_default();
        out.truncate(end);
    }
    out.replace(['"', '\''], "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_found_where_they_are_expanded() {
        let names = |text| uses(text, '\\').into_iter().map(|used| (used.name, used.has_default())).collect::<Vec<_>>();
        assert_eq!(names("$A/${B}/${C:-d}${D+x}"), [("A", false), ("B", false), ("C", true), ("D", true)]);
        assert_eq!(names("'$A' \\$B \"'$C'\" $ $1 ${ ${E"), [("C", false), ("1", false)]);
    }

    #[test]
    fn words_are_expanded_with_what_is_known() {
        let values = BTreeMap::from([("A".to_owned(), "x".to_owned())]);
        assert_eq!(expand("$A:${B:-y}${C}\"z\"", '\\', &values), "x:yz");
    }
}
