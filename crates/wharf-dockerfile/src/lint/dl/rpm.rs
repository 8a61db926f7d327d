//! yum, dnf, microdnf and zypper: packages of the RPM kind.

use crate::diagnostic::Severity::Warning;
use crate::lint::finding::Findings;
use crate::lint::invocation::Invocation;
use crate::lint::packages::{first, missing_flag, removes};
use crate::lint::rule::Rule;
use crate::lint::subject::{RunView, Subject};

pub(super) const RULES: &[&Rule] =
    &[&DL3030, &DL3032, &DL3033, &DL3034, &DL3035, &DL3036, &DL3037, &DL3038, &DL3040, &DL3041];

const NO_ANSWER: &str = "A build has nobody who could answer the question whether to go on.";
const NO_VERSION: &str = "Without a version a build takes what the repositories have today. With one, an unexpected version stops the build instead of changing the image.";
const NO_CLEANING: &str =
    "The package manager keeps its index and what it downloaded. A later RUN can't take that out of the layer.";

const DL3030: Rule = Rule::new("DL3030", Warning, "Call yum install with `-y`")
    .why(NO_ANSWER)
    .examples("RUN yum install httpd-2.4.62", "RUN yum install -y httpd-2.4.62");
const DL3032: Rule = Rule::new("DL3032", Warning, "End a RUN that installs with `yum clean all`")
    .why(NO_CLEANING)
    .examples("RUN yum install -y httpd-2.4.62", "RUN yum install -y httpd-2.4.62 && yum clean all");
const DL3033: Rule = Rule::new("DL3033", Warning, "Give packages of yum a version")
    .why(NO_VERSION)
    .examples("RUN yum install -y httpd", "RUN yum install -y httpd-2.4.62");
const DL3034: Rule = Rule::new("DL3034", Warning, "Call zypper with `-n`")
    .why(NO_ANSWER)
    .examples("RUN zypper install httpd=2.4.62", "RUN zypper -n install httpd=2.4.62");
const DL3035: Rule = Rule::new("DL3035", Warning, "Do not upgrade the distribution with zypper")
    .why("`dist-upgrade` moves every package to the newest release, which makes another base of the base. Take a newer base.")
    .examples("RUN zypper -n dist-upgrade", "FROM opensuse/leap:15.6");
const DL3036: Rule = Rule::new("DL3036", Warning, "End a RUN that installs with `zypper clean`")
    .why(NO_CLEANING)
    .examples("RUN zypper -n install httpd=2.4.62", "RUN zypper -n install httpd=2.4.62 && zypper clean");
const DL3037: Rule = Rule::new("DL3037", Warning, "Give packages of zypper a version")
    .why(NO_VERSION)
    .examples("RUN zypper -n install httpd", "RUN zypper -n install httpd=2.4.62");
const DL3038: Rule = Rule::new("DL3038", Warning, "Call dnf install with `-y`")
    .why(NO_ANSWER)
    .examples("RUN dnf install httpd-2.4.62", "RUN dnf install -y httpd-2.4.62");
const DL3040: Rule = Rule::new("DL3040", Warning, "End a RUN that installs with `dnf clean all`")
    .why(NO_CLEANING)
    .examples("RUN dnf install -y httpd-2.4.62", "RUN dnf install -y httpd-2.4.62 && dnf clean all");
const DL3041: Rule = Rule::new("DL3041", Warning, "Give packages of dnf a version")
    .why(NO_VERSION)
    .examples("RUN dnf install -y httpd", "RUN dnf install -y httpd-2.4.62");

const INSTALLS: [&str; 5] = ["install", "groupinstall", "localinstall", "group", "module"];
const YES: [&str; 3] = ["y", "yes", "assumeyes"];
const DNF: [&str; 4] = ["dnf", "microdnf", "dnf5", "tdnf"];

pub(super) fn check(subject: &Subject<'_>, findings: &mut Findings) {
    for run in &subject.runs {
        yum(subject, run, findings);
        dnf(subject, run, findings);
        zypper(subject, run, findings);
    }
}

fn installs_something(command: &Invocation) -> bool {
    command.has(&["install", "groupinstall", "localinstall"])
}

fn yum(subject: &Subject<'_>, run: &RunView<'_>, findings: &mut Findings) {
    let is_yum = |command: &Invocation| command.name == "yum";
    missing_flag(
        (subject, run),
        findings,
        &DL3030,
        |command| is_yum(command) && installs_something(command) && !command.has_flag(&YES),
        (&INSTALLS, "-y"),
    );
    let cache = Cache {
        is_manager: &is_yum,
        verbs: &["install"],
        cleaned: &["yum"],
        folders: &["/var/cache/yum", "/var/cache/dnf"],
    };
    cache.check(run, findings, &DL3032, "yum clean all");
    let packages =
        run.commands.iter().filter(|command| is_yum(command) && command.has(&["install"])).flat_map(unversioned);
    first(run, findings, &DL3033, packages, no_version);
}

fn dnf(subject: &Subject<'_>, run: &RunView<'_>, findings: &mut Findings) {
    let is_dnf = |command: &Invocation| ["dnf", "microdnf"].contains(&command.name.as_str());
    missing_flag(
        (subject, run),
        findings,
        &DL3038,
        |command| is_dnf(command) && installs_something(command) && !command.has_flag(&YES),
        (&INSTALLS, "-y"),
    );
    let folders = ["/var/cache/dnf", "/var/cache/libdnf5", "/var/cache/yum"];
    let cache = Cache { is_manager: &is_dnf, verbs: &["install", "upgrade"], cleaned: &DNF, folders: &folders };
    cache.check(run, findings, &DL3040, "dnf clean all");
    let packages =
        run.commands.iter().filter(|command| is_dnf(command) && command.has(&["install"])).flat_map(unversioned);
    first(run, findings, &DL3041, packages, no_version);
}

fn zypper(subject: &Subject<'_>, run: &RunView<'_>, findings: &mut Findings) {
    let is_zypper = |command: &Invocation| command.name == "zypper";
    let asks = ["install", "in", "remove", "rm", "source-install", "si", "patch"];
    let is_quiet = |command: &Invocation| command.has_flag(&["n", "non-interactive", "no-confirm", "y"]);
    missing_flag(
        (subject, run),
        findings,
        &DL3034,
        |command| is_zypper(command) && command.has(&asks) && !is_quiet(command),
        (&asks, "-y"),
    );
    if let Some(command) =
        run.commands.iter().find(|command| is_zypper(command) && command.has(&["dup", "dist-upgrade"]))
    {
        findings.add(&DL3035, run.instruction, run.place(command.span), "the whole distribution is upgraded");
    }
    let cache = Cache {
        is_manager: &is_zypper,
        verbs: &["install", "in"],
        cleaned: &["zypper"],
        folders: &["/var/cache/zypp"],
    };
    cache.check(run, findings, &DL3036, "zypper clean");
    let packages =
        run.commands.iter().filter(|command| is_zypper(command) && command.has(&["install", "in"])).flat_map(
            |command| {
                command.operands(&[]).filter(|package| {
                    let text = package.text.as_str();
                    !["install", "in"].contains(&text) && !text.contains(['=', '<', '>']) && !text.ends_with(".rpm")
                })
            },
        );
    first(run, findings, &DL3037, packages, no_version);
}

fn no_version(package: &str) -> String {
    format!("`{package}` is installed in whatever version there is")
}

/// A package manager's cache, and what empties it.
struct Cache<'a> {
    is_manager: &'a dyn Fn(&Invocation) -> bool,
    verbs: &'a [&'a str],
    cleaned: &'a [&'a str],
    folders: &'a [&'a str],
}

impl Cache<'_> {
    fn check(&self, run: &RunView<'_>, findings: &mut Findings, rule: &'static Rule, cleaning: &str) {
        if run.has_cache(self.folders) {
            return;
        }
        let last = run.commands.iter().rposition(|command| (self.is_manager)(command) && command.has(self.verbs));
        let Some(index) = last else { return };
        let command = &run.commands[index];
        let cleans = |other: &Invocation| {
            let is_same = other.name == command.name
                || (command.name != "microdnf" && self.cleaned.contains(&other.name.as_str()));
            is_same && other.has(&["clean", "cc"])
        };
        let is_cleaned = run.commands[index + 1..].iter().any(cleans) || removes(run, index, self.folders);
        if !is_cleaned {
            findings.add(
                rule,
                run.instruction,
                run.place(command.span),
                format!("`{}` leaves its cache in the layer: no `{cleaning}` follows", command.name),
            );
        }
    }
}

/// Packages of yum or dnf without a version. Of a module, the stream is its version.
fn unversioned(command: &Invocation) -> impl Iterator<Item = &crate::lint::invocation::Argument> {
    let is_module = command.has(&["module"]);
    command.operands(&[]).filter(move |package| {
        let text = package.text.as_str();
        let is_verb = ["install", "module", "group"].contains(&text);
        let is_versioned = if is_module { text.contains(':') } else { has_version(text) };
        !is_verb && !is_versioned
    })
}

/// `name-1.2…`: a dash, a digit, and from there on what versions and releases are made of.
fn has_version(package: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "._+~:-".contains(c);
    package.match_indices('-').any(|(at, _)| {
        let version = &package[at + 1..];
        at > 0 && version.starts_with(|c: char| c.is_ascii_digit()) && version.chars().all(is_part)
    })
}
