//! COPY and ADD of what the ignore file keeps out of the build context.

use crate::diagnostic::Severity::Warning;
use crate::ignore::Ignore;
use crate::instruction::{InstructionKind, Source};
use crate::lint::finding::Findings;
use crate::lint::rule::Rule;
use crate::lint::subject::Subject;

pub(super) const RULES: &[&Rule] = &[&IGNORED];

const IGNORED: Rule = Rule::new("CopyIgnoredFile", Warning, "Do not copy what `.dockerignore` leaves out")
    .why("What the ignore file names is not in the build context: COPY does not find it. The ignore file beside the Dockerfile counts, `NAME.dockerignore` before `.dockerignore`.")
    .examples("# with `secret.txt` in .dockerignore\nCOPY secret.txt /app/", "# with `secret.txt` in .dockerignore\nCOPY app.py /app/");

pub(super) fn check(subject: &Subject<'_>, findings: &mut Findings) {
    let Some(ignore) = subject.ignore.filter(|ignore| !ignore.is_empty()) else { return };
    for (_, instruction) in subject.instructions() {
        let sources = match &instruction.kind {
            InstructionKind::Copy(copy) if copy.from.is_none() => &copy.sources,
            InstructionKind::Add(add) => &add.sources,
            _ => continue,
        };
        for source in sources {
            let Source::Path(path) = source else { continue };
            if is_left_out(ignore, path) {
                let message = format!("`{}` is left out by the ignore file", path.value);
                findings.add(&IGNORED, instruction, path.span, message);
            }
        }
    }
}

/// Whether a plain path of the context is ignored. Of patterns, variables and URLs nothing is said.
fn is_left_out(ignore: &Ignore, path: &str) -> bool {
    let path = path.trim_matches(['"', '\'']);
    if path.contains(['$', '*', '?', '[', ':', '\\']) {
        return false;
    }
    let path = path.trim_start_matches("./").trim_matches('/');
    !path.is_empty() && path != "." && !path.split('/').any(|part| part == "..") && ignore.is_ignored(path)
}
