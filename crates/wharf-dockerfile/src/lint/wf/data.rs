//! VOLUME: data that a container changes.

use crate::diagnostic::Severity::{Info, Style};
use crate::dockerfile::Stage;
use crate::instruction::{Instruction, InstructionKind};
use crate::lint::finding::Findings;
use crate::lint::rule::Rule;
use crate::lint::subject::{RunView, Subject};
use crate::span::Span;

pub(super) const RULES: &[&Rule] = &[&WF1006, &WF1007];

const WF1006: Rule = Rule::new("WF1006", Style, "Declare a VOLUME for data that the program changes")
    .why("What a container writes outside of volumes goes with the container, and is slower to write. A VOLUME says where the data is, and an engine makes one even if nobody thinks of it.")
    .examples("RUN mkdir -p /var/lib/postgresql/data", "RUN mkdir -p /var/lib/postgresql/data\nVOLUME /var/lib/postgresql/data");
const WF1007: Rule = Rule::new("WF1007", Info, "Fill a folder before you declare it a VOLUME")
    .why("What changes below a VOLUME after its line is kept by some builders and dropped by others.")
    .examples("VOLUME /data\nRUN mkdir -p /data/cache", "RUN mkdir -p /data/cache\nVOLUME /data");

/// Where programs keep what they change.
const DATA: [&str; 14] = [
    "/data",
    "/var/lib/postgresql",
    "/var/lib/mysql",
    "/var/lib/mariadb",
    "/var/lib/mongodb",
    "/var/lib/redis",
    "/var/lib/elasticsearch",
    "/var/lib/rabbitmq",
    "/var/lib/grafana",
    "/var/lib/prometheus",
    "/var/lib/influxdb",
    "/var/lib/couchdb",
    "/var/lib/neo4j",
    "/var/lib/cassandra",
];

pub(super) fn check(subject: &Subject<'_>, findings: &mut Findings) {
    for stage in &subject.stages {
        let runs = subject.runs_of(stage.index);
        let is_last = stage.index + 1 == subject.stages.len();
        if is_last && !subject.chain(stage).any(|stage| has_volume(&stage)) {
            undeclared(runs, findings);
        }
        late(stage, runs, findings);
    }
}

fn has_volume(stage: &Stage<'_>) -> bool {
    stage.instructions.iter().any(|instruction| matches!(instruction.kind, InstructionKind::Volume(_)))
}

/// Whether `path` is `folder` or below it.
fn is_in(path: &str, folder: &str) -> bool {
    let folder = folder.trim_end_matches('/');
    !folder.is_empty() && path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Paths that a RUN makes, or gives to somebody.
fn made<'r>(run: &'r RunView<'_>) -> impl Iterator<Item = (&'r str, Span)> {
    let makers = run
        .commands
        .iter()
        .filter(|command| ["mkdir", "install", "chown", "chmod", "touch"].contains(&command.name.as_str()));
    makers.flat_map(|command| command.arguments.iter().map(|argument| (argument.text.as_str(), argument.span)))
}

fn undeclared(runs: &[RunView<'_>], findings: &mut Findings) {
    for run in runs.iter().filter(|run| !run.is_trigger) {
        if let Some((path, span)) = made(run).find(|(path, _)| DATA.iter().any(|folder| is_in(path, folder))) {
            findings.add(
                &WF1006,
                run.instruction,
                run.place(span),
                format!("`{path}` looks like data, and no VOLUME holds it"),
            );
            return;
        }
    }
}

fn late(stage: &Stage<'_>, runs: &[RunView<'_>], findings: &mut Findings) {
    let mut volumes: Vec<&str> = Vec::new();
    let mut runs = runs.iter().filter(|run| !run.is_trigger);
    for instruction in stage.instructions {
        match &instruction.kind {
            InstructionKind::Volume(volume) => {
                volumes.extend(volume.paths.iter().take(MAX_VOLUMES).map(|path| path.trim_matches(['"', '\''])))
            }
            InstructionKind::Run(_) => {
                let Some(run) = runs.next() else { return };
                let mut changed = made(run).filter(|(path, _)| volumes.iter().any(|volume| is_in(path, volume)));
                if let Some((path, span)) = changed.next() {
                    note(instruction, run.place(span), path, findings);
                }
            }
            InstructionKind::Copy(copy) => {
                let destination = copy.destination.trim_matches(['"', '\'']);
                if volumes.iter().any(|volume| is_in(destination, volume)) {
                    note(instruction, copy.destination.span, destination, findings);
                }
            }
            _ => {}
        }
        volumes.truncate(MAX_VOLUMES);
    }
}

/// More volumes than this no image has.
const MAX_VOLUMES: usize = 64;

fn note(instruction: &Instruction, span: Span, path: &str, findings: &mut Findings) {
    findings.add(&WF1007, instruction, span, format!("`{path}` lies in a VOLUME that stands above"));
}
