//! FROM: which base, from where, for which platform, under which name.

use crate::diagnostic::Severity::{Error, Warning};
use crate::dockerfile::Stage;
use crate::instruction::InstructionKind;
use crate::lint::finding::{Findings, Fix};
use crate::lint::rule::Rule;
use crate::lint::subject::Subject;

pub(super) const RULES: &[&Rule] = &[&DL3006, &DL3007, &DL3024, &DL3026, &DL3029, &DL3061, &DL3063, &DL3065];

const DL3006: Rule = Rule::new("DL3006", Warning, "Give the base image a tag or a digest")
    .why("Without a tag a base means `latest`: whatever its publisher pushed last. The same file then builds different images on different days, and nobody sees when a new major version came in.")
    .examples("FROM debian", "FROM debian:13.1");
const DL3007: Rule = Rule::new("DL3007", Warning, "Name a version of the base instead of `latest`")
    .why("`latest` moves. A build that passed yesterday can fail today, and an image can't be made again as it was.")
    .examples("FROM debian:latest", "FROM debian:13.1");
const DL3024: Rule = Rule::new("DL3024", Error, "Name every stage differently")
    .why("Of two stages with one name, only the later one can be referred to. Names are compared without regard to case.")
    .examples("FROM golang:1.25 AS build\nFROM node:24 AS build", "FROM golang:1.25 AS server\nFROM node:24 AS pages");
const DL3026: Rule = Rule::new("DL3026", Error, "Take bases from allowed registries only")
    .why("A base runs with all rights of the image. `trustedRegistries` says which registries are trusted with that; a base without a registry comes from `docker.io`.")
    .examples("# with trustedRegistries: [registry.example.com]\nFROM debian:13", "FROM registry.example.com/debian:13");
const DL3029: Rule = Rule::new("DL3029", Warning, "Leave the platform to the build")
    .why("A platform written into FROM makes the file build for that one only: `--platform` of the build no longer reaches this stage. `$BUILDPLATFORM` and `$TARGETPLATFORM` follow the build.")
    .examples("FROM --platform=linux/amd64 golang:1.25", "FROM --platform=$BUILDPLATFORM golang:1.25");
const DL3061: Rule = Rule::new("DL3061", Error, "Begin with FROM; only ARG and comments may stand before it")
    .why("Before the first FROM there is no image that an instruction could change.")
    .examples("ENV A=b\nFROM debian:13", "FROM debian:13\nENV A=b");
const DL3063: Rule = Rule::new("DL3063", Warning, "Do not name a stage `scratch` or `context`")
    .why("Both names mean something else to the builder: the empty base, and the build context. A stage of that name can't be referred to, or hides them.")
    .examples("FROM debian:13 AS scratch", "FROM debian:13 AS runtime");
const DL3065: Rule = Rule::new("DL3065", Warning, "Leave out `--platform=$TARGETPLATFORM`")
    .why("The target's platform is what FROM takes anyway.")
    .examples("FROM --platform=$TARGETPLATFORM debian:13", "FROM debian:13");

pub(super) fn check(subject: &Subject<'_>, findings: &mut Findings) {
    for instruction in subject.file.preamble() {
        let may_stand = matches!(instruction.kind, InstructionKind::Arg(_) | InstructionKind::Invalid(_));
        if !may_stand && !subject.stages.is_empty() {
            findings.add(
                &DL3061,
                instruction,
                instruction.keyword.span,
                format!("{} stands before the first FROM", instruction.name()),
            );
        }
    }
    for stage in &subject.stages {
        image(subject, stage, findings);
        platform(subject, stage, findings);
        name(subject, stage, findings);
    }
}

fn image(subject: &Subject<'_>, stage: &Stage<'_>, findings: &mut Findings) {
    let image = &stage.from.image;
    let is_given = image.eq_ignore_ascii_case("scratch") || subject.parent(stage).is_some();
    if is_given {
        return;
    }
    let (name, tag, digest) = split(image);
    let is_variable = name.starts_with('$');
    match tag {
        None if digest.is_none() && !is_variable => {
            findings.add(
                &DL3006,
                stage.instruction,
                image.span,
                format!("the base `{name}` has neither a tag nor a digest"),
            );
        }
        Some("latest") if digest.is_none() => {
            findings.add(&DL3007, stage.instruction, image.span, format!("`{name}:latest` is another image every day"));
        }
        _ => {}
    }
    let trusted = &subject.settings.trusted_registries;
    if !trusted.is_empty() && !is_variable && !trusted.iter().any(|pattern| is_trusted(registry(name), pattern)) {
        findings.add(
            &DL3026,
            stage.instruction,
            image.span,
            format!("the registry `{}` is not among the trusted ones", registry(name)),
        );
    }
}

/// An image's name without tag and digest, its tag, its digest.
pub(in crate::lint) fn split(image: &str) -> (&str, Option<&str>, Option<&str>) {
    let (rest, digest) = match image.split_once('@') {
        Some((rest, digest)) => (rest, Some(digest)),
        None => (image, None),
    };
    match tag_colon(rest) {
        Some(colon) => (&rest[..colon], Some(&rest[colon + 1..]), digest),
        None => (rest, None, digest),
    }
}

/// The colon before the tag: the last one behind the last slash, outside of `${…}`.
fn tag_colon(image: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut colon = None;
    for (at, byte) in image.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            b'/' if depth == 0 => colon = None,
            b':' if depth == 0 => colon = Some(at),
            _ => {}
        }
    }
    colon
}

fn registry(name: &str) -> &str {
    match name.split_once('/') {
        Some((first, _)) if first.contains(['.', ':']) || first == "localhost" => first,
        _ => "docker.io",
    }
}

fn is_trusted(registry: &str, pattern: &str) -> bool {
    let registry = if ["hub.docker.com", "index.docker.io"].contains(&registry) { "docker.io" } else { registry };
    match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (Some(end), _) => registry.ends_with(end),
        (None, Some(start)) => registry.starts_with(start),
        (None, None) => registry == pattern || (registry == "docker.io" && pattern == "hub.docker.com"),
    }
}

fn platform(subject: &Subject<'_>, stage: &Stage<'_>, findings: &mut Findings) {
    let Some(platform) = &stage.from.platform else { return };
    if ["$TARGETPLATFORM", "${TARGETPLATFORM}"].contains(&platform.as_str()) {
        let fix = flag_span(subject, stage).and_then(|span| Fix::replace("leave the platform out", span, ""));
        findings.add(&DL3065, stage.instruction, platform.span, "the target's platform is taken anyway").fix(fix);
    } else if !platform.contains("BUILDPLATFORM") && !platform.contains("TARGETPLATFORM") {
        findings.add(&DL3029, stage.instruction, platform.span, format!("this stage is for `{}` only", platform.value));
    }
}

/// `--platform=… `, with the blanks behind it.
fn flag_span(subject: &Subject<'_>, stage: &Stage<'_>) -> Option<crate::span::Span> {
    let platform = stage.from.platform.as_ref()?.span;
    let start = platform.start.checked_sub("--platform=".len())?;
    let end = stage.from.image.span.start;
    let text = subject.file.source().get(start..end)?;
    (text.starts_with("--platform=") && !text.contains('\n')).then(|| crate::span::Span::new(start, end))
}

fn name(subject: &Subject<'_>, stage: &Stage<'_>, findings: &mut Findings) {
    let Some(name) = stage.from.name() else { return };
    if subject.stage_before(name, stage.index).is_some() {
        findings.add(&DL3024, stage.instruction, name.span, format!("an earlier stage is named `{}`, too", name.value));
    }
    if ["scratch", "context"].iter().any(|reserved| name.eq_ignore_ascii_case(reserved)) {
        findings.add(&DL3063, stage.instruction, name.span, format!("`{}` is a name of the builder's own", name.value));
    }
}
