//! USER: absent, or changed too often.

use crate::diagnostic::Severity::Style;
use crate::instruction::InstructionKind;
use crate::lint::finding::Findings;
use crate::lint::rule::Rule;
use crate::lint::subject::Subject;

pub(super) const RULES: &[&Rule] = &[&WF1008, &WF1009];

const WF1008: Rule = Rule::new("WF1008", Style, "Say by USER as whom the image runs")
    .why("Without USER it runs as whoever the base runs as, which is root for nearly all. What breaks out of a program that runs as root is one mistake of the host away from being root there.")
    .examples("FROM debian:13\nCMD [\"server\"]", "FROM debian:13\nUSER 10001\nCMD [\"server\"]");
const WF1009: Rule = Rule::new("WF1009", Style, "Change USER seldom")
    .why("Who goes back and forth between users has a hard time to see as whom a line runs, and splits what could be one layer. Do first what root must do, and change once.")
    .examples("USER root\nRUN a\nUSER 1\nRUN b\nUSER root\nRUN c\nUSER 1\nRUN d", "USER root\nRUN a && c\nUSER 1\nRUN b && d");

/// So many changes need nobody's excuse: to root, to a user, and once more.
const MAX_CHANGES: usize = 3;

pub(super) fn check(subject: &Subject<'_>, findings: &mut Findings) {
    for stage in &subject.stages {
        let mut changes = 0;
        let mut current: Option<&str> = None;
        for instruction in stage.instructions {
            let InstructionKind::User(user) = &instruction.kind else { continue };
            changes += usize::from(current != Some(user.as_str()));
            current = Some(user.as_str());
            if changes == MAX_CHANGES + 1 {
                findings.add(
                    &WF1009,
                    instruction,
                    user.span,
                    format!("USER changes for the {changes}th time in this stage"),
                );
            }
        }
    }
    let Some(stage) = subject.stages.last() else { return };
    let has_user = subject
        .chain(stage)
        .any(|stage| stage.instructions.iter().any(|instruction| matches!(instruction.kind, InstructionKind::User(_))));
    let base = subject.chain(stage).last().map(|stage| stage.from.image.as_str()).unwrap_or_default();
    // Nothing starts in an image that has no command; a builder's stage is not run.
    let starts = stage
        .instructions
        .iter()
        .any(|instruction| matches!(instruction.kind, InstructionKind::Cmd(_) | InstructionKind::Entrypoint(_)));
    if !has_user && starts && !base.contains("nonroot") && !base.contains("rootless") {
        findings.add(
            &WF1008,
            stage.instruction,
            stage.from.image.span,
            "no USER: the image runs as whoever its base runs as",
        );
    }
}
