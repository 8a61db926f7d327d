//! For people.

use super::{Report, findings};
use crate::diagnostic::Diagnostic;

pub(super) fn render(reports: &[Report]) -> String {
    let mut out = String::new();
    for (report, finding) in findings(reports) {
        let diagnostic = Diagnostic {
            severity: finding.severity,
            span: finding.span,
            message: format!("{} [{}]", finding.message, finding.id),
            hint: finding.fix.as_ref().map(|fix| format!("`--fix` can {}", fix.title)),
        };
        out.push_str(&diagnostic.render(&report.name, report.file.source()));
    }
    out
}
