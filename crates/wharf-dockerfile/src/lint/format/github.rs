//! Commands for GitHub's runner, which shows them beside the lines of a change.

use super::{Report, findings};
use crate::diagnostic::Severity;

pub(super) fn render(reports: &[Report]) -> String {
    let mut out = String::new();
    for (report, finding) in findings(reports) {
        let (start, end) = (report.start(finding), report.end(finding));
        let command = match finding.severity {
            Severity::Style | Severity::Info => "notice",
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        out.push_str(&format!(
            "::{command} file={},line={},endLine={},col={},title={}::{}\n",
            property(&report.name),
            start.line,
            end.line,
            start.column,
            property(&finding.id),
            message(&finding.message),
        ));
    }
    out
}

fn message(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    message(text).replace(':', "%3A").replace(',', "%2C")
}
