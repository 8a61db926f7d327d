//! One array: hadolint's members (`file`, `line`, `column`, `level`, `code`, `message`), and what it does not tell.

use serde_json::{Value, json};

use super::{Report, findings};

pub(super) fn render(reports: &[Report]) -> String {
    let list: Vec<Value> = findings(reports)
        .map(|(report, finding)| {
            let (start, end) = (report.start(finding), report.end(finding));
            json!({
                "file": report.name,
                "line": start.line,
                "column": start.column,
                "endLine": end.line,
                "endColumn": end.column,
                "instructionLine": report.instruction_line(finding),
                "level": finding.severity.as_str(),
                "code": finding.id,
                "message": finding.message,
                "fix": finding.fix.as_ref().map(|fix| &fix.title),
            })
        })
        .collect();
    format!("{}\n", Value::Array(list))
}
