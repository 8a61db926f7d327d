//! Code Climate's JSON as GitLab reads it: one array, each finding with a fingerprint that does not change when lines move.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::{Report, findings};
use crate::diagnostic::Severity;

pub(super) fn render(reports: &[Report]) -> String {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let list: Vec<Value> = findings(reports)
        .map(|(report, finding)| {
            let text = report.file.text_at(finding.span);
            let key = format!("{}\0{}\0{}\0{text}", report.name, finding.id, finding.message);
            let count = seen.entry(key.clone()).or_default();
            *count += 1;
            let fingerprint = format!("{:016x}{:016x}", fnv(&key, 0), fnv(&key, *count as u64));
            json!({
                "type": "issue",
                "check_name": finding.id,
                "description": finding.message,
                "categories": ["Bug Risk"],
                "severity": severity(finding.severity),
                "fingerprint": fingerprint,
                "location": {
                    "path": report.name,
                    "lines": { "begin": report.start(finding).line, "end": report.end(finding).line },
                },
            })
        })
        .collect();
    format!("{}\n", Value::Array(list))
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Style | Severity::Info => "info",
        Severity::Warning => "minor",
        Severity::Error => "critical",
    }
}

/// FNV-1a: the fingerprint tells findings apart and keeps nobody out.
fn fnv(text: &str, seed: u64) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325 ^ seed, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}
