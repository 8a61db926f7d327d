//! What `bash` knows and POSIX's `sh` does not.

use super::{Sheet, each_part};
use crate::diagnostic::Severity::Warning;
use crate::lint::rule::Rule;
use crate::shell::{Command, Compound, CompoundKind, Parameter, Part, PartKind, Place, Redirect, Simple, Visit, Word};

pub(super) const RULES: &[&Rule] = &[
    &SC3001, &SC3003, &SC3006, &SC3009, &SC3010, &SC3011, &SC3014, &SC3020, &SC3030, &SC3037, &SC3040, &SC3043,
    &SC3044, &SC3046, &SC3054, &SC3057, &SC3060,
];

const WHY: &str = "A RUN without SHELL runs under `/bin/sh`, which on Debian is dash and on Alpine is BusyBox: what only bash knows fails there, or means something else.";
const BASH: &str = "SHELL [\"/bin/bash\", \"-c\"]";

const SC3001: Rule = Rule::new("SC3001", Warning, "Use process substitution in bash only")
    .why(WHY)
    .examples("RUN diff <(sort a) <(sort b)", "RUN sort a > a1 && sort b > b1 && diff a1 b1");
const SC3003: Rule = Rule::new("SC3003", Warning, "Use `$'…'` in bash only")
    .why(WHY)
    .examples("RUN printf %s $'a\\tb'", "RUN printf 'a\\tb'");
const SC3006: Rule = Rule::new("SC3006", Warning, "Use `((…))` in bash only")
    .why(WHY)
    .examples("RUN ((1 < 2)) && make", "RUN [ 1 -lt 2 ] && make");
const SC3009: Rule = Rule::new("SC3009", Warning, "Use brace expansion in bash only")
    .why(WHY)
    .examples("RUN mkdir -p /srv/{a,b}", "RUN mkdir -p /srv/a /srv/b");
const SC3010: Rule = Rule::new("SC3010", Warning, "Use `[[ … ]]` in bash only")
    .why(WHY)
    .examples("RUN [[ -f a ]] && make", "RUN [ -f a ] && make");
const SC3011: Rule = Rule::new("SC3011", Warning, "Use here-strings in bash only")
    .why(WHY)
    .examples("RUN cat <<< text", "RUN echo text | cat");
const SC3014: Rule = Rule::new("SC3014", Warning, "Compare with `=` in `[ … ]`")
    .why(WHY)
    .examples("RUN [ \"$A\" == b ] && make", "RUN [ \"$A\" = b ] && make");
const SC3020: Rule = Rule::new("SC3020", Warning, "Use `&>` in bash only")
    .why("To a POSIX shell `command &> file` is two commands: one in the background, and one that empties the file.")
    .examples("RUN make &> log", "RUN make > log 2>&1");
const SC3030: Rule = Rule::new("SC3030", Warning, "Use arrays in bash only").why(WHY).examples("RUN list=(a b)", BASH);
const SC3037: Rule = Rule::new("SC3037", Warning, "Use flags of echo in bash only")
    .why("Whether `echo -e` takes `-e` for a flag depends on the shell: dash prints it.")
    .examples("RUN echo -e 'a\\tb'", "RUN printf 'a\\tb\\n'");
const SC3040: Rule =
    Rule::new("SC3040", Warning, "Set `pipefail` in bash only").why(WHY).examples("RUN set -o pipefail && a | b", BASH);
const SC3043: Rule = Rule::new("SC3043", Warning, "Use `local` in bash only")
    .why(WHY)
    .examples("RUN f() { local a=1; }; f", "RUN f() { a=1; }; f");
const SC3044: Rule = Rule::new("SC3044", Warning, "Use bash's builtins in bash only")
    .why(WHY)
    .examples("RUN pushd /srv && make && popd", "RUN (cd /srv && make)");
const SC3046: Rule = Rule::new("SC3046", Warning, "Write `.` instead of `source`")
    .why(WHY)
    .examples("RUN source ./env && make", "RUN . ./env && make");
const SC3054: Rule = Rule::new("SC3054", Warning, "Use elements of arrays in bash only")
    .why(WHY)
    .examples("RUN echo \"${list[0]}\"", BASH);
const SC3057: Rule = Rule::new("SC3057", Warning, "Cut strings in bash only")
    .why(WHY)
    .examples("RUN echo \"${A:0:1}\"", "RUN echo \"$A\" | cut -c1");
const SC3060: Rule = Rule::new("SC3060", Warning, "Replace in strings in bash only")
    .why(WHY)
    .examples("RUN echo \"${A/a/b}\"", "RUN echo \"$A\" | sed s/a/b/");

pub(super) struct Posix<'v, 's, 'a, 'f>(pub(super) &'v mut Sheet<'s, 'a, 'f>);

impl Visit for Posix<'_, '_, '_, '_> {
    fn command(&mut self, command: &Command, _place: Place) {
        match command {
            Command::Simple(simple) => self.simple(simple),
            Command::Compound(compound) => self.compound(compound),
        }
    }
}

impl Posix<'_, '_, '_, '_> {
    fn compound(&mut self, compound: &Compound) {
        self.redirects(&compound.redirects);
        match &compound.kind {
            CompoundKind::Test(words) => {
                self.0.add(&SC3010, compound.span, "`[[` is bash's");
                self.words(words);
            }
            CompoundKind::Arithmetic(_) => self.0.add(&SC3006, compound.span, "`((` is bash's"),
            CompoundKind::For { words, .. } => self.words(words),
            CompoundKind::Case { subject, .. } => self.words([subject]),
            _ => {}
        }
    }

    fn simple(&mut self, simple: &Simple) {
        self.redirects(&simple.redirects);
        for assignment in &simple.assignments {
            if assignment.is_array {
                self.0.add(&SC3030, assignment.span, "arrays are bash's");
            }
            self.words(&assignment.value);
        }
        self.words(&simple.words);
        let Some((first, arguments)) = simple.words.split_first() else { return };
        let second = arguments.first();
        match simple.name().unwrap_or_default().as_str() {
            "echo" => {
                if let Some(word) = second.filter(|word| is_echo_flag(&word.unquoted())) {
                    self.0.add(&SC3037, word.span, "some shells print this flag");
                }
            }
            "set" => {
                if let Some(word) = arguments.iter().find(|word| word.unquoted() == "pipefail") {
                    self.0.add(&SC3040, word.span, "dash has no `pipefail`");
                }
            }
            "local" => self.0.add(&SC3043, first.span, "`local` is not POSIX's"),
            "source" => self.0.add_with_fix(&SC3046, "`source` is bash's", (first.span, "source"), "."),
            "pushd" | "popd" | "dirs" | "declare" | "typeset" | "shopt" | "mapfile" | "readarray" | "let"
            | "disown" | "enable" | "compgen" => {
                self.0.add(&SC3044, first.span, format!("`{}` is bash's", first.unquoted()));
            }
            "[" | "test" => {
                if let Some(word) = arguments.iter().find(|word| word.literal().as_deref() == Some("==")) {
                    self.0.add_with_fix(&SC3014, "`==` is bash's", (word.span, "=="), "=");
                }
            }
            _ => {}
        }
    }

    fn redirects(&mut self, redirects: &[Redirect]) {
        for redirect in redirects {
            match redirect.operator {
                "&>" | "&>>" => self.0.add(&SC3020, redirect.span, "to a POSIX shell this is `&`, and an emptied file"),
                "<<<" => self.0.add(&SC3011, redirect.span, "here-strings are bash's"),
                _ => {}
            }
        }
    }

    fn words<'w>(&mut self, words: impl IntoIterator<Item = &'w Word>) {
        let mut found: Vec<(&'static Rule, crate::span::Span, &str)> = Vec::new();
        each_part(words, &mut |part, is_quoted| found.extend(piece(part, is_quoted)));
        for (rule, span, message) in found {
            self.0.add(rule, span, message);
        }
    }
}

fn piece(part: &Part, is_quoted: bool) -> Option<(&'static Rule, crate::span::Span, &'static str)> {
    match &part.kind {
        PartKind::Process(_) => Some((&SC3001, part.span, "process substitution is bash's")),
        PartKind::AnsiC(_) => Some((&SC3003, part.span, "`$'…'` is not in every shell")),
        PartKind::Literal(text) if !is_quoted && has_braces(text) => {
            Some((&SC3009, part.span, "brace expansion is bash's"))
        }
        PartKind::Parameter(parameter) => {
            parameter_of_bash(parameter).map(|(rule, message)| (rule, part.span, message))
        }
        _ => None,
    }
}

fn parameter_of_bash(parameter: &Parameter) -> Option<(&'static Rule, &'static str)> {
    match parameter.operator.as_str() {
        _ if parameter.index.is_some() => Some((&SC3054, "elements of arrays are bash's")),
        ":" => Some((&SC3057, "cutting strings is bash's")),
        "/" | "//" | "/#" | "/%" => Some((&SC3060, "replacing in strings is bash's")),
        _ => None,
    }
}

/// `{a,b}` or `{1..3}`
fn has_braces(text: &str) -> bool {
    text.find('{').and_then(|open| text[open..].find('}').map(|close| &text[open + 1..open + close])).is_some_and(
        |inner| {
            inner.contains(',') || inner.split_once("..").is_some_and(|(from, to)| !from.is_empty() && !to.is_empty())
        },
    )
}

fn is_echo_flag(text: &str) -> bool {
    text.strip_prefix('-')
        .is_some_and(|letters| !letters.is_empty() && letters.bytes().all(|byte| b"neE".contains(&byte)))
}
