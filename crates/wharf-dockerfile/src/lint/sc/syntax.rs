//! Scripts that can't be read.

use crate::diagnostic::Severity::Error;
use crate::lint::finding::Findings;
use crate::lint::rule::Rule;
use crate::lint::subject::RunView;
use crate::shell::{self, Problem};
use crate::span::Span;

pub(super) const RULES: &[&Rule] = &[&SC1065, &SC1073, &SC1088, &SC1089];

const SC1065: Rule = Rule::new("SC1065", Error, "Declare functions without parameters")
    .why("A function of the shell has empty parentheses; what it is called with is `$1`, `$2` and so on.")
    .examples("RUN greet(name) { echo \"$name\"; }; greet you", "RUN greet() { echo \"$1\"; }; greet you");
const SC1073: Rule = Rule::new("SC1073", Error, "Close what you open")
    .why("A quote, a parenthesis or an `if` without its end makes the shell stop with an error, after it has waited for more.")
    .examples("RUN if true; then echo yes", "RUN if true; then echo yes; fi");
const SC1088: Rule = Rule::new("SC1088", Error, "Quote parentheses that are no subshell")
    .why("An unquoted `(` in the middle of a command is a subshell where none can be, and the shell stops with an error.")
    .examples("RUN echo see (1)", "RUN echo 'see (1)'");
const SC1089: Rule = Rule::new("SC1089", Error, "Leave out what closes nothing")
    .why("A `fi`, `done`, `}` or `;` that nothing has opened or preceded makes the shell stop with an error.")
    .examples("RUN make; fi", "RUN make");

pub(super) fn check(run: &RunView<'_>, error: &shell::Error, findings: &mut Findings) {
    let (rule, message) = match error.problem {
        Problem::FunctionParameters => (&SC1065, "a function's parentheses are empty".to_owned()),
        Problem::StrayParenthesis => (&SC1088, "no subshell can stand here".to_owned()),
        Problem::Unclosed(sign) => (&SC1073, format!("`{sign}` is missing")),
        Problem::Expected(sign) => (&SC1073, format!("{} should stand here", quoted(sign))),
        Problem::NoCommand => (&SC1073, "a command should stand here".to_owned()),
        Problem::Unexpected(sign) => (&SC1089, format!("`{sign}` can't stand here")),
        Problem::UnexpectedWord => (&SC1089, "this word closes nothing".to_owned()),
        // Nothing is known to be wrong with it.
        Problem::TooDeep => return,
    };
    findings.add(rule, run.instruction, run.place(Span::new(error.at, error.at + 1)), message);
}

fn quoted(sign: &str) -> String {
    if sign.contains(' ') { sign.to_owned() } else { format!("`{sign}`") }
}
