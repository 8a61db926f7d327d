//! Rows as CSV (RFC 4180). No cell is a formula in a spreadsheet, whoever chose the name that stands in it.

/// The heads of the columns.
pub(super) const HEADS: [&str; 12] = [
    "sequence",
    "at",
    "request_id",
    "caller_kind",
    "caller_id",
    "caller",
    "remote",
    "action",
    "resource",
    "outcome",
    "details",
    "hash",
];

/// One line.
pub(super) fn line<'c>(cells: impl IntoIterator<Item = &'c str>) -> String {
    let mut line = cells.into_iter().map(cell).collect::<Vec<_>>().join(",");
    line.push_str("\r\n");
    line
}

/// What a spreadsheet would calculate begins with an apostrophe, which it shows as text.
fn cell(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    let text = if is_formula { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\r', '\n', ';', '\t', '\'']) {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula_or_ends_before_its_time() {
        let table = [
            ("plain", "plain"),
            ("", ""),
            ("a,b", "\"a,b\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("two\nlines", "\"two\nlines\""),
            ("=1+1", "\"'=1+1\""),
            ("+49", "\"'+49\""),
            ("-2", "\"'-2\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("\t=1", "\"'\t=1\""),
            ("=cmd|' /C calc'!A0", "\"'=cmd|' /C calc'!A0\""),
            ("a=1", "a=1"),
        ];
        for (text, wanted) in table {
            assert_eq!(cell(text), wanted, "{text}");
        }
        assert_eq!(line(["a", "b,c"]), "a,\"b,c\"\r\n");
    }
}
