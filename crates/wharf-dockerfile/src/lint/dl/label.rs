//! LABEL: keys, and the values that `label-schema` asks for.

use crate::diagnostic::Severity::{Info, Style, Warning};
use crate::dockerfile::Stage;
use crate::instruction::{Instruction, InstructionKind, Pair};
use crate::lint::finding::Findings;
use crate::lint::rule::Rule;
use crate::lint::settings::LabelType;
use crate::lint::subject::Subject;

pub(super) const RULES: &[&Rule] =
    &[&DL3048, &DL3049, &DL3050, &DL3051, &DL3052, &DL3053, &DL3054, &DL3055, &DL3056, &DL3058];

const DL3048: Rule = Rule::new("DL3048", Style, "Write label keys in lower case, with dots, dashes and slashes between words")
    .why("Tools look labels up by their exact key. Keys begin with a letter, end with a letter or digit, and `com.docker.`, `io.docker.` and `org.dockerproject.` are Docker's.")
    .examples("LABEL Version..Of=1", "LABEL com.example.version=1");
const DL3049: Rule = Rule::new("DL3049", Info, "Set every label of the schema")
    .why("`label-schema` says which labels people and tools rely on; an image without one is not found by it.")
    .examples(
        "# with label-schema: {com.example.owner: text}\nFROM debian:13",
        "FROM debian:13\nLABEL com.example.owner=\"payments\"",
    );
const DL3050: Rule = Rule::new("DL3050", Info, "Set no label that the schema does not have")
    .why("With `strict-labels` the schema is complete: another key is a slip of the pen, or belongs into the schema.")
    .examples(
        "# with label-schema: {com.example.owner: text}, strict-labels: true\nLABEL com.example.onwer=\"payments\"",
        "LABEL com.example.owner=\"payments\"",
    );
const DL3051: Rule = Rule::new("DL3051", Warning, "Give labels of the schema a value")
    .why("An empty label looks as if somebody had decided something, and says nothing.")
    .examples("LABEL com.example.owner=\"\"", "LABEL com.example.owner=\"payments\"");
const DL3052: Rule = Rule::new("DL3052", Warning, "Write a URL into labels of type `url`")
    .why("Tools make links of them.")
    .examples("LABEL org.opencontainers.image.url=example", "LABEL org.opencontainers.image.url=https://example.com");
const DL3053: Rule = Rule::new("DL3053", Warning, "Write a time of RFC 3339 into labels of type `rfc3339`")
    .why("Times in one form can be compared and sorted.")
    .examples(
        "LABEL org.opencontainers.image.created=yesterday",
        "LABEL org.opencontainers.image.created=2026-01-31T12:00:00Z",
    );
const DL3054: Rule = Rule::new("DL3054", Warning, "Write an SPDX licence expression into labels of type `spdx`")
    .why("Tools that check licences know the names of SPDX and no others.")
    .examples(
        "LABEL org.opencontainers.image.licenses=\"the Apache licence\"",
        "LABEL org.opencontainers.image.licenses=Apache-2.0",
    );
const DL3055: Rule = Rule::new("DL3055", Warning, "Write a Git hash into labels of type `hash`")
    .why("From a hash the exact source can be found: 7 digits of it, or all 40 (64 with SHA-256).")
    .examples(
        "LABEL org.opencontainers.image.revision=main",
        "LABEL org.opencontainers.image.revision=4b825dc642cb6eb9a060e54bf8d69288fbee4904",
    );
const DL3056: Rule = Rule::new("DL3056", Warning, "Write a semantic version into labels of type `semver`")
    .why("Semantic versions can be compared.")
    .examples("LABEL org.opencontainers.image.version=new", "LABEL org.opencontainers.image.version=1.4.0");
const DL3058: Rule = Rule::new("DL3058", Warning, "Write a mail address into labels of type `email`")
    .why("Somebody will write to it.")
    .examples("LABEL com.example.contact=Ada", "LABEL com.example.contact=ada@example.com");

pub(super) fn check(subject: &Subject<'_>, findings: &mut Findings) {
    for (_, instruction) in subject.instructions() {
        if let InstructionKind::Label(labels) = &instruction.kind {
            for label in &labels.pairs {
                key(instruction, label, findings);
                value(subject, instruction, label, findings);
            }
        }
    }
    for stage in &subject.stages {
        required(subject, stage, findings);
    }
}

fn unquoted(word: &str) -> &str {
    word.trim_matches(['"', '\''])
}

fn key(instruction: &Instruction, label: &Pair, findings: &mut Findings) {
    let key = unquoted(&label.key);
    let is_reserved = ["com.docker.", "io.docker.", "org.dockerproject."].iter().any(|space| key.starts_with(space));
    if is_reserved {
        findings.add(&DL3048, instruction, label.key.span, format!("`{key}` is in a name space of Docker's"));
    } else if !is_well_formed(key) {
        findings.add(&DL3048, instruction, label.key.span, format!("`{key}` is no well-formed key"));
    }
}

fn is_well_formed(key: &str) -> bool {
    let bytes = key.as_bytes();
    let is_inner = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-_/".contains(byte);
    bytes.first().is_some_and(u8::is_ascii_lowercase)
        && bytes.last().is_some_and(|last| last.is_ascii_lowercase() || last.is_ascii_digit())
        && bytes.iter().all(is_inner)
        && !key.contains("..")
        && !key.contains("--")
}

fn value(subject: &Subject<'_>, instruction: &Instruction, label: &Pair, findings: &mut Findings) {
    let key = unquoted(&label.key);
    let settings = subject.settings;
    let Some(kind) = settings.label_schema.get(key) else {
        if settings.has_strict_labels {
            findings.add(&DL3050, instruction, label.key.span, format!("the schema has no label `{key}`"));
        }
        return;
    };
    let value = unquoted(&label.value);
    if value.is_empty() {
        findings.add(&DL3051, instruction, label.key.span, format!("the label `{key}` is empty"));
        return;
    }
    let (rule, is_right) = match kind {
        LabelType::Text => return,
        LabelType::Url => (&DL3052, url::Url::parse(value).is_ok()),
        LabelType::Time => (&DL3053, is_time(value)),
        LabelType::Licence => (&DL3054, spdx::Expression::parse(value).is_ok()),
        LabelType::Hash => (&DL3055, is_hash(value)),
        LabelType::Version => (&DL3056, semver::Version::parse(value).is_ok()),
        LabelType::Mail => (&DL3058, is_mail(value)),
    };
    if !is_right {
        findings.add(rule, instruction, label.value.span, format!("`{value}` is no {}", kind.noun()));
    }
}

fn is_time(value: &str) -> bool {
    let has_time = value.as_bytes().get(10).is_some_and(|byte| matches!(byte, b'T' | b't' | b' '));
    has_time && !value.contains('[') && value.parse::<jiff::Timestamp>().is_ok()
}

fn is_hash(value: &str) -> bool {
    let is_hex = value.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    is_hex && matches!(value.len(), 7 | 40 | 64)
}

fn is_mail(value: &str) -> bool {
    let Some((name, domain)) = value.split_once('@') else { return false };
    let is_plain = |text: &str| !text.is_empty() && !text.contains(['@', ' ', '<', '>', ',', '"']);
    is_plain(name) && is_plain(domain) && domain.split('.').all(|part| !part.is_empty()) && domain.contains('.')
}

/// Labels that the schema demands, of a stage that is built for others to use.
fn required<'a>(subject: &Subject<'a>, stage: &Stage<'a>, findings: &mut Findings) {
    if stage.index + 1 != subject.stages.len() {
        return;
    }
    for key in subject.settings.label_schema.keys() {
        if !has_label(subject, stage, key) {
            findings.add(&DL3049, stage.instruction, stage.from.image.span, format!("the label `{key}` is missing"));
        }
    }
}

/// Whether a stage, or one that it stands on, sets a label.
pub(in crate::lint) fn has_label<'a>(subject: &Subject<'a>, stage: &Stage<'a>, key: &str) -> bool {
    let sets = |instruction: &Instruction| match &instruction.kind {
        InstructionKind::Label(labels) => labels.pairs.iter().any(|label| unquoted(&label.key) == key),
        _ => false,
    };
    subject.chain(stage).any(|stage| stage.instructions.iter().any(sets))
}
