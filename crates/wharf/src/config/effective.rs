//! Showing the configuration that counts, with each value's origin and without secrets.

use std::fmt::Write as _;

use url::Url;

use super::merge::Loaded;
use super::source::Key;

/// What stands in place of a secret.
const MASK: &str = "********";

/// The whole configuration as TOML, each line with where its value came from.
pub(crate) fn render(loaded: &Loaded) -> String {
    let values = serde_json::to_value(&loaded.config).expect("a configuration can be shown");
    let mut text = String::new();
    let mut section = String::new();
    for key in Key::all() {
        if section != key.section {
            let gap = if section.is_empty() { "" } else { "\n" };
            writeln!(text, "{gap}[{}]", key.section).expect("a String takes everything");
            section.clone_from(&key.section);
        }
        let value = values.get(&key.section).and_then(|keys| keys.get(&key.name));
        let line = match value {
            None | Some(serde_json::Value::Null) => format!("# {} is not set", key.name),
            Some(value) => format!("{} = {}", key.name, masked(&key, value)),
        };
        writeln!(text, "{line:<44} # {}", loaded.origin(&key)).expect("a String takes everything");
    }
    text
}

/// The value as TOML, secrets masked. JSON's texts, numbers, truth values and lists of them are TOML's, too; what stands
/// for several names is written on one line.
fn masked(key: &Key, value: &serde_json::Value) -> String {
    let secret = ["password", "secret", "token"].iter().any(|word| key.name.ends_with(word));
    match value {
        serde_json::Value::String(_) if secret => format!("\"{MASK}\""),
        serde_json::Value::String(text) => toml::Value::String(mask_url(text)).to_string(),
        serde_json::Value::Array(values) => {
            let values: Vec<String> = values.iter().map(|value| masked(key, value)).collect();
            format!("[{}]", values.join(", "))
        }
        serde_json::Value::Object(values) => {
            let name = |name: &String| toml::Value::String(name.clone());
            let pairs: Vec<String> =
                values.iter().map(|(key_name, value)| format!("{} = {}", name(key_name), masked(key, value))).collect();
            if pairs.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", pairs.join(", ")) }
        }
        serde_json::Value::Null | serde_json::Value::Bool(_) | serde_json::Value::Number(_) => value.to_string(),
    }
}

/// A text as it is, or, if it is a URL, without the passwords in it: the one before the `@`, and query parameters that
/// are called so.
pub(crate) fn mask_url(text: &str) -> String {
    let Ok(mut url) = Url::parse(text) else { return text.to_owned() };
    if url.password().is_some() && url.set_password(Some(MASK)).is_err() {
        return MASK.to_owned();
    }
    if url.query().is_some() {
        let is_secret = |name: &str| ["pass", "secret", "token", "key"].iter().any(|word| name.contains(word));
        let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        if pairs.iter().any(|(name, _)| is_secret(name)) {
            let pairs = pairs.iter().map(|(name, value)| (name, if is_secret(name) { MASK } else { value }));
            url.query_pairs_mut().clear().extend_pairs(pairs);
        }
        return url.to_string();
    }
    if url.password().is_some() { url.to_string() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_inside_urls_are_masked() {
        for (text, shown) in [
            ("postgres://wharf:s3cret@db/wharf", "postgres://wharf:********@db/wharf"),
            ("postgres://db/wharf?user=a&password=s3cret", "postgres://db/wharf?user=a&password=********"),
            ("postgres://wharf@db/wharf", "postgres://wharf@db/wharf"),
            ("sqlite:/var/lib/wharf/wharf.db", "sqlite:/var/lib/wharf/wharf.db"),
            ("not a url", "not a url"),
        ] {
            assert_eq!(mask_url(text), shown);
        }
    }
}
