//! The order of a stage: what seldom changes stands above what often does, or every change runs the slow lines anew.

use crate::diagnostic::Severity::{Info, Warning};
use crate::dockerfile::Stage;
use crate::instruction::{Copy, Instruction, InstructionKind, Source};
use crate::lint::finding::Findings;
use crate::lint::invocation::Invocation;
use crate::lint::rule::Rule;
use crate::lint::subject::{RunView, Subject};

pub(super) const RULES: &[&Rule] = &[&WF1001, &WF1002];

const WF1001: Rule = Rule::new("WF1001", Warning, "Install dependencies before you copy the sources")
    .why("A step is taken from the cache while nothing above it has changed. Behind `COPY . .` every change of any file installs all dependencies anew. Copy the lists of dependencies first, install, and copy the rest then; packages of the system need no copy at all.")
    .examples("COPY . .\nRUN npm ci", "COPY package.json package-lock.json ./\nRUN npm ci\nCOPY . .");
const WF1002: Rule = Rule::new("WF1002", Info, "Declare what changes with every build as late as you can")
    .why("An ARG or ENV is a part of every RUN below it. One that has another value in every build, such as a commit or a date, runs all of them anew, also those that do not use it.")
    .examples("ARG GIT_COMMIT\nRUN make\nLABEL org.opencontainers.image.revision=$GIT_COMMIT", "RUN make\nARG GIT_COMMIT\nLABEL org.opencontainers.image.revision=$GIT_COMMIT");

pub(super) fn check(subject: &Subject<'_>, findings: &mut Findings) {
    for stage in &subject.stages {
        let runs = subject.runs_of(stage.index);
        sources(subject, stage, runs, findings);
        volatile(subject, stage, runs, findings);
    }
}

/// The first copy of everything, and the first RUN below it that installs.
fn sources(subject: &Subject<'_>, stage: &Stage<'_>, runs: &[RunView<'_>], findings: &mut Findings) {
    let copies = stage.instructions.iter().enumerate().filter_map(|(position, instruction)| match &instruction.kind {
        InstructionKind::Copy(copy) if takes_all(copy) => Some((position, instruction)),
        _ => None,
    });
    let Some((position, copy)) = copies.into_iter().next() else { return };
    let below = runs.iter().filter(|run| run.position > position && !run.is_trigger);
    let Some((run, command)) = below
        .flat_map(|run| run.commands.iter().map(move |command| (run, command)))
        .find(|(_, command)| installs(command))
    else {
        return;
    };
    let line = subject.file.line(run.instruction.span.start);
    let verb = command.texts().find(|text| !text.starts_with('-')).unwrap_or_default();
    let message = format!(
        "every change of a file runs `{} {verb}` in line {line} anew: this line breaks its cache",
        command.name
    );
    findings.add(&WF1001, copy, copy.text.whole(), message);
}

/// `COPY . …` of the build context.
fn takes_all(copy: &Copy) -> bool {
    let is_all =
        |source: &Source| matches!(source, Source::Path(path) if [".", "./", "/", "*"].contains(&path.as_str()));
    copy.from.is_none() && copy.exclude.is_empty() && copy.sources.iter().any(is_all)
}

/// Whether a command fetches what others have made, without a need for the sources.
fn installs(command: &Invocation) -> bool {
    let has = |any: &[&str]| command.has(any);
    match command.name.as_str() {
        "apt-get" | "apt" | "aptitude" | "yum" | "dnf" | "microdnf" | "zypper" => has(&["install"]),
        "apk" => has(&["add"]),
        "npm" => has(&["ci", "install", "i"]),
        "yarn" | "pnpm" => has(&["install", "fetch"]) || command.arguments.is_empty(),
        "pip" | "pip3" => has(&["install"]) && has(&["-r", "--requirement"]),
        "bundle" | "composer" | "poetry" | "pipenv" => has(&["install"]),
        "uv" => has(&["sync"]),
        "go" => has(&["mod"]) && has(&["download"]),
        "cargo" => has(&["fetch"]),
        "mvn" => command.texts().any(|text| text.starts_with("dependency:")),
        "dotnet" => has(&["restore"]),
        _ => false,
    }
}

/// Names that mean another value in every build.
const VOLATILE: [&str; 12] = [
    "build_date",
    "build_time",
    "build_id",
    "build_number",
    "commit",
    "revision",
    "git_sha",
    "git_ref",
    "vcs_ref",
    "timestamp",
    "cachebust",
    "cache_bust",
];

fn volatile(subject: &Subject<'_>, stage: &Stage<'_>, runs: &[RunView<'_>], findings: &mut Findings) {
    for (position, instruction) in stage.instructions.iter().enumerate() {
        let Some((name, span)) = declared(instruction) else { continue };
        let below = &runs[runs.partition_point(|run| run.position < position)..];
        let next = below.iter().find(|run| !run.is_trigger);
        // A RUN that uses it wants to run anew.
        let idle = next.filter(|run| !run.instruction.text.as_str().contains(name));
        if let Some(run) = idle {
            let line = subject.file.line(run.instruction.span.start);
            findings.add(
                &WF1002,
                instruction,
                span,
                format!("`{name}` runs line {line} anew in every build, which does not use it"),
            );
        }
    }
}

fn declared(instruction: &Instruction) -> Option<(&str, crate::span::Span)> {
    let is_volatile = |name: &str| {
        let name = name.to_ascii_lowercase();
        VOLATILE.iter().any(|part| name.contains(part))
    };
    match &instruction.kind {
        InstructionKind::Arg(arg) => arg
            .arguments
            .iter()
            .map(|argument| &argument.name)
            .find(|name| is_volatile(name))
            .map(|name| (name.as_str(), name.span)),
        InstructionKind::Env(env) => env
            .pairs
            .iter()
            .find(|pair| is_volatile(&pair.key) && pair.value.contains('$'))
            .map(|pair| (pair.key.as_str(), pair.key.span)),
        _ => None,
    }
}
