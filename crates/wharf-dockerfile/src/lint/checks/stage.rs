//! Stages: names, platforms, and instructions that count once.

use crate::diagnostic::Severity::Warning;
use crate::dockerfile::Stage;
use crate::instruction::{Instruction, InstructionKind};
use crate::lint::finding::Findings;
use crate::lint::rule::Rule;
use crate::lint::subject::Subject;

pub(super) const RULES: &[&Rule] =
    &[&DUPLICATE, &RESERVED, &ONCE, &BASE_PLATFORM, &TARGET_PLATFORM, &CONSTANT_PLATFORM];

const DUPLICATE: Rule = Rule::new("DuplicateStageName", Warning, "Name every stage differently")
    .why("Of two stages with one name, only the later one can be referred to.")
    .examples("FROM golang:1.25 AS build\nFROM node:24 AS build", "FROM golang:1.25 AS server\nFROM node:24 AS pages");
const RESERVED: Rule = Rule::new("ReservedStageName", Warning, "Do not name a stage `scratch` or `context`")
    .why("Both names mean something else to the builder: the empty base, and the build context.")
    .examples("FROM debian:13 AS context", "FROM debian:13 AS sources");
const ONCE: Rule =
    Rule::new("MultipleInstructionsDisallowed", Warning, "Write CMD, ENTRYPOINT and HEALTHCHECK once per stage")
        .why("Only the last one counts; the others are lines that look as if they did something.")
        .examples("CMD [\"a\"]\nCMD [\"b\"]", "CMD [\"b\"]");
const BASE_PLATFORM: Rule = Rule::new("InvalidBaseImagePlatform", Warning, "Stand on a base of the platform that is asked for")
    .why("A stage for one platform on a base for another runs programs that the machine can't run. Bases in a registry are looked at when the image is built; here stages of the same file are.")
    .examples("FROM --platform=linux/amd64 debian:13 AS base\nFROM --platform=linux/arm64 base", "FROM debian:13 AS base\nFROM base");
const TARGET_PLATFORM: Rule = Rule::new("RedundantTargetPlatform", Warning, "Leave out `--platform=$TARGETPLATFORM`")
    .why("The target's platform is what FROM takes anyway.")
    .examples("FROM --platform=$TARGETPLATFORM debian:13", "FROM debian:13");
const CONSTANT_PLATFORM: Rule = Rule::new("FromPlatformFlagConstDisallowed", Warning, "Write no constant platform into FROM")
    .why("A constant makes the stage for that platform only, whatever the build asks for. A stage whose name says which platform it is for is meant so.")
    .examples("FROM --platform=linux/amd64 golang:1.25 AS build", "FROM --platform=linux/amd64 golang:1.25 AS build_amd64");

pub(super) fn check(subject: &Subject<'_>, findings: &mut Findings) {
    for stage in &subject.stages {
        if let Some(name) = stage.from.name() {
            if subject.stage_before(name, stage.index).is_some() {
                findings.add(
                    &DUPLICATE,
                    stage.instruction,
                    name.span,
                    format!("an earlier stage is named `{}`, too", name.value),
                );
            }
            if ["scratch", "context"].iter().any(|reserved| name.eq_ignore_ascii_case(reserved)) {
                findings.add(
                    &RESERVED,
                    stage.instruction,
                    name.span,
                    format!("`{}` is a name of the builder's own", name.value),
                );
            }
        }
        once(stage, findings);
        platform(subject, stage, findings);
    }
}

fn once(stage: &Stage<'_>, findings: &mut Findings) {
    let kind = |instruction: &Instruction| match &instruction.kind {
        InstructionKind::Cmd(_) => Some(0),
        InstructionKind::Entrypoint(_) => Some(1),
        InstructionKind::Healthcheck(_) => Some(2),
        _ => None,
    };
    let mut last: [Option<&Instruction>; 3] = [None; 3];
    for instruction in stage.instructions {
        let Some(slot) = kind(instruction).map(|kind| &mut last[kind]) else { continue };
        if let Some(before) = slot.replace(instruction) {
            findings.add(
                &ONCE,
                before,
                before.keyword.span,
                format!("a later {} takes the place of this one", before.name()),
            );
        }
    }
}

fn platform(subject: &Subject<'_>, stage: &Stage<'_>, findings: &mut Findings) {
    let Some(platform) = &stage.from.platform else { return };
    let text = platform.trim_matches(['"', '\'']);
    if ["$TARGETPLATFORM", "${TARGETPLATFORM}"].contains(&text) {
        findings.add(&TARGET_PLATFORM, stage.instruction, platform.span, "the target's platform is taken anyway");
    }
    if text.contains('$') {
        return;
    }
    let name = stage.from.name().map(|name| name.to_ascii_lowercase()).unwrap_or_default();
    let mut parts = text.split('/');
    let is_named_for_it =
        parts.by_ref().take(2).any(|part| !part.is_empty() && name.contains(&part.to_ascii_lowercase()));
    let Some(parent) = subject.parent(stage) else {
        if !is_named_for_it {
            findings.add(
                &CONSTANT_PLATFORM,
                stage.instruction,
                platform.span,
                format!("this stage is for `{text}` only"),
            );
        }
        return;
    };
    let other = parent.from.platform.as_ref().map(|platform| platform.trim_matches(['"', '\'']));
    if let Some(other) = other.filter(|other| !other.contains('$') && *other != text) {
        findings.add(
            &BASE_PLATFORM,
            stage.instruction,
            platform.span,
            format!("`{text}` is asked for, and the base is `{other}`"),
        );
    }
}
