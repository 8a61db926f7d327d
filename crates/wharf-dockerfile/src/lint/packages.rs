//! What the rules on package managers have in common: which commands install, and what cleans up after them.

use super::finding::{Findings, Fix};
use super::invocation::{Argument, Invocation};
use super::rule::Rule;
use super::subject::{RunView, Subject};

/// Notes a finding at the first of these arguments, where there is one.
pub(super) fn first<'a>(
    run: &RunView<'_>,
    findings: &mut Findings,
    rule: &'static Rule,
    mut arguments: impl Iterator<Item = &'a Argument>,
    message: impl Fn(&str) -> String,
) {
    if let Some(argument) = arguments.next() {
        findings.add(rule, run.instruction, run.place(argument.span), message(&argument.text));
    }
}

/// Notes a finding at the first command that is meant, with a fix that puts a flag behind one of its words.
pub(super) fn missing_flag(
    (subject, run): (&Subject<'_>, &RunView<'_>),
    findings: &mut Findings,
    rule: &'static Rule,
    is_meant: impl Fn(&Invocation) -> bool,
    (verbs, flag): (&[&str], &str),
) {
    let Some(command) = run.commands.iter().find(|command| is_meant(command)) else { return };
    let verb = command.arguments.iter().find(|argument| verbs.contains(&argument.text.as_str()));
    let fix = verb.filter(|verb| run.is_editable(subject.file, verb.span, &verb.text));
    let fix = fix.and_then(|verb| Fix::insert(format!("add `{flag}`"), run.place(verb.span).end, format!(" {flag}")));
    findings
        .add(rule, run.instruction, run.place(command.span), format!("`{}` is called without `{flag}`", command.name))
        .fix(fix);
}

/// Whether, after the command at `index`, the same RUN removes one of these folders, or a folder that holds one.
pub(super) fn removes(run: &RunView<'_>, index: usize, folders: &[&str]) -> bool {
    let is_covered = |text: &str| {
        let folder = text.trim_end_matches(['*', '/', '.']);
        folders.iter().any(|wanted| {
            let inside = folder.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
            let above = wanted.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
            inside || (above && !folder.is_empty())
        })
    };
    run.commands[index + 1..].iter().any(|command| {
        let removes = command.name == "rm" || (command.name == "find" && command.has(&["-delete", "rm"]));
        removes && command.texts().any(is_covered)
    })
}
