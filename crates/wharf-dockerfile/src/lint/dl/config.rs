//! What becomes the image's config: working folder, ports, health check, commands, variables.

use std::collections::HashSet;

use crate::command::CommandLine;
use crate::diagnostic::Severity::{Error, Info, Warning};
use crate::dockerfile::Stage;
use crate::instruction::{Healthcheck, Instruction, InstructionKind, Pairs};
use crate::lint::finding::{Findings, Fix};
use crate::lint::rule::Rule;
use crate::lint::subject::Subject;
use crate::lint::variables::uses;
use crate::span::Spanned;

pub(super) const RULES: &[&Rule] =
    &[&DL3000, &DL3011, &DL3012, &DL3025, &DL3043, &DL3044, &DL3057, &DL4000, &DL4003, &DL4004];

const DL3000: Rule = Rule::new("DL3000", Error, "Use absolute paths in WORKDIR")
    .why("A relative WORKDIR counts from the one before, which may be the base's: where it leads can't be seen in this file.")
    .examples("WORKDIR app", "WORKDIR /srv/app");
const DL3011: Rule = Rule::new("DL3011", Error, "Expose ports from 0 to 65535")
    .why("There are no others.")
    .examples("EXPOSE 80000", "EXPOSE 8000");
const DL3012: Rule = Rule::new("DL3012", Error, "Write one HEALTHCHECK per stage")
    .why("Only the last one counts; the others are lines that look as if they did something.")
    .examples("HEALTHCHECK CMD [\"a\"]\nHEALTHCHECK CMD [\"b\"]", "HEALTHCHECK CMD [\"b\"]");
const DL3025: Rule = Rule::new("DL3025", Warning, "Write CMD and ENTRYPOINT as JSON arrays")
    .why("A command in shell form runs under `/bin/sh -c`: the shell is process 1, gets the signals, and does not pass them on. `docker stop` then waits and kills.")
    .examples("CMD nginx -g 'daemon off;'", "CMD [\"nginx\", \"-g\", \"daemon off;\"]");
const DL3043: Rule = Rule::new("DL3043", Error, "Do not put FROM, ONBUILD or MAINTAINER behind ONBUILD")
    .why("A trigger runs inside of somebody else's stage: it can begin none, set no trigger, and name no maintainer.")
    .examples("ONBUILD FROM debian:13", "ONBUILD COPY . /srv");
const DL3044: Rule = Rule::new("DL3044", Error, "Do not use a variable in the ENV that sets it")
    .why("All values of one ENV are made before any of its variables is set: the reference sees the value from before, or nothing.")
    .examples("ENV HOME=/srv BIN=$HOME/bin", "ENV HOME=/srv\nENV BIN=$HOME/bin");
const DL3057: Rule = Rule::new("DL3057", Info, "Write a HEALTHCHECK")
    .why("Without one an engine only knows whether the process lives, not whether it answers. Kubernetes has probes of its own and ignores this one: the rule is off unless it is asked for.")
    .examples("CMD [\"app\"]", "HEALTHCHECK CMD [\"app\", \"--check\"]\nCMD [\"app\"]")
    .off();
const DL4000: Rule = Rule::new("DL4000", Error, "Write a label instead of MAINTAINER")
    .why("MAINTAINER is deprecated. A label can be searched for, and there is a name for it: `org.opencontainers.image.authors`.")
    .examples("MAINTAINER Ada", "LABEL org.opencontainers.image.authors=\"Ada\"");
const DL4003: Rule = Rule::new("DL4003", Warning, "Write one CMD per stage")
    .why("Only the last one counts; the others are lines that look as if they did something.")
    .examples("CMD [\"a\"]\nCMD [\"b\"]", "CMD [\"b\"]");
const DL4004: Rule = Rule::new("DL4004", Error, "Write one ENTRYPOINT per stage")
    .why("Only the last one counts; the others are lines that look as if they did something.")
    .examples("ENTRYPOINT [\"a\"]\nENTRYPOINT [\"b\"]", "ENTRYPOINT [\"b\"]");

pub(super) fn check(subject: &Subject<'_>, findings: &mut Findings) {
    for stage in &subject.stages {
        once(stage, findings);
        environment(stage, findings);
        for instruction in stage.instructions {
            one(instruction, findings);
        }
        let is_final = stage.index + 1 == subject.stages.len();
        if is_final && !has_health_check(subject, stage) {
            findings.add(
                &DL3057,
                stage.instruction,
                stage.from.image.span,
                "nothing says how to see whether the container is well",
            );
        }
    }
}

fn has_health_check<'a>(subject: &Subject<'a>, stage: &Stage<'a>) -> bool {
    let is_check = |instruction: &Instruction| matches!(instruction.kind, InstructionKind::Healthcheck(_));
    subject.chain(stage).any(|stage| stage.instructions.iter().any(is_check))
}

/// Instructions of which only the last one counts.
fn once(stage: &Stage<'_>, findings: &mut Findings) {
    let (mut commands, mut entrypoints, mut checks) = (0, 0, 0);
    for instruction in stage.instructions {
        let (rule, count) = match &instruction.kind {
            InstructionKind::Cmd(_) => (&DL4003, &mut commands),
            InstructionKind::Entrypoint(_) => (&DL4004, &mut entrypoints),
            InstructionKind::Healthcheck(_) => (&DL3012, &mut checks),
            _ => continue,
        };
        *count += 1;
        if *count > 1 {
            findings.add(
                rule,
                instruction,
                instruction.keyword.span,
                format!("the {} before this one has no effect", instruction.name()),
            );
        }
    }
}

fn one(instruction: &Instruction, findings: &mut Findings) {
    match &instruction.kind {
        InstructionKind::Workdir(path) => workdir(instruction, path, findings),
        InstructionKind::Expose(ports) => {
            for port in ports.iter().filter(|port| numbers(port).any(|number| number > 65_535)) {
                findings.add(&DL3011, instruction, port.span, format!("`{}` is no port", port.value));
            }
        }
        InstructionKind::Cmd(command) | InstructionKind::Entrypoint(command) => {
            shell_form(instruction, command, findings)
        }
        InstructionKind::Healthcheck(Healthcheck::Probe(probe)) => shell_form(instruction, &probe.command, findings),
        InstructionKind::Maintainer(name) => {
            let value = name.replace(['\\', '"'], "");
            let label = format!("LABEL org.opencontainers.image.authors=\"{value}\"");
            let is_plain = !value.contains('$') && !value.contains('\n');
            let fix = if is_plain { Fix::replace("make a label of it", instruction.text.whole(), label) } else { None };
            findings.add(&DL4000, instruction, instruction.keyword.span, "MAINTAINER is deprecated").fix(fix);
        }
        // The builder takes none of them: the instruction is invalid.
        InstructionKind::Invalid(_) if instruction.name() == "ONBUILD" => {
            let text = instruction.text.as_str();
            let name = text.split_ascii_whitespace().nth(1).unwrap_or_default().to_ascii_uppercase();
            if ["FROM", "ONBUILD", "MAINTAINER"].contains(&name.as_str()) {
                findings.add(&DL3043, instruction, instruction.text.whole(), format!("{name} can't be a trigger"));
            }
        }
        _ => {}
    }
}

fn workdir(instruction: &Instruction, path: &Spanned<String>, findings: &mut Findings) {
    let plain = path.trim_matches(['"', '\'']);
    let mut characters = plain.chars();
    let is_drive = characters.next().is_some_and(|c| c.is_ascii_alphabetic()) && characters.next() == Some(':');
    if !plain.starts_with(['/', '$', '\\']) && !is_drive {
        findings.add(&DL3000, instruction, path.span, format!("`{plain}` counts from a folder that is set elsewhere"));
    }
}

fn numbers(port: &str) -> impl Iterator<Item = u32> {
    port.split('/').next().unwrap_or_default().split('-').filter_map(|number| number.parse().ok())
}

fn shell_form(instruction: &Instruction, command: &CommandLine, findings: &mut Findings) {
    let CommandLine::Shell(text) = command else { return };
    let message = format!("{} runs under a shell, which does not pass signals on", instruction.name());
    findings
        .add(&DL3025, instruction, text.whole(), message)
        .fix(exec_form(text.as_str()).and_then(|json| Fix::replace("write it as a JSON array", text.whole(), json)));
}

/// The JSON form of a command that needs no shell.
fn exec_form(text: &str) -> Option<String> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" /._-=:,@+".contains(&byte));
    let mut words = text.split_ascii_whitespace().peekable();
    let is_program = words.peek().is_some_and(|first| !first.contains('=') && !BUILTINS.contains(first));
    let words: Vec<&str> = words.collect();
    if is_plain && is_program {
        serde_json::to_string(&words).ok().map(|json| json.replace("\",\"", "\", \""))
    } else {
        None
    }
}

/// Words that only a shell knows.
const BUILTINS: [&str; 12] =
    ["cd", "exec", "export", "set", ".", "source", "eval", "if", "for", "while", "exit", "umask"];

fn environment(stage: &Stage<'_>, findings: &mut Findings) {
    let mut known: HashSet<&str> = HashSet::new();
    for instruction in stage.instructions {
        match &instruction.kind {
            InstructionKind::Env(env) => {
                self_reference(instruction, env, &known, findings);
                known.extend(env.pairs.iter().map(|pair| pair.key.as_str()));
            }
            InstructionKind::Arg(arg) => known.extend(arg.arguments.iter().map(|argument| argument.name.as_str())),
            _ => {}
        }
    }
}

fn self_reference(instruction: &Instruction, env: &Pairs, known: &HashSet<&str>, findings: &mut Findings) {
    let keys: HashSet<&str> =
        env.pairs.iter().map(|pair| pair.key.as_str()).filter(|name| !known.contains(name)).collect();
    for pair in &env.pairs {
        let used =
            uses(&pair.value, '\\').into_iter().find(|used| used.name != pair.key.as_str() && keys.contains(used.name));
        if let Some(used) = used {
            let message = format!("`{}` is not set yet where this value is made", used.name);
            findings.add(&DL3044, instruction, pair.value.span, message);
            return;
        }
    }
}
