//! APT: Debian's and Ubuntu's packages.

use crate::diagnostic::Severity::{Info, Warning};
use crate::lint::finding::{Findings, Fix};
use crate::lint::invocation::Invocation;
use crate::lint::packages::{first, missing_flag, removes};
use crate::lint::rule::Rule;
use crate::lint::subject::{RunView, Subject};

pub(super) const RULES: &[&Rule] = &[&DL3008, &DL3009, &DL3014, &DL3015, &DL3027];

const DL3008: Rule = Rule::new("DL3008", Warning, "Give packages of apt-get a version")
    .why("Without a version a build takes what the archive has today. With one, an unexpected version stops the build instead of changing the image. A mirror that is a snapshot of one day does the same for all packages at once.")
    .examples("RUN apt-get install -y --no-install-recommends curl", "RUN apt-get install -y --no-install-recommends curl=8.14.1-2");
const DL3009: Rule = Rule::new("DL3009", Info, "Delete apt's lists in the RUN that fetched them")
    .why("`apt-get update` fetches lists of all packages, some ten megabytes that no running container needs. A later RUN can't take them out of the layer.")
    .examples("RUN apt-get update && apt-get install -y --no-install-recommends curl", "RUN apt-get update && apt-get install -y --no-install-recommends curl && rm -rf /var/lib/apt/lists/*");
const DL3014: Rule = Rule::new("DL3014", Warning, "Call apt-get install with `-y`")
    .why("A build has nobody who could answer the question whether to go on.")
    .examples(
        "RUN apt-get install --no-install-recommends curl",
        "RUN apt-get install -y --no-install-recommends curl",
    );
const DL3015: Rule = Rule::new("DL3015", Info, "Call apt-get install with `--no-install-recommends`")
    .why("Recommended packages are for people at a desk: manuals, editors, mail servers. They make the image larger, and every one of them has to be kept up to date.")
    .examples("RUN apt-get install -y curl", "RUN apt-get install -y --no-install-recommends curl");
const DL3027: Rule = Rule::new("DL3027", Warning, "Call apt-get or apt-cache, not apt")
    .why("apt is made for people: its output and options may change with every version, and it says so itself.")
    .examples("RUN apt install -y curl", "RUN apt-get install -y curl");

/// Where apt keeps what `update` fetches.
const LISTS: [&str; 1] = ["/var/lib/apt/lists"];

pub(super) fn check(subject: &Subject<'_>, findings: &mut Findings) {
    for run in &subject.runs {
        let installs = run.commands.iter().filter(|command| is_install(command));
        let packages = installs.flat_map(|command| command.operands(&["t", "target-release"])).filter(|package| {
            let text = package.text.as_str();
            text != "install" && !text.contains(['=', '/']) && !text.ends_with(".deb")
        });
        first(run, findings, &DL3008, packages, |package| {
            format!("`{package}` is installed in whatever version there is")
        });
        missing_flag(
            (subject, run),
            findings,
            &DL3014,
            |command| is_install(command) && !says_yes(command),
            (&["install"], "-y"),
        );
        missing_flag(
            (subject, run),
            findings,
            &DL3015,
            |command| is_install(command) && !refuses_recommends(command),
            (&["install"], "--no-install-recommends"),
        );
        lists(subject, run, findings);
        old_front_end(subject, run, findings);
    }
}

fn is_install(command: &Invocation) -> bool {
    command.name == "apt-get" && command.has(&["install"])
}

fn says_yes(command: &Invocation) -> bool {
    let quiet = command.flags().filter(|flag| ["q", "quiet"].contains(flag)).count();
    command.has_flag(&["y", "yes", "assume-yes"]) || quiet > 1 || command.has(&["-q=2"])
}

fn refuses_recommends(command: &Invocation) -> bool {
    command.has_flag(&["no-install-recommends"])
        || command.texts().any(|text| {
            text.trim_start_matches("-o").trim_start_matches('=').eq_ignore_ascii_case("APT::Install-Recommends=false")
        })
        || command.has(&["APT::Install-Recommends=0", "APT::Install-Recommends=no"])
}

fn lists(subject: &Subject<'_>, run: &RunView<'_>, findings: &mut Findings) {
    if !subject.is_base_or_last(run.stage) || run.has_cache(&["/var/lib/apt/lists", "/var/lib/apt"]) {
        return;
    }
    let last = run.commands.iter().rposition(|command| {
        ["apt-get", "apt", "aptitude"].contains(&command.name.as_str()) && command.has(&["update"])
    });
    let Some(index) = last.filter(|index| !removes(run, *index, &LISTS)) else { return };
    let command = &run.commands[index];
    findings.add(
        &DL3009,
        run.instruction,
        run.place(command.span),
        "the lists that `update` fetches stay in the layer",
    );
}

fn old_front_end(subject: &Subject<'_>, run: &RunView<'_>, findings: &mut Findings) {
    let Some(command) = run.commands.iter().find(|command| command.name == "apt") else { return };
    let has_twin = command.has(&["install", "update", "upgrade", "remove", "purge", "autoremove"]);
    let is_editable = has_twin && run.is_editable(subject.file, command.span, "apt");
    let fix = if is_editable { Fix::replace("call apt-get", run.place(command.span), "apt-get") } else { None };
    findings.add(&DL3027, run.instruction, run.place(command.span), "apt is made for people, not for scripts").fix(fix);
}
