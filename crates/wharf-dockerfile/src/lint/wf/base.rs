//! Where an image is from: approved bases, and labels that name its source.

use crate::diagnostic::Severity::{Error, Style};
use crate::instruction::{Instruction, InstructionKind};
use crate::lint::dl::{has_label, split};
use crate::lint::finding::Findings;
use crate::lint::rule::Rule;
use crate::lint::subject::Subject;

pub(super) const RULES: &[&Rule] = &[&WF1011, &WF1012];

const WF1011: Rule = Rule::new("WF1011", Style, "Label an image with its repository and commit")
    .why("`org.opencontainers.image.source` and `org.opencontainers.image.revision` lead from what runs to the sources it was made of. `wharf build` sets both from the checkout by itself; other builders need them here or as arguments.")
    .examples("FROM debian:13\nCMD [\"server\"]", "FROM debian:13\nARG REVISION\nLABEL org.opencontainers.image.source=https://git.example.com/app org.opencontainers.image.revision=$REVISION\nCMD [\"server\"]");
const WF1012: Rule = Rule::new("WF1012", Error, "Stand on an approved base")
    .why("`approvedBases` lists the images that somebody looks after. An image for production on another base has nobody who sees to it.")
    .examples("# with approvedBases: [registry.example.com/base/*]\nFROM debian:13", "# with approvedBases: [registry.example.com/base/*]\nFROM registry.example.com/base/debian:13");

const LABELS: [&str; 2] = ["org.opencontainers.image.source", "org.opencontainers.image.revision"];

pub(super) fn check(subject: &Subject<'_>, findings: &mut Findings) {
    for stage in &subject.stages {
        let image = &stage.from.image;
        let is_given = image.as_str() == "scratch" || subject.parent(stage).is_some() || image.starts_with('$');
        let approved = &subject.settings.approved_bases;
        if !is_given && !approved.is_empty() && !approved.iter().any(|pattern| is_match(image, pattern)) {
            findings.add(&WF1012, stage.instruction, image.span, format!("`{}` is no approved base", image.value));
        }
    }
    let Some(stage) = subject.stages.last() else { return };
    let missing: Vec<&str> = LABELS.into_iter().filter(|key| !has_label(subject, stage, key)).collect();
    // What has no command is a base, or a folder of files.
    let is_command = |instruction: &Instruction| {
        matches!(instruction.kind, InstructionKind::Cmd(_) | InstructionKind::Entrypoint(_))
    };
    if !missing.is_empty() && stage.instructions.iter().any(is_command) {
        findings.add(
            &WF1011,
            stage.instruction,
            stage.from.image.span,
            format!("nothing sets {}", missing.join(" and ")),
        );
    }
}

/// Whether an image is one that a pattern means: a name for all its tags, a tag, a digest, or any text with `*` in it.
fn is_match(image: &str, pattern: &str) -> bool {
    let (name, tag, _) = split(image);
    let with_tag = tag.map(|tag| format!("{name}:{tag}")).unwrap_or_default();
    [image, name, with_tag.as_str()].into_iter().any(|text| !text.is_empty() && is_wild_match(text, pattern))
}

/// `*` stands for any text.
fn is_wild_match(text: &str, pattern: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    true
}
