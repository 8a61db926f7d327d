//! How a container starts: ENTRYPOINT, CMD, and the script between them.

use crate::command::CommandLine;
use crate::diagnostic::Severity::{Error, Info, Warning};
use crate::dockerfile::Stage;
use crate::instruction::{Instruction, InstructionKind, Source};
use crate::lint::finding::Findings;
use crate::lint::rule::Rule;
use crate::lint::subject::Subject;
use crate::shell::{self, Command};
use crate::span::{Span, Spanned};

pub(super) const RULES: &[&Rule] = &[&WF1003, &WF1004, &WF1005];

const WF1003: Rule = Rule::new("WF1003", Info, "Put the program into ENTRYPOINT and its default flags into CMD")
    .why("What follows the image's name in `docker run` takes CMD's place and is added to ENTRYPOINT. Flags in ENTRYPOINT can't be changed without naming the program again.")
    .examples("ENTRYPOINT [\"server\", \"--port\", \"8080\"]", "ENTRYPOINT [\"server\"]\nCMD [\"--port\", \"8080\"]");
const WF1004: Rule = Rule::new("WF1004", Error, "Write CMD as a JSON array where ENTRYPOINT is one")
    .why("CMD in shell form becomes `/bin/sh -c …`, and these words become the arguments of the ENTRYPOINT.")
    .examples("ENTRYPOINT [\"server\"]\nCMD --port 8080", "ENTRYPOINT [\"server\"]\nCMD [\"--port\", \"8080\"]");
const WF1005: Rule = Rule::new("WF1005", Warning, "End a start script with `exec`")
    .why("A shell that waits for the program is process 1 in its place: `docker stop` tells the shell, which does not pass it on, and after ten seconds all is killed. `exec` puts the program in the shell's place.")
    .examples("COPY <<EOF /run.sh\n#!/bin/sh\nmigrate\nserver\nEOF\nENTRYPOINT [\"/run.sh\"]", "COPY <<EOF /run.sh\n#!/bin/sh\nmigrate\nexec server \"$@\"\nEOF\nENTRYPOINT [\"/run.sh\"]");

pub(super) fn check(subject: &Subject<'_>, findings: &mut Findings) {
    for stage in &subject.stages {
        commands(stage, findings);
        scripts(subject, stage, findings);
    }
}

/// An instruction, and the command that it gives.
type Given<'a> = Option<(&'a Instruction, &'a CommandLine)>;

/// The last ENTRYPOINT and the last CMD.
fn last<'a>(stage: &Stage<'a>) -> (Given<'a>, Given<'a>) {
    let (mut entrypoint, mut command) = (None, None);
    for instruction in stage.instructions {
        match &instruction.kind {
            InstructionKind::Entrypoint(line) => entrypoint = Some((instruction, line)),
            InstructionKind::Cmd(line) => command = Some((instruction, line)),
            _ => {}
        }
    }
    (entrypoint, command)
}

fn commands(stage: &Stage<'_>, findings: &mut Findings) {
    let (Some((entrypoint, CommandLine::Exec(words))), command) = last(stage) else { return };
    match command {
        Some((instruction, CommandLine::Shell(text))) if !words.is_empty() => {
            findings.add(
                &WF1004,
                instruction,
                text.whole(),
                "the ENTRYPOINT gets `/bin/sh -c` and this text as arguments",
            );
        }
        None => {
            if let Some(flag) = default_flag(words) {
                findings.add(&WF1003, entrypoint, flag, "who runs the image can't change this flag");
            }
        }
        Some(_) => {}
    }
}

/// Programs whose flags say which program is run.
const RUNNERS: [&str; 18] = [
    "sh",
    "bash",
    "ash",
    "dash",
    "env",
    "python",
    "python3",
    "node",
    "java",
    "ruby",
    "perl",
    "php",
    "dotnet",
    "tini",
    "dumb-init",
    "gosu",
    "su-exec",
    "docker-init",
];

fn default_flag(words: &[Spanned<String>]) -> Option<Span> {
    let (program, arguments) = words.split_first()?;
    let name = program.rsplit('/').next().unwrap_or_default();
    let is_runner = RUNNERS.contains(&name) || arguments.iter().any(|word| word.value == "--");
    arguments.iter().find(|word| word.starts_with('-') && word.len() > 1 && !is_runner).map(|word| word.span)
}

/// Scripts that stand in the file itself and start the container.
fn scripts(subject: &Subject<'_>, stage: &Stage<'_>, findings: &mut Findings) {
    let (entrypoint, command) = last(stage);
    let Some((_, CommandLine::Exec(words))) = entrypoint.or(command) else { return };
    let Some(program) = words.first() else { return };
    for instruction in stage.instructions {
        let InstructionKind::Copy(copy) = &instruction.kind else { continue };
        let [Source::Heredoc(heredoc)] = copy.sources.as_slice() else { continue };
        let destination = copy.destination.trim_matches(['"', '\'']);
        let is_started = destination == program.value
            || format!("{}/{}", destination.trim_end_matches('/'), heredoc.opening.name) == program.value;
        if !is_started {
            continue;
        }
        let text = subject.file.text_at(heredoc.content.span);
        if let Some(span) = shell::parse(text).ok().as_ref().and_then(ends_without_exec) {
            let start = heredoc.content.span.start;
            findings.add(
                &WF1005,
                instruction,
                Span::new(start + span.start, start + span.end),
                "the shell stays, and does not pass signals on",
            );
        }
    }
}

/// Where the last command stands, if it is a program that the shell waits for.
fn ends_without_exec(script: &shell::Script) -> Option<Span> {
    let last = script.statements.last()?;
    let pipeline = last.rest.last().map_or(&last.first, |(_, pipeline)| pipeline);
    match pipeline.commands.as_slice() {
        [Command::Simple(simple)] => {
            let name = simple.name().unwrap_or_default();
            (!["exec", "exit", "wait"].contains(&name.as_str())).then_some(simple.span)
        }
        _ => None,
    }
}
