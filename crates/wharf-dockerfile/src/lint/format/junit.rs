//! JUnit's XML: each file is a suite, each finding a test that failed, and a file without one is a test that passed.

use super::{Report, xml};

pub(super) fn render(reports: &[Report]) -> String {
    let failures: usize = reports.iter().map(|report| report.findings.len()).sum();
    let tests: usize = reports.iter().map(|report| report.findings.len().max(1)).sum();
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    out.push_str(&format!("<testsuites name=\"wharf lint\" tests=\"{tests}\" failures=\"{failures}\">\n"));
    for report in reports {
        let name = xml(&report.name);
        let count = report.findings.len();
        out.push_str(&format!("<testsuite name=\"{name}\" tests=\"{}\" failures=\"{count}\">\n", count.max(1)));
        if report.findings.is_empty() {
            out.push_str(&format!("<testcase classname=\"{name}\" name=\"no finding\"/>\n"));
        }
        for finding in &report.findings {
            let start = report.start(finding);
            out.push_str(&format!("<testcase classname=\"{name}\" name=\"{id} line {line}\"><failure type=\"{level}\" message=\"{message}\">{name}:{line}:{column}</failure></testcase>\n",
                id = xml(&finding.id),
                line = start.line,
                column = start.column,
                level = finding.severity.as_str(),
                message = xml(&finding.message),
            ));
        }
        out.push_str("</testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}
