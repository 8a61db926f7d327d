//! Pipes that one program could do alone, or that break on odd names.

use super::Sheet;
use crate::diagnostic::Severity::{Info, Style, Warning};
use crate::lint::rule::Rule;
use crate::shell::{Command, Pipeline, Place, Simple, Visit};

pub(super) const RULES: &[&Rule] = &[&SC2002, &SC2009, &SC2010, &SC2012, &SC2038, &SC2126];

const SC2002: Rule = Rule::new("SC2002", Style, "Give the file to the program that reads it")
    .why("`cat file | program` starts a process that only copies; `program < file` does not.")
    .examples("RUN cat list | sort", "RUN sort < list");
const SC2009: Rule = Rule::new("SC2009", Info, "Look for processes with pgrep")
    .why("`ps | grep` also finds the grep.")
    .examples("RUN ps aux | grep nginx", "RUN pgrep nginx");
const SC2010: Rule = Rule::new("SC2010", Warning, "Select files with a pattern, not with `ls | grep`")
    .why("`ls` changes names with special characters, and names can have line ends.")
    .examples("RUN ls /etc | grep conf", "RUN echo /etc/*conf*");
const SC2012: Rule = Rule::new("SC2012", Info, "Read files' names with find, not with ls")
    .why("`ls` is for people: it changes names with special characters.")
    .examples("RUN ls /etc | wc -l", "RUN find /etc -maxdepth 1 | wc -l");
const SC2038: Rule = Rule::new("SC2038", Warning, "Hand names from find to xargs with `-print0` and `-0`")
    .why("Without them names with blanks or quotes are split. `-exec … +` does without xargs.")
    .examples("RUN find . -name '*.o' | xargs rm", "RUN find . -name '*.o' -print0 | xargs -0 rm");
const SC2126: Rule = Rule::new("SC2126", Style, "Count with `grep -c`")
    .why("`grep -c` counts by itself.")
    .examples("RUN grep a file | wc -l", "RUN grep -c a file");

pub(super) struct Pipe<'v, 's, 'a, 'f>(pub(super) &'v mut Sheet<'s, 'a, 'f>);

impl Visit for Pipe<'_, '_, '_, '_> {
    fn pipeline(&mut self, pipeline: &Pipeline, _place: Place) {
        for pair in pipeline.commands.windows(2) {
            if let [Command::Simple(writer), Command::Simple(reader)] = pair {
                self.pair(writer, reader);
            }
        }
        if let [Command::Simple(first), _, ..] = pipeline.commands.as_slice() {
            let is_one_file =
                first.words.len() == 2 && first.redirects.is_empty() && !first.words[1].unquoted().starts_with('-');
            if is_one_file && first.name().as_deref() == Some("cat") && !first.words[1].unquoted().contains(['*', '?'])
            {
                self.0.add(&SC2002, first.span, "this cat only copies");
            }
        }
    }
}

impl Pipe<'_, '_, '_, '_> {
    fn pair(&mut self, writer: &Simple, reader: &Simple) {
        let (from, to) = (writer.name().unwrap_or_default(), reader.name().unwrap_or_default());
        let has =
            |simple: &Simple, any: &[&str]| simple.words.iter().any(|word| any.contains(&word.unquoted().as_str()));
        match (from.as_str(), to.as_str()) {
            ("ls", "grep" | "egrep" | "fgrep") => self.0.add(&SC2010, writer.span, "`ls` changes odd names"),
            ("ls", "wc" | "awk" | "sed" | "xargs" | "sort" | "head" | "tail" | "cut") => {
                self.0.add(&SC2012, writer.span, "`ls` changes odd names")
            }
            ("ps", "grep") => self.0.add(&SC2009, writer.span, "this also finds the grep"),
            ("find", "xargs") => {
                let is_safe =
                    has(reader, &["-0", "--null"]) || has(writer, &["-print0"]) || has(reader, &["-d", "--delimiter"]);
                let is_zero = reader.words.iter().any(|word| {
                    word.unquoted().starts_with('-')
                        && !word.unquoted().starts_with("--")
                        && word.unquoted().contains('0')
                });
                if !is_safe && !is_zero {
                    self.0.add(&SC2038, reader.span, "names with blanks are split");
                }
            }
            ("grep", "wc")
                if has(reader, &["-l"]) && reader.words.len() == 2 && !has(writer, &["-o", "-r", "-R", "-l"]) =>
            {
                self.0.add(&SC2126, reader.span, "`grep -c` counts by itself");
            }
            _ => {}
        }
    }
}
