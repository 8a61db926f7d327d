//! What a later layer deletes stays in the earlier one.

use crate::diagnostic::Severity::Warning;
use crate::dockerfile::Stage;
use crate::instruction::InstructionKind;
use crate::lint::finding::Findings;
use crate::lint::invocation::Invocation;
use crate::lint::rule::Rule;
use crate::lint::subject::{RunView, Subject};

pub(super) const RULES: &[&Rule] = &[&WF1010];

const WF1010: Rule = Rule::new("WF1010", Warning, "Delete in the RUN that made it")
    .why("A layer only adds to those below it. What a later RUN deletes can't be seen any more, but is still pulled, stored and scanned. Delete it in the same RUN, or make it in a cache mount or another stage.")
    .examples("RUN curl -fsSo /tmp/a.tgz https://example.com/a.tgz\nRUN tar -xf /tmp/a.tgz -C /srv && rm /tmp/a.tgz", "RUN curl -fsSo /tmp/a.tgz https://example.com/a.tgz && tar -xf /tmp/a.tgz -C /srv && rm /tmp/a.tgz");

/// So many paths are remembered of one stage.
const MAX_PATHS: usize = 256;

/// A path that an earlier layer has, and the line of it.
struct Made {
    path: String,
    line: usize,
}

pub(super) fn check(subject: &Subject<'_>, findings: &mut Findings) {
    for stage in &subject.stages {
        // What a stage that nobody stands on keeps is thrown away with it.
        if subject.is_base_or_last(stage.index) {
            one(subject, stage, findings);
        }
    }
}

fn one(subject: &Subject<'_>, stage: &Stage<'_>, findings: &mut Findings) {
    let mut made: Vec<Made> = Vec::new();
    let mut runs = subject.runs_of(stage.index).iter().filter(|run| !run.is_trigger);
    for instruction in stage.instructions {
        let line = subject.file.line(instruction.span.start);
        match &instruction.kind {
            InstructionKind::Run(_) => {
                let Some(run) = runs.next() else { return };
                deleted(run, &made, findings);
                made.extend(run.commands.iter().flat_map(makes).map(|path| Made { path, line }));
            }
            InstructionKind::Copy(copy) => {
                let path = copy.destination.trim_matches(['"', '\'']).to_owned();
                if path.starts_with('/') && path.len() > 1 && !path.ends_with('/') {
                    made.push(Made { path, line });
                }
            }
            _ => {}
        }
        made.truncate(MAX_PATHS);
    }
}

/// The files that a command makes, as far as one can tell.
fn makes(command: &Invocation) -> Vec<String> {
    let after = |flags: &[&str]| {
        let pair = command.arguments.windows(2).find(|pair| flags.contains(&pair[0].text.as_str()));
        pair.map(|pair| pair[1].text.clone()).into_iter().filter(|path| path.starts_with('/')).collect()
    };
    match command.name.as_str() {
        "apt-get" | "apt" if command.has(&["update"]) => vec!["/var/lib/apt/lists".to_owned()],
        "curl" => {
            let joined =
                command.texts().find_map(|text| text.strip_prefix("-fsSo").or_else(|| text.strip_prefix("-fsSLo")));
            let separate: Vec<String> =
                after(&["-o", "--output", "-fsSo", "-fsSLo", "-sSLo", "-Lo", "-sLo", "-fLo", "-sSo", "-so"]);
            separate.into_iter().chain(joined.filter(|path| path.starts_with('/')).map(str::to_owned)).collect()
        }
        "wget" => after(&["-O", "--output-document", "-qO"]),
        _ => Vec::new(),
    }
}

fn deleted(run: &RunView<'_>, made: &[Made], findings: &mut Findings) {
    let mut here: Vec<String> = Vec::new();
    for command in &run.commands {
        if command.name != "rm" {
            here.extend(makes(command));
            here.truncate(MAX_PATHS);
            continue;
        }
        for argument in command.arguments.iter().filter(|argument| argument.text.starts_with('/')) {
            let removed = argument.text.trim_end_matches(['*', '/']);
            let holds = |path: &str| {
                let rest = path.strip_prefix(removed).filter(|_| !removed.is_empty());
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            };
            let earlier = made.iter().rev().find(|made| holds(&made.path) && !here.contains(&made.path));
            if let Some(made) = earlier {
                let message = format!("`{}` is deleted here, and stays in the layer of line {}", made.path, made.line);
                findings.add(&WF1010, run.instruction, run.place(argument.span), message);
                return;
            }
        }
    }
}
