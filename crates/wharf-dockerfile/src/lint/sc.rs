//! Findings in the shell of RUN, under ShellCheck's ids. About fifty of its rules, which make nearly all that it finds in Dockerfiles.
//!
//! Ids and what they are about are ShellCheck's; words and code are ours. They look at the parsed script ([`crate::shell`]), know the
//! variables that ENV and ARG set, and say nothing about a script of a shell that is not read.

mod call;
mod control;
mod pipe;
mod posix;
mod quoting;
mod syntax;
mod variables;

use super::finding::{Findings, Fix};
use super::rule::Rule;
use super::subject::{Dialect, RunView, Subject};
use crate::shell::{Part, PartKind, Script, Word};
use crate::span::Span;
use variables::Known;

/// All of them.
pub(super) const RULES: &[&[&Rule]] =
    &[syntax::RULES, quoting::RULES, variables::RULES, control::RULES, call::RULES, pipe::RULES, posix::RULES];

/// Looks for what they are about.
pub(super) fn check(subject: &Subject<'_>, findings: &mut Findings) {
    let mut known = Known::default();
    for run in subject.direct_runs() {
        match &run.script {
            Some(Ok(script)) => {
                known.learn(subject, run, script);
                let mut sheet = Sheet { subject, run, known: &known, findings };
                sheet.script(script);
            }
            Some(Err(error)) => syntax::check(run, error, findings),
            None => {}
        }
    }
}

/// What the rules write on while they look at one script.
struct Sheet<'s, 'a, 'f> {
    subject: &'s Subject<'a>,
    run: &'s RunView<'a>,
    known: &'s Known,
    findings: &'f mut Findings,
}

impl Sheet<'_, '_, '_> {
    fn script(&mut self, script: &Script) {
        script.walk(&mut quoting::Quoting(self));
        script.walk(&mut variables::Variables(self));
        script.walk(&mut control::Control::new(self, script));
        script.walk(&mut call::Call(self));
        script.walk(&mut pipe::Pipe(self));
        if self.run.shell.dialect == Dialect::Posix {
            script.walk(&mut posix::Posix(self));
        }
    }

    fn add(&mut self, rule: &'static Rule, span: Span, message: impl Into<String>) {
        self.findings.add(rule, self.run.instruction, self.run.place(span), message);
    }

    /// With a fix that puts `text` in the place of `span`, where `expected` stands in the file.
    fn add_with_fix(
        &mut self,
        rule: &'static Rule,
        message: impl Into<String>,
        (span, expected): (Span, &str),
        text: &str,
    ) {
        let place = self.run.place(span);
        let is_editable = self.run.is_editable(self.subject.file, span, expected);
        let fix = if is_editable { Fix::replace(format!("write `{text}`"), place, text) } else { None };
        self.findings.add(rule, self.run.instruction, place, message).fix(fix);
    }
}

/// Goes through the pieces of words, also of those in double quotes; not into substitutions.
fn each_part<'w>(words: impl IntoIterator<Item = &'w Word>, look: &mut dyn FnMut(&'w Part, bool)) {
    for word in words {
        parts(&word.parts, false, look);
    }
}

fn parts<'w>(list: &'w [Part], is_quoted: bool, look: &mut dyn FnMut(&'w Part, bool)) {
    for part in list {
        look(part, is_quoted);
        match &part.kind {
            PartKind::Double(inner) => parts(inner, true, look),
            PartKind::Parameter(parameter) => parts(&parameter.operand, true, look),
            _ => {}
        }
    }
}
