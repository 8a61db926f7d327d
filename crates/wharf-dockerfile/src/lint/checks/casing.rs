//! How a file is written: capitals, empty lines, old forms.

use crate::diagnostic::Severity::Warning;
use crate::instruction::{Instruction, InstructionKind};
use crate::lint::finding::{Findings, Fix};
use crate::lint::rule::Rule;
use crate::lint::subject::Subject;
use crate::span::Spanned;

pub(super) const RULES: &[&Rule] =
    &[&STAGE_NAME, &FROM_AS, &CONTINUATION, &INSTRUCTIONS, &LEGACY, &EXPOSE_PROTOCOL, &DESCRIPTION];

const STAGE_NAME: Rule = Rule::new("StageNameCasing", Warning, "Name stages in lower case")
    .why("Stages are compared without regard to case; in lower case they look as they are, and not like instructions.")
    .examples("FROM golang:1.25 AS Build", "FROM golang:1.25 AS build");
const FROM_AS: Rule = Rule::new("FromAsCasing", Warning, "Write FROM and AS in the same case")
    .why("`FROM … as …` mixes two ways of writing in one line.")
    .examples("FROM golang:1.25 as build", "FROM golang:1.25 AS build");
const CONTINUATION: Rule = Rule::new("NoEmptyContinuation", Warning, "Leave no empty line inside an instruction")
    .why("An empty line looks like the instruction's end, but the next line still belongs to it. Builders will refuse that one day.")
    .examples("RUN make && \\\n\n    make install", "RUN make && \\\n    make install");
const INSTRUCTIONS: Rule = Rule::new("ConsistentInstructionCasing", Warning, "Write all instructions in the same case")
    .why("Instructions in one case, by custom in capitals, are told from their arguments at a glance.")
    .examples("FROM debian:13\nrun make", "FROM debian:13\nRUN make");
const LEGACY: Rule = Rule::new("LegacyKeyValueFormat", Warning, "Write `NAME=VALUE` in ENV and LABEL")
    .why("The old form, `NAME VALUE`, takes the rest of the line for the value: a second pair becomes a part of the first.")
    .examples("ENV HOME /srv", "ENV HOME=/srv");
const EXPOSE_PROTOCOL: Rule = Rule::new("ExposeProtoCasing", Warning, "Write protocols of EXPOSE in lower case")
    .why("That is how they stand in the image, and how all tools show them.")
    .examples("EXPOSE 53/UDP", "EXPOSE 53/udp");
const DESCRIPTION: Rule = Rule::new("InvalidDefinitionDescription", Warning, "Begin the comment above a stage or argument with its name")
    .why("`docker build --call=outline` shows the comment right above FROM and ARG as the description of what it names. One that does not begin with the name is not shown. An experiment of BuildKit's, and off unless it is asked for.")
    .examples("# the version of Go\nARG GO_VERSION=1.25", "# GO_VERSION is the version of Go\nARG GO_VERSION=1.25")
    .off();

pub(super) fn check(subject: &Subject<'_>, findings: &mut Findings) {
    instructions(subject, findings);
    for stage in &subject.stages {
        stage_name(subject, stage.instruction, &stage.from.alias, findings);
    }
    for instruction in &subject.file.instructions {
        if let Some(first) = instruction.empty_lines.first() {
            findings.add(
                &CONTINUATION,
                instruction,
                *first,
                format!("an empty line in the middle of {}", instruction.name()),
            );
        }
        one(instruction, findings);
        description(subject, instruction, findings);
    }
}

fn instructions(subject: &Subject<'_>, findings: &mut Findings) {
    let is_upper = |word: &str| word.bytes().all(|byte| !byte.is_ascii_lowercase());
    let is_lower = |word: &str| word.bytes().all(|byte| !byte.is_ascii_uppercase());
    let known = || {
        subject.file.instructions.iter().filter(|instruction| !matches!(instruction.kind, InstructionKind::Invalid(_)))
    };
    let lower = known().filter(|instruction| is_lower(&instruction.keyword)).count();
    let upper = known().filter(|instruction| is_upper(&instruction.keyword)).count();
    let wants_lower = lower > upper;
    for instruction in known() {
        let keyword = &instruction.keyword;
        let is_right = if wants_lower { is_lower(keyword) } else { is_upper(keyword) };
        if !is_right {
            let wanted = if wants_lower { keyword.to_ascii_lowercase() } else { keyword.to_ascii_uppercase() };
            let fix = Fix::replace(format!("write `{wanted}`"), keyword.span, wanted.clone());
            findings
                .add(
                    &INSTRUCTIONS,
                    instruction,
                    keyword.span,
                    format!("`{}` is `{wanted}` in the case of the others", keyword.value),
                )
                .fix(fix);
        }
    }
}

fn stage_name(
    subject: &Subject<'_>,
    instruction: &Instruction,
    alias: &Option<(Spanned<String>, Spanned<String>)>,
    findings: &mut Findings,
) {
    let Some((keyword, name)) = alias else { return };
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        findings.add(
            &STAGE_NAME,
            instruction,
            name.span,
            format!("the stage `{}` has capitals in its name", name.value),
        );
    }
    let wanted = if instruction.keyword.value == "from" { "as" } else { "AS" };
    let is_clear = ["from", "FROM"].contains(&instruction.keyword.as_str());
    if is_clear && keyword.value != wanted {
        let is_plain = subject.file.text_at(keyword.span) == keyword.value;
        let fix = if is_plain { Fix::replace(format!("write `{wanted}`"), keyword.span, wanted) } else { None };
        findings
            .add(
                &FROM_AS,
                instruction,
                keyword.span,
                format!("`{}` and `{}` are written differently", instruction.keyword.value, keyword.value),
            )
            .fix(fix);
    }
}

fn one(instruction: &Instruction, findings: &mut Findings) {
    match &instruction.kind {
        InstructionKind::Env(pairs) | InstructionKind::Label(pairs) if pairs.legacy => {
            let Some(pair) = pairs.pairs.first() else { return };
            let value = pair.value.as_str();
            let is_one_line = instruction.empty_lines.is_empty() && instruction.inner_comments.is_empty();
            let is_quoted = value.len() > 1
                && value.starts_with('"')
                && value.ends_with('"')
                && !value[1..value.len() - 1].contains(['"', '\\']);
            let is_plain = !value.is_empty() && !value.contains([' ', '\t', '"', '\'', '\\', '`']);
            let gap = crate::span::Span::new(pair.key.span.end, pair.value.span.start);
            let fix = if is_one_line && (is_plain || is_quoted) { Fix::replace("write `=`", gap, "=") } else { None };
            let message = format!("the old form: `{0} {1}=…` says what it sets", instruction.name(), pair.key.value);
            findings.add(&LEGACY, instruction, pair.key.span, message).fix(fix);
        }
        InstructionKind::Expose(ports) => {
            for port in ports {
                let Some((number, protocol)) = port.split_once('/') else { continue };
                let lower = protocol.to_ascii_lowercase();
                if lower != protocol && !protocol.contains('$') {
                    let fix = Fix::replace("write it in lower case", port.span, format!("{number}/{lower}"));
                    findings
                        .add(
                            &EXPOSE_PROTOCOL,
                            instruction,
                            port.span,
                            format!("`{protocol}` is `{lower}` in every image"),
                        )
                        .fix(fix);
                }
            }
        }
        _ => {}
    }
}

fn description(subject: &Subject<'_>, instruction: &Instruction, findings: &mut Findings) {
    let name = match &instruction.kind {
        InstructionKind::From(from) => from.name().map(|name| name.value.as_str()),
        InstructionKind::Arg(arg) => arg.arguments.first().map(|argument| argument.name.as_str()),
        _ => None,
    };
    let (Some(name), Some(comment)) = (name, instruction.comments.last()) else { return };
    let is_above = subject.file.line(comment.span.start) + 1 == subject.file.line(instruction.span.start);
    let text = comment.trim_start_matches('#').trim_start();
    let begins = text.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '));
    if is_above && !begins {
        findings.add(
            &DESCRIPTION,
            instruction,
            comment.span,
            format!("this comment would be the description of `{name}`, and does not begin with it"),
        );
    }
}
