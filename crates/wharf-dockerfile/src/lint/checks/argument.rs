//! Variables: of FROM, and of all instructions that expand them.

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::Severity::Warning;
use crate::dockerfile::Stage;
use crate::instruction::{Instruction, InstructionKind, Source};
use crate::lint::finding::Findings;
use crate::lint::rule::Rule;
use crate::lint::subject::{MAX_CHAIN, Subject};
use crate::lint::variables::{expand, uses};
use crate::nearest::question;
use crate::span::{Span, Spanned};

pub(super) const RULES: &[&Rule] = &[&UNDEFINED_IN_FROM, &DEFAULT_IN_FROM, &UNDEFINED];

const UNDEFINED_IN_FROM: Rule = Rule::new("UndefinedArgInFrom", Warning, "Declare the variables of FROM before the first FROM")
    .why("FROM knows the arguments that stand before the first FROM, and the platforms of the build. Anything else is nothing.")
    .examples("FROM debian:${VERSION}", "ARG VERSION=13\nFROM debian:${VERSION}");
const DEFAULT_IN_FROM: Rule = Rule::new("InvalidDefaultArgInFrom", Warning, "Give arguments of FROM a default that makes a name")
    .why("Without `--build-arg` the default counts. An empty one leaves `debian:` or nothing at all, and the build fails before it begins.")
    .examples("ARG VERSION\nFROM debian:${VERSION}", "ARG VERSION=13\nFROM debian:${VERSION}");
const UNDEFINED: Rule = Rule::new("UndefinedVar", Warning, "Use variables that are set")
    .why("A variable that nothing sets is nothing: `COPY $SRC /app` becomes `COPY /app`. A base can set variables, too, so that what it may have set is told only if a known name is nearly the same; on `scratch`, and on stages that stand on it, everything is known.")
    .examples("ARG VERSION\nLABEL version=$VERSON", "ARG VERSION\nLABEL version=$VERSION");

/// What every FROM knows.
const PLATFORM: [&str; 8] = [
    "TARGETPLATFORM",
    "TARGETOS",
    "TARGETARCH",
    "TARGETVARIANT",
    "BUILDPLATFORM",
    "BUILDOS",
    "BUILDARCH",
    "BUILDVARIANT",
];
/// What every stage knows without declaring it.
const GIVEN: [&str; 10] = [
    "PATH",
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "FTP_PROXY",
    "ftp_proxy",
    "NO_PROXY",
    "no_proxy",
    "ALL_PROXY",
];

pub(super) fn check(subject: &Subject<'_>, findings: &mut Findings) {
    let escape = subject.file.escape.character();
    let mut defaults: BTreeMap<String, String> = BTreeMap::new();
    for instruction in subject.file.preamble() {
        if let InstructionKind::Arg(arg) = &instruction.kind {
            for argument in &arg.arguments {
                let value =
                    argument.default.as_ref().map(|default| expand(default, escape, &defaults)).unwrap_or_default();
                defaults.insert(argument.name.value.clone(), value);
            }
        }
    }
    let mut scopes: Vec<Scope> = Vec::new();
    for stage in &subject.stages {
        from(subject, stage, &defaults, findings);
        let parent = subject.parent(stage).map(|parent| parent.index);
        let is_complete = parent.map_or(*stage.from.image == "scratch", |parent| scopes[parent].is_complete);
        scopes.push(Scope { environment: BTreeSet::new(), arguments: BTreeSet::new(), is_complete, parent });
        for instruction in stage.instructions {
            undefined(instruction, escape, (&scopes, stage.index), findings);
            scopes[stage.index].learn(instruction);
        }
    }
}

/// The variables that a stage has.
struct Scope {
    environment: BTreeSet<String>,
    arguments: BTreeSet<String>,
    /// No base can have set others.
    is_complete: bool,
    /// The stage that it stands on, whose environment it has, but not its arguments.
    parent: Option<usize>,
}

/// The scopes of a stage and of those that it stands on.
fn chain(scopes: &[Scope], index: usize) -> impl Iterator<Item = &Scope> {
    std::iter::successors(scopes.get(index), |scope| scope.parent.and_then(|parent| scopes.get(parent))).take(MAX_CHAIN)
}

fn is_set(scopes: &[Scope], index: usize, name: &str) -> bool {
    let is_argument = scopes.get(index).is_some_and(|scope| scope.arguments.contains(name));
    is_argument || GIVEN.contains(&name) || chain(scopes, index).any(|scope| scope.environment.contains(name))
}

/// So many names are compared with one that is not known.
const MAX_COMPARED: usize = 200;

impl Scope {
    fn learn(&mut self, instruction: &Instruction) {
        match &instruction.kind {
            InstructionKind::Arg(arg) => {
                self.arguments.extend(arg.arguments.iter().map(|argument| argument.name.value.clone()))
            }
            InstructionKind::Env(env) => self.environment.extend(env.pairs.iter().map(|pair| pair.key.value.clone())),
            _ => {}
        }
    }
}

fn from(subject: &Subject<'_>, stage: &Stage<'_>, defaults: &BTreeMap<String, String>, findings: &mut Findings) {
    let escape = subject.file.escape.character();
    let image = &stage.from.image;
    let mut is_known = true;
    for word in [Some(image), stage.from.platform.as_ref()].into_iter().flatten() {
        for used in uses(word, escape) {
            if defaults.contains_key(used.name) || PLATFORM.contains(&used.name) {
                continue;
            }
            is_known = false;
            let hint = question(used.name, defaults.keys().map(String::as_str).take(MAX_COMPARED).chain(PLATFORM))
                .map(|hint| format!("; {hint}"))
                .unwrap_or_default();
            findings.add(
                &UNDEFINED_IN_FROM,
                stage.instruction,
                place(word, used.start, used.end),
                format!("`{}` is not declared before the first FROM{hint}", used.name),
            );
        }
    }
    let has_platform = uses(image, escape).iter().any(|used| PLATFORM.contains(&used.name));
    if is_known && !has_platform && image.contains('$') && !is_image(&expand(image, escape, defaults)) {
        findings.add(
            &DEFAULT_IN_FROM,
            stage.instruction,
            image.span,
            format!("with its defaults, `{}` is no image", image.value),
        );
    }
}

/// Whether a text can be an image's name: each part is there.
fn is_image(text: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    !text.is_empty()
        && text.split(['/', ':', '@']).all(|part| {
            !part.is_empty()
                && part.chars().all(is_part)
                && part.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        })
}

/// Where a piece of a word stands: exactly, if the word stands on one line.
fn place(word: &Spanned<String>, start: usize, end: usize) -> Span {
    if word.span.end - word.span.start == word.len() {
        Span::new(word.span.start + start, word.span.start + end)
    } else {
        word.span
    }
}

fn undefined(instruction: &Instruction, escape: char, (scopes, index): (&[Scope], usize), findings: &mut Findings) {
    let scope = &scopes[index];
    for word in words(instruction) {
        for used in uses(word, escape) {
            if used.has_default() || is_set(scopes, index, used.name) {
                continue;
            }
            let names =
                chain(scopes, index).flat_map(|scope| &scope.environment).chain(&scope.arguments).map(String::as_str);
            let hint = question(used.name, names.take(MAX_COMPARED));
            if scope.is_complete || hint.is_some() {
                let hint = hint.map(|hint| format!("; {hint}")).unwrap_or_default();
                findings.add(
                    &UNDEFINED,
                    instruction,
                    place(word, used.start, used.end),
                    format!("nothing sets `{}`{hint}", used.name),
                );
            }
        }
    }
}

/// The words of an instruction in which variables are expanded.
fn words(instruction: &Instruction) -> Vec<&Spanned<String>> {
    fn path(source: &Source) -> Option<&Spanned<String>> {
        match source {
            Source::Path(path) => Some(path),
            Source::Heredoc(_) => None,
        }
    }
    match &instruction.kind {
        InstructionKind::Env(pairs) | InstructionKind::Label(pairs) => {
            pairs.pairs.iter().map(|pair| &pair.value).collect()
        }
        InstructionKind::Arg(arg) => arg.arguments.iter().filter_map(|argument| argument.default.as_ref()).collect(),
        InstructionKind::Copy(copy) => {
            copy.sources.iter().filter_map(path).chain([&copy.destination]).chain(&copy.chown).collect()
        }
        InstructionKind::Add(add) => {
            add.sources.iter().filter_map(path).chain([&add.destination]).chain(&add.chown).collect()
        }
        InstructionKind::Expose(ports) => ports.iter().collect(),
        InstructionKind::User(word) | InstructionKind::Workdir(word) | InstructionKind::Stopsignal(word) => vec![word],
        InstructionKind::Volume(volume) => volume.paths.iter().collect(),
        _ => Vec::new(),
    }
}
