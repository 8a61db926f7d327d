//! Programs that are called in a way that does not do what it looks like.

use super::{Sheet, each_part};
use crate::diagnostic::Severity::{Info, Style, Warning};
use crate::lint::invocation::flags_of;
use crate::lint::rule::Rule;
use crate::shell::{Command, PartKind, Place, Simple, Visit, Word};

pub(super) const RULES: &[&Rule] =
    &[&SC2005, &SC2028, &SC2059, &SC2091, &SC2114, &SC2115, &SC2162, &SC2166, &SC2174, &SC2196, &SC2197];

const SC2005: Rule = Rule::new("SC2005", Style, "Do not echo what a command prints itself")
    .why("`echo $(command)` prints what `command` prints, with blanks changed and its exit code lost.")
    .examples("RUN echo $(date)", "RUN date");
const SC2028: Rule = Rule::new("SC2028", Info, "Print escapes with printf")
    .why("Whether `echo` makes a line end of `\\n` depends on the shell.")
    .examples("RUN echo 'a\\nb' > file", "RUN printf 'a\\nb\\n' > file");
const SC2059: Rule = Rule::new("SC2059", Info, "Keep variables out of printf's format")
    .why("A `%` or a backslash in the value is taken for a directive.")
    .examples("RUN printf \"$MESSAGE\"", "RUN printf '%s' \"$MESSAGE\"");
const SC2091: Rule = Rule::new("SC2091", Warning, "Do not run the output of a command by accident")
    .why("`$(command)` in the place of a command runs what `command` prints.")
    .examples("RUN $(make)", "RUN make");
const SC2114: Rule = Rule::new("SC2114", Warning, "Do not delete a folder of the system")
    .why("What the base needs to run is in it.")
    .examples("RUN rm -rf /usr", "RUN rm -rf /usr/share/doc");
const SC2115: Rule = Rule::new("SC2115", Warning, "Delete below a variable only if it is set")
    .why("If the variable is empty, `rm -rf \"$DIR/\"*` deletes from the root on. `${DIR:?}` stops instead.")
    .examples("RUN rm -rf \"$DIR/\"*", "RUN rm -rf \"${DIR:?}/\"*");
const SC2162: Rule = Rule::new("SC2162", Info, "Call read with `-r`")
    .why("Without `-r` it takes backslashes out of what it reads.")
    .examples(
        "RUN while read line; do echo \"$line\"; done < file",
        "RUN while read -r line; do echo \"$line\"; done < file",
    );
const SC2166: Rule = Rule::new("SC2166", Warning, "Join tests with `&&` and `||`")
    .why("What `-a` and `-o` mean inside of `[ … ]` depends on the operands; POSIX took them out.")
    .examples("RUN [ -f a -a -f b ]", "RUN [ -f a ] && [ -f b ]");
const SC2174: Rule = Rule::new("SC2174", Warning, "Set the mode of every folder that `mkdir -p` makes")
    .why("`-m` counts for the last one only.")
    .examples("RUN mkdir -p -m 700 /a/b", "RUN mkdir -p /a/b && chmod 700 /a /a/b");
const SC2196: Rule = Rule::new("SC2196", Info, "Call `grep -E` instead of egrep")
    .why("egrep is deprecated, and newer ones say so on every call.")
    .examples("RUN egrep 'a|b' file", "RUN grep -E 'a|b' file");
const SC2197: Rule = Rule::new("SC2197", Info, "Call `grep -F` instead of fgrep")
    .why("fgrep is deprecated, and newer ones say so on every call.")
    .examples("RUN fgrep a.b file", "RUN grep -F a.b file");

pub(super) struct Call<'v, 's, 'a, 'f>(pub(super) &'v mut Sheet<'s, 'a, 'f>);

impl Visit for Call<'_, '_, '_, '_> {
    fn command(&mut self, command: &Command, place: Place) {
        let Command::Simple(simple) = command else { return };
        let Some(first) = simple.words.first() else { return };
        if matches!(first.parts.as_slice(), [part] if matches!(part.kind, PartKind::Command { .. }))
            && simple.words.len() == 1
        {
            self.0.add(&SC2091, first.span, "what this command prints is run");
        }
        let arguments = &simple.words[1..];
        match simple.name().unwrap_or_default().as_str() {
            "echo" => self.echo(simple, arguments, place),
            "printf" => self.printf(arguments),
            "rm" => self.rm(arguments),
            "read" if !has_letter(arguments, "r") => {
                self.0.add(&SC2162, first.span, "`read` without `-r` takes backslashes out")
            }
            "[" | "test" => {
                if let Some(word) = arguments
                    .iter()
                    .find(|word| ["-a", "-o"].contains(&word.literal().unwrap_or_default().as_str()))
                    .filter(|word| word.span != arguments[0].span)
                {
                    self.0.add(&SC2166, word.span, "`-a` and `-o` are ambiguous");
                }
            }
            "mkdir" if has_letter(arguments, "m") && has_letter(arguments, "p") => {
                let is_nested = arguments.iter().any(|word| word.unquoted().trim_matches('/').contains('/'));
                if is_nested {
                    self.0.add(&SC2174, first.span, "only the last folder gets this mode");
                }
            }
            "egrep" => self.0.add_with_fix(&SC2196, "egrep is deprecated", (first.span, "egrep"), "grep -E"),
            "fgrep" => self.0.add_with_fix(&SC2197, "fgrep is deprecated", (first.span, "fgrep"), "grep -F"),
            _ => {}
        }
    }
}

fn has_letter(words: &[Word], letter: &str) -> bool {
    words.iter().any(|word| flags_of(&word.unquoted()).any(|flag| flag == letter))
}

impl Call<'_, '_, '_, '_> {
    fn echo(&mut self, simple: &Simple, arguments: &[Word], place: Place) {
        if let ([word], true) = (arguments, simple.redirects.is_empty()) {
            let is_command = |kind: &PartKind| matches!(kind, PartKind::Command { .. });
            let is_only = match word.parts.as_slice() {
                [part] => {
                    is_command(&part.kind)
                        || matches!(&part.kind, PartKind::Double(inner) if matches!(inner.as_slice(), [part] if is_command(&part.kind)))
                }
                _ => false,
            };
            if is_only && !place.is_piped {
                self.0.add(&SC2005, word.span, "the command prints that itself");
            }
        }
        if arguments.first().is_some_and(|word| word.unquoted().starts_with('-') && word.unquoted().contains('e')) {
            return;
        }
        let mut escape = None;
        each_part(arguments, &mut |part, is_quoted| {
            let text = match &part.kind {
                PartKind::Literal(text) if is_quoted => text,
                PartKind::Single(text) => text,
                _ => return,
            };
            if escape.is_none() && has_escape(text) {
                escape = Some(part.span);
            }
        });
        if let Some(span) = escape {
            self.0.add(&SC2028, span, "whether `echo` expands this depends on the shell");
        }
    }

    fn printf(&mut self, arguments: &[Word]) {
        let Some(format) = arguments.iter().find(|word| !word.unquoted().starts_with("-v")) else { return };
        let mut expanded = None;
        each_part([format], &mut |part, _| {
            if matches!(part.kind, PartKind::Parameter(_)) && expanded.is_none() {
                expanded = Some(part.span);
            }
        });
        if let Some(span) = expanded {
            self.0.add(&SC2059, span, "a `%` in the value is taken for a directive");
        }
    }

    fn rm(&mut self, arguments: &[Word]) {
        if !has_letter(arguments, "r") && !has_letter(arguments, "R") {
            return;
        }
        for word in arguments {
            let text = word.unquoted();
            let folder = text.trim_end_matches(['*', '/']);
            if SYSTEM.contains(&folder) && text.starts_with('/') {
                let rule = if text.ends_with('*') { &SC2115 } else { &SC2114 };
                self.0.add(rule, word.span, format!("`{text}` belongs to the system"));
            } else if is_bare_variable(word) && text.len() > folder.len() {
                self.0.add(&SC2115, word.span, "if the variable is empty, this is the root");
            }
        }
    }
}

/// Folders without which nothing runs.
const SYSTEM: [&str; 12] =
    ["", "/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/sbin", "/usr", "/usr/bin", "/var", "/usr/lib"];

/// A variable that is not made sure of, and nothing else before the slash.
fn is_bare_variable(word: &Word) -> bool {
    let first = match word.parts.first().map(|part| &part.kind) {
        Some(PartKind::Double(inner)) => inner.first().map(|part| &part.kind),
        other => other,
    };
    match first {
        Some(PartKind::Parameter(parameter)) => {
            let text = word.unquoted();
            parameter.operator.is_empty()
                && text.find('}').is_some_and(|end| text[end + 1..].trim_matches(['*', '/']).is_empty())
        }
        _ => false,
    }
}

fn has_escape(text: &str) -> bool {
    text.as_bytes().windows(2).any(|pair| pair[0] == b'\\' && b"abefnrtvx0".contains(&pair[1]))
}
