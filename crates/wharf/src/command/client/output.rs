//! How answers are shown: tables and lines for people, the server's JSON for scripts.

use std::io::{self, Write as _};

use serde_json::Value;

use super::error::Error;

/// A column or a line: its head, the member of the document that it shows, and what stands for nothing.
pub(crate) type Column = (&'static str, &'static str, &'static str);

/// Whether the heads of columns are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heads {
    Shown,
    Left,
}

/// Where answers go.
#[derive(Debug)]
pub(crate) struct Output {
    is_json: bool,
}

impl Output {
    pub(crate) fn new(is_json: bool) -> Self {
        Self { is_json }
    }

    /// Whether scripts read it.
    pub(crate) fn is_json(&self) -> bool {
        self.is_json
    }

    /// A list.
    pub(crate) fn list(&self, entries: &[Value], columns: &[Column]) -> Result<(), Error> {
        if self.is_json {
            return print(&pretty(&Value::from(entries.to_vec())));
        }
        let head: Vec<String> = columns.iter().map(|(head, ..)| (*head).to_owned()).collect();
        let rows = entries.iter().map(|entry| columns.iter().map(|column| cell(entry, column)).collect());
        print(&table(std::iter::once(head).chain(rows).collect()))
    }

    /// Some entries of a long list: lines of a table, or one JSON object per line.
    pub(crate) fn some(&self, entries: &[Value], columns: &[Column], heads: Heads) -> Result<(), Error> {
        if self.is_json {
            let lines: String = entries.iter().map(|entry| format!("{entry}\n")).collect();
            return print(&lines);
        }
        let head: Vec<String> = columns.iter().map(|(head, ..)| (*head).to_owned()).collect();
        let head = (heads == Heads::Shown).then_some(head);
        let rows = entries.iter().map(|entry| columns.iter().map(|column| cell(entry, column)).collect());
        print(&table(head.into_iter().chain(rows).collect()))
    }

    /// One thing.
    pub(crate) fn one(&self, document: &Value, lines: &[Column]) -> Result<(), Error> {
        if self.is_json {
            return print(&pretty(document));
        }
        let rows = lines.iter().map(|line| vec![line.0.to_owned(), cell(document, line)]);
        print(&table(rows.collect()))
    }

    /// What was done, where there is no document.
    pub(crate) fn done(&self, sentence: &str) -> Result<(), Error> {
        if self.is_json { Ok(()) } else { print(&format!("{}\n", printable(sentence))) }
    }

    /// What was done: the document for scripts, sentences for people.
    pub(crate) fn told(&self, document: &Value, sentences: &str) -> Result<(), Error> {
        if self.is_json {
            return print(&pretty(document));
        }
        print(&sentences.lines().map(|line| printable(line) + "\n").collect::<String>())
    }

    /// A list of names that is printed while it comes.
    pub(crate) fn stream(&self) -> Names {
        Names { is_json: self.is_json, count: 0 }
    }

    /// Bytes exactly as they are.
    pub(crate) fn raw(&self, bytes: &[u8]) -> Result<(), Error> {
        write(bytes).map(drop)
    }

    /// Text that only people want, beside a document.
    pub(crate) fn remark(&self, sentence: &str) {
        if !self.is_json {
            eprintln!("{}", printable(sentence));
        }
    }
}

/// Names on their way: a line each, or the elements of one JSON array.
#[derive(Debug)]
pub(crate) struct Names {
    is_json: bool,
    count: usize,
}

impl Names {
    /// Prints one. `false` when nobody reads any more.
    pub(crate) fn item(&mut self, name: &str) -> Result<bool, Error> {
        let before = if self.count == 0 { "[\n  " } else { ",\n  " };
        self.count += 1;
        if self.is_json {
            return write(format!("{before}{}", Value::from(name)).as_bytes());
        }
        write(format!("{}\n", printable(name)).as_bytes())
    }

    /// Nothing more comes.
    pub(crate) fn end(self) -> Result<(), Error> {
        let end = match (self.is_json, self.count) {
            (false, _) => "",
            (true, 0) => "[]\n",
            (true, _) => "\n]\n",
        };
        write(end.as_bytes()).map(drop)
    }
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

fn cell(document: &Value, (_, member, nothing): &Column) -> String {
    let text = match &document[*member] {
        Value::Null => String::new(),
        Value::Bool(is_so) => if *is_so { "yes" } else { "no" }.to_owned(),
        Value::String(text) => shortened(text),
        Value::Array(values) => {
            values.iter().map(|value| value.as_str().unwrap_or_default()).collect::<Vec<_>>().join(",")
        }
        value @ (Value::Number(_) | Value::Object(_)) => value.to_string(),
    };
    if text.is_empty() { (*nothing).to_owned() } else { printable(&text) }
}

/// Moments without fractions of a second.
fn shortened(text: &str) -> String {
    let moment = text.parse::<jiff::Timestamp>().ok().filter(|_| text.ends_with('Z'));
    moment.map_or_else(|| text.to_owned(), |moment| format!("{moment:.0}"))
}

/// Nothing that a server says moves the cursor.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).collect()
}

/// Rows in columns, the last of which is not filled up.
fn table(rows: Vec<Vec<String>>) -> String {
    let count = rows.first().map_or(0, Vec::len);
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..count).map(width).collect();
    let mut text = String::new();
    for row in &rows {
        let line: String = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}  ")).collect();
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn print(text: &str) -> Result<(), Error> {
    write(text.as_bytes()).map(drop)
}

/// To standard output. A reader that has seen enough is no failure; whether there is one is the result.
fn write(bytes: &[u8]) -> Result<bool, Error> {
    match io::stdout().lock().write_all(bytes) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Error::Print(error)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn columns_are_as_wide_as_what_stands_in_them() {
        let rows = [["NAME", "ROLE"], ["alexandra", "-"], ["ö", "owner"]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(table(rows.to_vec()), "NAME       ROLE\nalexandra  -\nö          owner\n");
        assert_eq!(table(Vec::new()), "");
    }

    #[test]
    fn cells_show_words_and_no_control_characters() {
        let document = json!({ "a": null, "b": true, "c": ["x", "y"], "d": [], "e": "\u{1b}[2Jz", "f": 7, "g": "2026-01-01T00:00:00.5Z" });
        let cells = ["a", "b", "c", "d", "e", "f", "g"].map(|member| cell(&document, &("", member, "-")));
        assert_eq!(cells, ["-", "yes", "x,y", "-", "\u{fffd}[2Jz", "7", "2026-01-01T00:00:00Z"]);
    }
}
