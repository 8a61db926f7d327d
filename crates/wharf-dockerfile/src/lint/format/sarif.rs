//! SARIF 2.1.0. Spec: OASIS, Static Analysis Results Interchange Format.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Report, findings};
use crate::diagnostic::Severity;
use crate::lint::rule;

pub(super) fn render(reports: &[Report]) -> String {
    let mut ids: BTreeMap<&str, usize> = findings(reports).map(|(_, finding)| (finding.id.as_str(), 0)).collect();
    for (index, place) in ids.values_mut().enumerate() {
        *place = index;
    }
    let rules: Vec<Value> = ids.keys().map(|id| described(id)).collect();
    let results: Vec<Value> = findings(reports)
        .map(|(report, finding)| {
            let (start, end) = (report.start(finding), report.end(finding));
            json!({
                "ruleId": finding.id,
                "ruleIndex": ids[finding.id.as_str()],
                "level": level(finding.severity),
                "message": { "text": finding.message },
                "locations": [{ "physicalLocation": {
                    "artifactLocation": { "uri": uri(&report.name) },
                    "region": {
                        "startLine": start.line, "startColumn": start.column, "endLine": end.line, "endColumn": end.column,
                    },
                } }],
            })
        })
        .collect();
    let driver = json!({ "name": "wharf lint", "version": env!("CARGO_PKG_VERSION"), "rules": rules });
    let document = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{ "tool": { "driver": driver }, "columnKind": "unicodeCodePoints", "results": results }],
    });
    format!("{document}\n")
}

fn described(id: &str) -> Value {
    match rule(id) {
        Some(rule) => json!({
            "id": id,
            "shortDescription": { "text": rule.title },
            "fullDescription": { "text": rule.why },
            "defaultConfiguration": { "level": level(rule.severity) },
        }),
        None => json!({ "id": id }),
    }
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Style | Severity::Info => "note",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}

/// A path as a relative reference.
fn uri(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
