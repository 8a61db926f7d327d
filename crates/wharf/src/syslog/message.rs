//! One row as a syslog message (RFC 5424). What it says is the row as `wharf audit export` writes it, with its hash: what a receiver has
//! kept can be compared with an export, line by line.

use serde::Serialize;
use serde_json::value::RawValue;
use wharf_identity::AuditRecord;

/// Log audit: the facility that RFC 5424 has for this.
pub(crate) const FACILITY: u8 = 13;

/// Who sends.
#[derive(Debug, Clone)]
pub(crate) struct Sender {
    /// The facility, 0 to 23.
    pub(crate) facility: u8,
    /// This machine's name.
    pub(crate) host: String,
}

/// A row as an export has it.
#[derive(Debug, Serialize)]
struct Body<'r> {
    sequence: Option<i64>,
    at: String,
    request_id: &'r str,
    caller_kind: &'r str,
    caller_id: Option<i64>,
    caller: &'r str,
    remote: Option<&'r str>,
    action: &'r str,
    resource: &'r str,
    outcome: &'r str,
    details: Option<Box<RawValue>>,
    hash: Option<String>,
}

impl Sender {
    /// The message, without a frame.
    pub(crate) fn message(&self, row: &AuditRecord) -> Vec<u8> {
        let priority = u16::from(self.facility) * 8 + severity(&row.outcome);
        let at = jiff::Timestamp::from_microsecond(row.at.0).unwrap_or_default().to_string();
        let (host, name) = (header(&self.host, 255), header(&row.action, 32));
        let body = Body {
            sequence: row.link.map(|link| link.sequence),
            at: at.clone(),
            request_id: &row.request_id,
            caller_kind: &row.caller_kind,
            caller_id: row.caller_id,
            caller: &row.caller_name,
            remote: row.remote.as_deref(),
            action: &row.action,
            resource: &row.resource,
            outcome: &row.outcome,
            details: RawValue::from_string(row.details.clone()).ok(),
            hash: row.link.map(|link| link.hash.to_string()),
        };
        // Texts and numbers become JSON, and JSON has no line ends in it.
        let body = serde_json::to_string(&body).unwrap_or_default();
        format!("<{priority}>1 {at} {host} wharf - {name} - {body}").into_bytes()
    }
}

/// RFC 5424, 6.2.1: notice, warning, error.
fn severity(outcome: &str) -> u16 {
    match outcome {
        "denied" => 4,
        "failed" => 3,
        _ => 5,
    }
}

/// A field of the header: printable ASCII without spaces, and not too long.
fn header(text: &str, max: usize) -> String {
    let field: String = text.chars().filter(char::is_ascii_graphic).take(max).collect();
    if field.is_empty() { "-".to_owned() } else { field }
}

#[cfg(test)]
mod tests {
    use wharf_context::Timestamp;
    use wharf_identity::Link;

    use super::*;

    fn row() -> AuditRecord {
        let row = AuditRecord {
            id: 1,
            at: Timestamp(1_767_225_600_000_001),
            request_id: "r".to_owned(),
            caller_kind: "user".to_owned(),
            caller_id: Some(7),
            caller_name: "alice".to_owned(),
            remote: None,
            action: "tag.delete".to_owned(),
            resource: "pay/app:1".to_owned(),
            outcome: "denied".to_owned(),
            details: r#"{"why":"sealed"}"#.to_owned(),
            link: None,
        };
        let link = Link::ORIGIN.next(&row);
        AuditRecord { link: Some(link), ..row }
    }

    #[test]
    fn a_row_is_one_line_with_a_header() {
        let sender = Sender { facility: FACILITY, host: "node 1".to_owned() };
        let message = String::from_utf8(sender.message(&row())).expect("UTF-8");
        let (head, body) = message.split_once(" - {").expect("a body");
        assert_eq!(head, "<108>1 2026-01-01T00:00:00.000001Z node1 wharf - tag.delete");
        let body: serde_json::Value = serde_json::from_str(&format!("{{{body}")).expect("JSON");
        assert_eq!((&body["sequence"], &body["details"]["why"]), (&1.into(), &"sealed".into()));
        assert_eq!(body["hash"].as_str().map(str::len), Some(64));
    }

    #[test]
    fn nothing_in_a_row_ends_the_line_or_the_header() {
        let sender = Sender { facility: FACILITY, host: String::new() };
        let evil = AuditRecord { action: "a\nb c".to_owned(), resource: "x\r\n<0>1".to_owned(), ..row() };
        let message = String::from_utf8(sender.message(&evil)).expect("UTF-8");
        assert!(!message.contains(['\n', '\r']) && message.contains(" - wharf - abc - {"), "{message}");
    }
}
