//! What becomes the image's config.

use std::sync::LazyLock;

use regex_lite::Regex;

use crate::command::CommandLine;
use crate::diagnostic::Severity::Warning;
use crate::dockerfile::Stage;
use crate::instruction::{Instruction, InstructionKind};
use crate::lint::finding::Findings;
use crate::lint::rule::Rule;
use crate::lint::subject::Subject;
use crate::span::Spanned;

pub(super) const RULES: &[&Rule] = &[&JSON, &MAINTAINER, &WORKDIR, &SECRETS, &EXPOSE];

const JSON: Rule = Rule::new("JSONArgsRecommended", Warning, "Write CMD and ENTRYPOINT as JSON arrays")
    .why("A command in shell form runs under a shell, which gets the signals and does not pass them on. Where SHELL is set, the shell is meant.")
    .examples("CMD nginx -g 'daemon off;'", "CMD [\"nginx\", \"-g\", \"daemon off;\"]");
const MAINTAINER: Rule = Rule::new("MaintainerDeprecated", Warning, "Write a label instead of MAINTAINER")
    .why("MAINTAINER is deprecated; `org.opencontainers.image.authors` is the label for it.")
    .examples("MAINTAINER Ada", "LABEL org.opencontainers.image.authors=\"Ada\"");
const WORKDIR: Rule = Rule::new("WorkdirRelativePath", Warning, "Begin with an absolute WORKDIR")
    .why("A relative WORKDIR counts from the one before. While the stage has set none, that is the base's, and can change with it.")
    .examples("FROM debian:13\nWORKDIR app", "FROM debian:13\nWORKDIR /srv/app");
const SECRETS: Rule = Rule::new("SecretsUsedInArgOrEnv", Warning, "Keep secrets out of ARG and ENV")
    .why("What ENV sets stands in the image's config, what ARG gets stands in its history: whoever can pull the image can read both. `RUN --mount=type=secret` keeps a secret nowhere.")
    .examples("ENV AWS_SECRET_ACCESS_KEY=abc", "RUN --mount=type=secret,id=aws,env=AWS_SECRET_ACCESS_KEY ./upload");
const EXPOSE: Rule = Rule::new("ExposeInvalidFormat", Warning, "Name only the container's port in EXPOSE")
    .why("Which port or address of the host leads to it is said when the container starts; in EXPOSE it is wrong or without effect.")
    .examples("EXPOSE 127.0.0.1:80:8080", "EXPOSE 8080");

/// Words that mean a secret, whole between underscores.
static SECRET: LazyLock<Regex> = LazyLock::new(|| {
    let words = "apikey|auth|credential|credentials|key|password|pword|passwd|secret|token";
    Regex::new(&format!("(?i)(?:_|^)(?:{words})(?:_|$)")).expect("it is a constant, and tested")
});
/// Words that mean that it is none.
static PUBLIC: LazyLock<Regex> =
    LazyLock::new(|| Regex::new("(?i)(?:_|^)public(?:_|$)").expect("it is a constant, and tested"));

pub(super) fn check(subject: &Subject<'_>, findings: &mut Findings) {
    for stage in &subject.stages {
        let mut has_shell = false;
        let mut has_workdir = false;
        for instruction in stage.instructions {
            has_shell |= matches!(instruction.kind, InstructionKind::Shell(_));
            if let InstructionKind::Workdir(path) = &instruction.kind {
                workdir(instruction, path, &mut has_workdir, findings);
            }
            one(instruction, findings);
        }
        if !has_shell {
            shell_form(stage, findings);
        }
    }
    for instruction in subject.file.preamble() {
        one(instruction, findings);
    }
}

fn workdir(instruction: &Instruction, path: &Spanned<String>, has_workdir: &mut bool, findings: &mut Findings) {
    let plain = path.trim_matches(['"', '\'']);
    let is_drive = plain.as_bytes().get(1) == Some(&b':');
    if plain.starts_with(['/', '\\', '$']) || is_drive {
        *has_workdir = true;
    } else if !*has_workdir {
        findings.add(&WORKDIR, instruction, path.span, format!("`{plain}` counts from a folder that the base sets"));
        *has_workdir = true;
    }
}

fn one(instruction: &Instruction, findings: &mut Findings) {
    match &instruction.kind {
        InstructionKind::Maintainer(_) => {
            findings.add(&MAINTAINER, instruction, instruction.keyword.span, "MAINTAINER is deprecated");
        }
        InstructionKind::Expose(ports) => {
            for port in ports.iter().filter(|port| port.contains(':') && !port.contains('$')) {
                findings.add(
                    &EXPOSE,
                    instruction,
                    port.span,
                    format!("`{}` names more than a port of the container", port.value),
                );
            }
        }
        InstructionKind::Env(env) => secrets(instruction, env.pairs.iter().map(|pair| &pair.key), findings),
        InstructionKind::Arg(arg) => {
            secrets(instruction, arg.arguments.iter().map(|argument| &argument.name), findings)
        }
        _ => {}
    }
}

fn secrets<'n>(instruction: &Instruction, names: impl Iterator<Item = &'n Spanned<String>>, findings: &mut Findings) {
    for name in names.filter(|name| SECRET.is_match(name) && !PUBLIC.is_match(name)) {
        findings.add(
            &SECRETS,
            instruction,
            name.span,
            format!("`{}` looks like a secret, and would be in the image for all to read", name.value),
        );
    }
}

fn shell_form(stage: &Stage<'_>, findings: &mut Findings) {
    for instruction in stage.instructions {
        if let InstructionKind::Cmd(CommandLine::Shell(text)) | InstructionKind::Entrypoint(CommandLine::Shell(text)) =
            &instruction.kind
        {
            findings.add(
                &JSON,
                instruction,
                text.whole(),
                format!("{} runs under a shell, which does not pass signals on", instruction.name()),
            );
        }
    }
}
