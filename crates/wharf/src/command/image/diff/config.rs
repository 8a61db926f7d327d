//! What differs between two configs. Pure.
//!
//! Spec: image-spec, config.md. History and the digests of layers are left out: layers have their own part of the report.

use std::collections::BTreeMap;

use serde_json::Value;

/// Members beside `config` that say how the image runs and who made it.
const ABOUT: [&str; 6] = ["architecture", "os", "variant", "os.version", "author", "created"];

/// A setting that is not the same in both.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Setting {
    /// What it is: `User`, `Env PATH`, `Labels org.example.a`.
    pub(super) name: String,
    /// What it was.
    pub(super) before: Option<Value>,
    /// What it is.
    pub(super) after: Option<Value>,
}

/// Settings of which the values differ. Nothing, and an empty value, are the same.
pub(super) fn differences(before: &Value, after: &Value) -> Vec<Setting> {
    let (before, after) = (settings(before), settings(after));
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort();
    names.dedup();
    let differing = names.into_iter().filter(|name| before.get(*name) != after.get(*name));
    differing
        .map(|name| Setting { name: name.clone(), before: before.get(name).cloned(), after: after.get(name).cloned() })
        .collect()
}

/// A config as a flat list.
fn settings(config: &Value) -> BTreeMap<String, Value> {
    let mut settings = BTreeMap::new();
    for name in ABOUT {
        settings.insert(name.to_owned(), config[name].clone());
    }
    for (name, value) in config["config"].as_object().into_iter().flatten() {
        match (name.as_str(), value.as_array(), value.as_object()) {
            ("Env", Some(entries), _) => settings.extend(entries.iter().map(variable)),
            // Of labels, ports and volumes each counts.
            ("Labels" | "ExposedPorts" | "Volumes", _, Some(members)) => {
                settings.extend(members.iter().map(|(key, value)| (format!("{name} {key}"), present(value))));
            }
            _ => drop(settings.insert(name.clone(), value.clone())),
        }
    }
    settings.retain(|_, value| !is_empty(value));
    settings
}

fn variable(entry: &Value) -> (String, Value) {
    let text = entry.as_str().unwrap_or_default();
    let (name, value) = text.split_once('=').unwrap_or((text, ""));
    (format!("Env {name}"), present(&Value::from(value)))
}

/// A key counts by itself: an empty variable is there.
fn present(value: &Value) -> Value {
    if is_empty(value) { Value::Bool(true) } else { value.clone() }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(entries) => entries.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(is_so) => !is_so,
        Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn settings_are_compared_one_by_one() {
        let before = json!({
            "architecture": "amd64", "os": "linux", "created": "2026-01-01T00:00:00Z", "history": [1],
            "config": {
                "Env": ["PATH=/bin", "A=1", "EMPTY="], "Labels": {"a": "1", "b": "2"}, "ExposedPorts": {"80/tcp": {}},
                "Entrypoint": ["/run"], "User": "", "Cmd": null,
            },
        });
        let after = json!({
            "architecture": "arm64", "os": "linux", "created": "2026-01-01T00:00:00Z", "history": [2],
            "config": {
                "Env": ["A=1", "PATH=/bin:/sbin"], "Labels": {"b": "3"}, "ExposedPorts": {"443/tcp": {}},
                "Entrypoint": ["/run", "-v"], "Volumes": {},
            },
        });
        let found: Vec<String> = differences(&before, &after)
            .into_iter()
            .map(|setting| {
                format!(
                    "{}: {:?} {:?}",
                    setting.name,
                    setting.before.map(|v| v.to_string()),
                    setting.after.map(|v| v.to_string())
                )
            })
            .collect();
        assert_eq!(
            found,
            [
                r#"Entrypoint: Some("[\"/run\"]") Some("[\"/run\",\"-v\"]")"#,
                r#"Env EMPTY: Some("true") None"#,
                r#"Env PATH: Some("\"/bin\"") Some("\"/bin:/sbin\"")"#,
                r#"ExposedPorts 443/tcp: None Some("true")"#,
                r#"ExposedPorts 80/tcp: Some("true") None"#,
                r#"Labels a: Some("\"1\"") None"#,
                r#"Labels b: Some("\"2\"") Some("\"3\"")"#,
                r#"architecture: Some("\"amd64\"") Some("\"arm64\"")"#,
            ]
        );
        assert!(differences(&before, &before).is_empty());
        assert!(differences(&json!({}), &json!({ "config": { "User": "", "Env": null } })).is_empty());
    }
}
