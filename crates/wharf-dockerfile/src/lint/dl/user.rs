//! USER, and the secrets that a file gives away.

use std::collections::HashSet;

use crate::diagnostic::Severity::{Info, Warning};
use crate::instruction::{Instruction, InstructionKind};
use crate::lint::finding::Findings;
use crate::lint::rule::Rule;
use crate::lint::subject::Subject;
use crate::lint::variables::uses;
use crate::span::Spanned;

pub(super) const RULES: &[&Rule] = &[&DL3002, &DL3064, &DL3066];

const DL3002: Rule = Rule::new("DL3002", Warning, "Let the last USER be somebody else than root")
    .why("What breaks out of a program that runs as root is root in the container, and one mistake of the host away from more. Become root for what needs it, and leave it again.")
    .examples("USER root\nRUN apt-get update", "USER root\nRUN apt-get update\nUSER 1000");
const DL3064: Rule = Rule::new("DL3064", Warning, "Keep secrets out of ARG and ENV")
    .why("What ENV sets stands in the image's config, what ARG gets stands in its history: whoever can pull the image can read both. `RUN --mount=type=secret` shows a secret to one command and keeps it nowhere.")
    .examples("ARG NPM_TOKEN\nRUN npm ci", "RUN --mount=type=secret,id=npm,env=NPM_TOKEN npm ci");
const DL3066: Rule = Rule::new("DL3066", Info, "Name the user by number")
    .why("Kubernetes can tell that a number is not root (`runAsNonRoot`), but not who a name is: that stands in a file inside of the image.")
    .examples("USER app", "USER 10001");

/// Parts of names that mean a secret.
const SECRETS: [&str; 6] = ["password", "secret", "token", "api_key", "access_key", "private"];

pub(super) fn check(subject: &Subject<'_>, findings: &mut Findings) {
    let arguments = arguments(subject);
    for stage in &subject.stages {
        let mut last = None;
        for instruction in stage.instructions {
            if let InstructionKind::User(user) = &instruction.kind {
                last = Some((instruction, user));
                if !is_number(user) && !is_argument(&arguments, user) {
                    findings.add(&DL3066, instruction, user.span, format!("`{}` is no number", user.value));
                }
            }
        }
        if let Some((instruction, user)) = last.filter(|(_, user)| is_root(user)) {
            findings.add(&DL3002, instruction, user.span, "the image runs as root");
        }
    }
    for (_, instruction) in subject.instructions() {
        secrets(instruction, findings);
    }
}

fn name_of(user: &str) -> &str {
    user.trim_matches(['"', '\'']).split(':').next().unwrap_or_default()
}

fn is_number(user: &str) -> bool {
    let name = name_of(user);
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether the build is told who it is.
fn is_argument(arguments: &HashSet<&str>, user: &str) -> bool {
    user.starts_with('$') && uses(user, '\\').iter().any(|used| arguments.contains(used.name))
}

/// The arguments of a file.
fn arguments<'a>(subject: &Subject<'a>) -> HashSet<&'a str> {
    let names = subject.file.instructions.iter().filter_map(|instruction| match &instruction.kind {
        InstructionKind::Arg(arg) => Some(arg.arguments.iter().map(|argument| argument.name.as_str())),
        _ => None,
    });
    names.flatten().collect()
}

/// Whether a USER names root.
pub(in crate::lint) fn is_root(user: &str) -> bool {
    matches!(name_of(user), "root" | "0")
}

fn secrets(instruction: &Instruction, findings: &mut Findings) {
    let names: Vec<&Spanned<String>> = match &instruction.kind {
        InstructionKind::Env(env) => env.pairs.iter().map(|pair| &pair.key).collect(),
        InstructionKind::Arg(arg) => arg.arguments.iter().map(|argument| &argument.name).collect(),
        _ => return,
    };
    let secret = names.into_iter().find(|name| {
        let name = name.to_ascii_lowercase();
        SECRETS.iter().any(|part| name.contains(part))
    });
    if let Some(name) = secret {
        findings.add(
            &DL3064,
            instruction,
            name.span,
            format!("`{}` looks like a secret, and would be in the image for all to read", name.value),
        );
    }
}
