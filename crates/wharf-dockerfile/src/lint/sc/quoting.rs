//! Quotes: what is split or expanded without being meant to, and what is not although it is.

use super::variables::is_number;
use super::{Sheet, each_part};
use crate::diagnostic::Severity::{Error, Info, Style, Warning};
use crate::lint::rule::Rule;
use crate::shell::{Command, Compound, CompoundKind, Parameter, Part, PartKind, Place, Script, Simple, Visit, Word};

pub(super) const RULES: &[&Rule] = &[&SC2006, &SC2016, &SC2035, &SC2046, &SC2048, &SC2061, &SC2068, &SC2086];

const SC2006: Rule = Rule::new("SC2006", Style, "Write `$(…)` instead of backquotes")
    .why("Backquotes can't be nested without backslashes, and are easily read as quotes.")
    .examples("RUN echo \"`uname -r`\"", "RUN echo \"$(uname -r)\"");
const SC2016: Rule = Rule::new("SC2016", Info, "Use double quotes where variables are to be expanded")
    .why("Between single quotes `$NAME` and `$(…)` are text.")
    .examples("RUN echo 'built by $USER'", "RUN echo \"built by $USER\"");
const SC2035: Rule = Rule::new("SC2035", Info, "Begin patterns with `./`")
    .why("A file whose name begins with a dash is taken for an option.")
    .examples("RUN rm *.tmp", "RUN rm ./*.tmp");
const SC2046: Rule = Rule::new("SC2046", Warning, "Quote `$(…)`")
    .why("Without quotes the output is split at blanks, and patterns in it become files' names.")
    .examples("RUN cp $(which app) /out", "RUN cp \"$(which app)\" /out");
const SC2048: Rule = Rule::new("SC2048", Warning, "Write \"$@\" instead of `$*`")
    .why("`$*` splits arguments that have blanks.")
    .examples("RUN f() { make $*; }; f all", "RUN f() { make \"$@\"; }; f all");
const SC2061: Rule = Rule::new("SC2061", Warning, "Quote patterns for find")
    .why("Without quotes the shell replaces the pattern with the files of this folder, and find looks for those.")
    .examples("RUN find / -name *.pyc -delete", "RUN find / -name '*.pyc' -delete");
const SC2068: Rule = Rule::new("SC2068", Error, "Quote \"$@\" and arrays")
    .why("Without quotes every element is split at blanks.")
    .examples("RUN f() { make $@; }; f all", "RUN f() { make \"$@\"; }; f all");
const SC2086: Rule = Rule::new("SC2086", Info, "Quote variables")
    .why("Without quotes a value is split at blanks, and patterns in it become files' names. Variables that ENV and ARG set are taken to be one word.")
    .examples("RUN file=$(ls) && cat $file", "RUN file=$(ls) && cat \"$file\"");

pub(super) struct Quoting<'v, 's, 'a, 'f>(pub(super) &'v mut Sheet<'s, 'a, 'f>);

impl Visit for Quoting<'_, '_, '_, '_> {
    fn command(&mut self, command: &Command, _place: Place) {
        match command {
            Command::Simple(simple) => self.simple(simple),
            Command::Compound(compound) => self.compound(compound),
        }
    }
}

impl Quoting<'_, '_, '_, '_> {
    fn simple(&mut self, simple: &Simple) {
        let values = simple.assignments.iter().flat_map(|assignment| &assignment.value);
        self.backquotes(values.chain(&simple.words));
        let name = simple.name().unwrap_or_default();
        let is_declarer = ["export", "local", "readonly", "declare", "typeset"].contains(&name.as_str());
        for word in &simple.words {
            let is_value = is_declarer && word.unquoted().contains('=');
            if !is_value {
                self.split(word);
            }
        }
        for redirect in simple
            .redirects
            .iter()
            .filter(|redirect| !redirect.operator.starts_with("<<") && !redirect.operator.ends_with('&'))
        {
            self.split(&redirect.target);
        }
        self.single_quotes(&name, simple);
        self.patterns(&name, simple);
    }

    fn compound(&mut self, compound: &Compound) {
        match &compound.kind {
            CompoundKind::For { words, .. } => self.backquotes(words),
            CompoundKind::Case { subject, .. } => self.backquotes([subject]),
            CompoundKind::Test(words) => self.backquotes(words),
            _ => {}
        }
    }

    fn backquotes<'w>(&mut self, words: impl IntoIterator<Item = &'w Word>) {
        let mut found = Vec::new();
        each_part(words, &mut |part, _| {
            if matches!(part.kind, PartKind::Command { is_backquoted: true, .. }) {
                found.push(part.span);
            }
        });
        for span in found {
            let place = self.0.run.place(span);
            let text = self.0.subject.file.text_at(place).to_owned();
            let is_plain = text.len() > 1
                && text.starts_with('`')
                && text.ends_with('`')
                && !text[1..text.len() - 1].contains(['\\', '`']);
            if is_plain {
                let wanted = format!("$({})", &text[1..text.len() - 1]);
                self.0.add_with_fix(&SC2006, "backquotes are easily read as quotes", (span, &text), &wanted);
            } else {
                self.0.add(&SC2006, span, "backquotes are easily read as quotes");
            }
        }
    }

    /// Pieces outside of quotes that are split.
    fn split(&mut self, word: &Word) {
        for part in &word.parts {
            match &part.kind {
                PartKind::Parameter(parameter) => self.parameter(part, parameter),
                PartKind::Command { script, .. } if !gives_numbers(script) => {
                    self.0.add(&SC2046, part.span, "the output is split at blanks");
                }
                _ => {}
            }
        }
    }

    fn parameter(&mut self, part: &Part, parameter: &Parameter) {
        let name = parameter.name.as_str();
        let is_array = name == "@" || parameter.index.as_deref() == Some("@");
        let alternative = parameter.operator.trim_start_matches(':') == "+";
        if is_array && !parameter.is_length {
            self.0.add(&SC2068, part.span, "elements with blanks are split");
        } else if name == "*" {
            self.0.add(&SC2048, part.span, "arguments with blanks are split");
        } else if !is_number(parameter) && !alternative && !self.0.known.is_one_word(name) {
            self.0.add(&SC2086, part.span, format!("the value of `{name}` is split at blanks"));
        }
    }

    fn single_quotes(&mut self, name: &str, simple: &Simple) {
        let base = name.rsplit('/').next().unwrap_or_default();
        if MAY_HOLD_DOLLARS.contains(&base) || base.ends_with("awk") {
            return;
        }
        for word in simple.words.iter().skip(1) {
            for part in &word.parts {
                let PartKind::Single(text) = &part.kind else { continue };
                let is_sed = base == "sed" || base == "envsubst";
                if looks_expandable(text) && !is_sed {
                    self.0.add(&SC2016, part.span, "between single quotes nothing is expanded");
                    return;
                }
            }
        }
    }

    fn patterns(&mut self, name: &str, simple: &Simple) {
        let arguments = || simple.words.iter().skip(1);
        if name == "find" {
            let pairs = simple.words.windows(2);
            let unquoted = pairs
                .filter(|pair| {
                    ["-name", "-iname", "-path", "-ipath", "-wholename"].contains(&pair[0].unquoted().as_str())
                })
                .find(|pair| has_pattern(&pair[1]));
            if let Some(pair) = unquoted {
                self.0.add(&SC2061, pair[1].span, "the shell expands this pattern before find sees it");
            }
            return;
        }
        if ["echo", "printf", "ls", "["].contains(&name) && name != "ls"
            || name == "test"
            || arguments().any(|word| word.unquoted() == "--")
        {
            return;
        }
        let leading = arguments()
            .find(|word| matches!(&word.parts[0].kind, PartKind::Literal(text) if text.starts_with(['*', '?'])));
        let is_case = name.is_empty();
        if let Some(word) =
            leading.filter(|_| !is_case && !["expr", "let", "unzip", "tar", "apt-get", "yum", "dnf"].contains(&name))
        {
            self.0.add(&SC2035, word.span, "a file whose name begins with `-` becomes an option");
        }
    }
}

/// Programs that expand `$` themselves, or run their argument as a script.
const MAY_HOLD_DOLLARS: [&str; 29] = [
    "sh",
    "bash",
    "ash",
    "dash",
    "zsh",
    "ksh",
    "ssh",
    "eval",
    "trap",
    "alias",
    "su",
    "sudo",
    "gosu",
    "runuser",
    "docker",
    "podman",
    "perl",
    "ruby",
    "jq",
    "yq",
    "dpkg-query",
    "rename",
    "git",
    "find",
    "xargs",
    "parallel",
    "python",
    "python3",
    "[",
];

fn looks_expandable(text: &str) -> bool {
    let bytes = text.as_bytes();
    let has_dollar =
        bytes.windows(2).any(|pair| pair[0] == b'$' && (pair[1].is_ascii_alphanumeric() || b"{(_".contains(&pair[1])));
    let quotes = bytes.iter().filter(|byte| **byte == b'`').count();
    has_dollar || quotes > 1
}

/// Commands whose output is meant to be split, or is a number.
fn gives_numbers(script: &Script) -> bool {
    let [statement] = script.statements.as_slice() else { return false };
    match statement.first.commands.as_slice() {
        [Command::Simple(simple)] => {
            simple.words.is_empty() || simple.name().is_some_and(|name| ["seq", "pgrep"].contains(&name.as_str()))
        }
        _ => false,
    }
}

fn has_pattern(word: &Word) -> bool {
    word.parts.iter().any(|part| matches!(&part.kind, PartKind::Literal(text) if text.contains(['*', '?', '['])))
}
