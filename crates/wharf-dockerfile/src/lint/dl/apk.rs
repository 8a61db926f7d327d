//! apk: Alpine's packages.

use crate::diagnostic::Severity::{Info, Warning};
use crate::lint::finding::Findings;
use crate::lint::invocation::Invocation;
use crate::lint::packages::{first, missing_flag};
use crate::lint::rule::Rule;
use crate::lint::subject::Subject;

pub(super) const RULES: &[&Rule] = &[&DL3018, &DL3019];

const DL3018: Rule = Rule::new("DL3018", Warning, "Give packages of apk a version")
    .why("Without a version a build takes what the repository has today. `name=1.2.3-r0` is exact; `name~=1.2` takes its later builds, which is as much as Alpine's repositories keep.")
    .examples("RUN apk add --no-cache curl", "RUN apk add --no-cache curl~=8.14");
const DL3019: Rule = Rule::new("DL3019", Info, "Call apk add with `--no-cache`")
    .why("With `--no-cache` apk reads the index and keeps nothing. Otherwise index and packages stay in the layer.")
    .examples("RUN apk add curl~=8.14", "RUN apk add --no-cache curl~=8.14");

/// Flags of apk that take a value.
const WITH_VALUE: [&str; 9] = ["t", "virtual", "X", "repository", "p", "root", "keys-dir", "repositories-file", "arch"];

pub(super) fn check(subject: &Subject<'_>, findings: &mut Findings) {
    for run in &subject.runs {
        let adds = run.commands.iter().filter(|command| is_add(command));
        let packages = adds.flat_map(|command| command.operands(&WITH_VALUE)).filter(|package| {
            let text = package.text.as_str();
            text != "add" && !text.contains(['=', '~', '<', '>']) && !text.ends_with(".apk")
        });
        first(run, findings, &DL3018, packages, |package| {
            format!("`{package}` is installed in whatever version there is")
        });
        if !run.has_cache(&["/var/cache/apk", "/etc/apk/cache"]) {
            missing_flag(
                (subject, run),
                findings,
                &DL3019,
                |command| is_add(command) && !command.has_flag(&["no-cache"]),
                (&["add"], "--no-cache"),
            );
        }
    }
}

fn is_add(command: &Invocation) -> bool {
    command.name == "apk" && command.has(&["add"])
}
