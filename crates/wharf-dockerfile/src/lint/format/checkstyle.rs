//! Checkstyle's XML. The source of a finding is its rule's id alone, as other linters of Dockerfiles write it.

use super::{Report, level, xml};

pub(super) fn render(reports: &[Report]) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<checkstyle version=\"4.3\">\n");
    for report in reports {
        out.push_str(&format!("<file name=\"{}\">\n", xml(&report.name)));
        for finding in &report.findings {
            let start = report.start(finding);
            out.push_str(&format!(
                "<error line=\"{}\" column=\"{}\" severity=\"{}\" message=\"{}\" source=\"{}\"/>\n",
                start.line,
                start.column,
                level(finding.severity),
                xml(&finding.message),
                xml(&finding.id),
            ));
        }
        out.push_str("</file>\n");
    }
    out.push_str("</checkstyle>\n");
    out
}
