//! RUN: which programs are called, how, and by which shell.

use crate::diagnostic::Severity::{Error, Info, Warning};
use crate::lint::finding::{Findings, Fix};
use crate::lint::invocation::Invocation;
use crate::lint::rule::Rule;
use crate::lint::subject::{Dialect, RunView, Subject};
use crate::shell::{Pipeline, Place, Visit};
use crate::span::Span;

pub(super) const RULES: &[&Rule] = &[&DL3001, &DL3003, &DL3004, &DL3046, &DL3047, &DL3059, &DL4001, &DL4005, &DL4006];

const DL3001: Rule = Rule::new("DL3001", Info, "Leave out commands that make no sense in a container")
    .why("A build has no services, no terminal and no other processes: `service`, `ssh`, `vim`, `shutdown`, `ps`, `free`, `top`, `kill` and `mount` leave nothing in the image.")
    .examples("RUN service nginx start", "CMD [\"nginx\", \"-g\", \"daemon off;\"]");
const DL3003: Rule = Rule::new("DL3003", Warning, "Change the folder with WORKDIR")
    .why("`cd` counts for its own RUN only, and a reader must follow it. WORKDIR says for all that comes where it happens.")
    .examples("RUN cd /src && make", "WORKDIR /src\nRUN make");
const DL3004: Rule = Rule::new("DL3004", Error, "Do without sudo")
    .why("A build is root unless USER says otherwise; sudo adds a program that lets people become root, and handles signals and terminals in its own way. Use USER.")
    .examples("RUN sudo apt-get update", "USER root\nRUN apt-get update");
const DL3046: Rule = Rule::new("DL3046", Warning, "Call useradd with `-l` for high user ids")
    .why("useradd writes the log-in of the new user at its number's place in `/var/log/lastlog`. With a high number that file is huge; it is sparse on disk, but not in a layer.")
    .examples("RUN useradd -u 1000000 app", "RUN useradd -l -u 1000000 app");
const DL3047: Rule = Rule::new("DL3047", Info, "Tell wget how to show progress")
    .why("wget draws a bar for a terminal. In the log of a build that is thousands of lines.")
    .examples("RUN wget https://example.com/a.tgz", "RUN wget --progress=dot:giga https://example.com/a.tgz");
const DL3059: Rule = Rule::new("DL3059", Info, "Join RUN instructions that follow one another")
    .why("Each RUN is a layer, and what a later one deletes stays in the earlier one.")
    .examples("RUN ./configure\nRUN make", "RUN ./configure && make");
const DL4001: Rule = Rule::new("DL4001", Warning, "Download with either wget or curl, not both")
    .why("Two programs for one purpose are two sets of flags to know and two packages to keep up to date.")
    .examples(
        "RUN wget -q https://example.com/a\nRUN curl -fsSO https://example.com/b",
        "RUN curl -fsSO https://example.com/a -O https://example.com/b",
    );
const DL4005: Rule = Rule::new("DL4005", Warning, "Change the shell with SHELL")
    .why("`/bin/sh` belongs to the base: its scripts, and those of later packages, expect the shell that they were written for.")
    .examples("RUN ln -sf /bin/bash /bin/sh", "SHELL [\"/bin/bash\", \"-c\"]");
const DL4006: Rule = Rule::new("DL4006", Warning, "Set `pipefail` before a RUN with a pipe")
    .why("A pipe ends as its last command does. Where the first one fails, for instance a download, the build goes on with what came through. `/bin/sh` of many bases has no `pipefail`; bash has.")
    .examples("RUN curl -fsS https://example.com/a | tar -x", "SHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"]\nRUN curl -fsS https://example.com/a | tar -x");

const POINTLESS: [&str; 9] = ["free", "kill", "mount", "ps", "service", "shutdown", "ssh", "top", "vim"];

pub(super) fn check(subject: &Subject<'_>, findings: &mut Findings) {
    for run in &subject.runs {
        calls(
            run,
            findings,
            &DL3004,
            |command| command.name == "sudo",
            |_| "sudo in a build is root that becomes root".to_owned(),
        );
    }
    for run in subject.direct_runs() {
        calls(
            run,
            findings,
            &DL3001,
            |command| POINTLESS.contains(&command.name.as_str()),
            |command| format!("`{}` has no effect on the image", command.name),
        );
        calls(run, findings, &DL3003, |command| command.name == "cd", |_| "`cd` counts for this RUN only".to_owned());
        calls(run, findings, &DL3046, has_high_id, |_| "a high user id without `-l` makes a huge file".to_owned());
        calls(
            run,
            findings,
            &DL4005,
            |command| command.name == "ln" && command.has(&["/bin/sh"]),
            |_| "`/bin/sh` belongs to the base".to_owned(),
        );
        wget(run, subject, findings);
        pipe(run, findings);
    }
    downloads(subject, findings);
    consecutive(subject, findings);
}

/// Notes the first command of a RUN that a rule is about.
fn calls(
    run: &RunView<'_>,
    findings: &mut Findings,
    rule: &'static Rule,
    is_meant: impl Fn(&Invocation) -> bool,
    message: impl Fn(&Invocation) -> String,
) {
    if let Some(command) = run.commands.iter().find(|command| is_meant(command)) {
        findings.add(rule, run.instruction, run.place(command.span), message(command));
    }
}

fn has_high_id(command: &Invocation) -> bool {
    if command.name != "useradd" || command.has_flag(&["l", "no-log-init"]) {
        return false;
    }
    let mut is_id = false;
    command.texts().any(|text| {
        let value = if std::mem::take(&mut is_id) { Some(text) } else { text.strip_prefix("--uid=") };
        is_id = text == "--uid" || (text.starts_with('-') && !text.starts_with("--") && text.ends_with('u'));
        value.is_some_and(|value| value.len() > 5 && value.bytes().all(|byte| byte.is_ascii_digit()))
    })
}

fn wget(run: &RunView<'_>, subject: &Subject<'_>, findings: &mut Findings) {
    const QUIET: [&str; 8] = ["q", "quiet", "o", "output-file", "a", "append-output", "no-verbose", "progress"];
    let loud = run
        .commands
        .iter()
        .find(|command| command.name == "wget" && !command.has_flag(&QUIET) && !command.has(&["-nv"]));
    let Some(command) = loud else { return };
    let is_editable = run.is_editable(subject.file, command.span, "wget");
    let end = run.place(command.span).end;
    let fix = if is_editable { Fix::insert("show progress in dots", end, " --progress=dot:giga") } else { None };
    findings
        .add(&DL3047, run.instruction, run.place(command.span), "wget draws a progress bar into the build's log")
        .fix(fix);
}

/// The first pipe of a script.
struct Pipe(Option<Span>);

impl Visit for Pipe {
    fn pipeline(&mut self, pipeline: &Pipeline, _place: Place) {
        if self.0.is_none() && pipeline.commands.len() > 1 {
            self.0 = Some(pipeline.span);
        }
    }
}

fn pipe(run: &RunView<'_>, findings: &mut Findings) {
    let Some(Ok(script)) = &run.script else { return };
    if run.shell.has_pipefail || run.shell.dialect == Dialect::Foreign {
        return;
    }
    let mut pipe = Pipe(None);
    script.walk(&mut pipe);
    if let Some(span) = pipe.0 {
        findings.add(
            &DL4006,
            run.instruction,
            run.place(span),
            "only the last command of this pipe can fail the build",
        );
    }
}

fn downloads(subject: &Subject<'_>, findings: &mut Findings) {
    let mut seen = vec![(false, false); subject.stages.len()];
    for run in subject.direct_runs() {
        let find = |name: &str| run.commands.iter().find(|command| command.name == name);
        let (wget, curl) = (find("wget"), find("curl"));
        let (has_wget, has_curl) = &mut seen[run.stage];
        *has_wget |= wget.is_some();
        *has_curl |= curl.is_some();
        if let (true, Some(command)) = (*has_wget && *has_curl, wget.or(curl)) {
            findings.add(
                &DL4001,
                run.instruction,
                run.place(command.span),
                "this stage downloads with both wget and curl",
            );
        }
    }
}

fn consecutive(subject: &Subject<'_>, findings: &mut Findings) {
    let runs: Vec<&RunView<'_>> = subject.direct_runs().collect();
    for pair in runs.windows(2) {
        let [before, run] = pair else { continue };
        let follows = before.stage == run.stage && before.position + 1 == run.position;
        if follows && are_joinable(before, run) {
            findings.add(
                &DL3059,
                run.instruction,
                run.instruction.keyword.span,
                "this RUN and the one before could be one layer",
            );
        }
    }
}

fn are_joinable(before: &RunView<'_>, run: &RunView<'_>) -> bool {
    let is_alike = before.run.mounts == run.run.mounts
        && before.run.network.as_ref().map(|value| &value.value) == run.run.network.as_ref().map(|value| &value.value)
        && before.run.security.as_ref().map(|value| &value.value)
            == run.run.security.as_ref().map(|value| &value.value);
    // A program that a variable names counts for none.
    let calls = |run: &RunView<'_>| run.commands.iter().filter(|command| !command.name.contains("${")).count();
    let is_short = |run: &RunView<'_>| calls(run) <= 1 && run.run.heredocs.is_empty();
    is_alike && is_short(before) && is_short(run)
}
