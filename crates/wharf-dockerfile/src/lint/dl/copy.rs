//! COPY and ADD: what comes from where, and where it goes.

use crate::diagnostic::Severity::{Error, Info, Warning};
use crate::instruction::{Add, Copy, Instruction, InstructionKind, Source};
use crate::lint::finding::{Findings, Fix};
use crate::lint::invocation::Invocation;
use crate::lint::rule::Rule;
use crate::lint::subject::Subject;
use crate::span::Spanned;

pub(super) const RULES: &[&Rule] = &[&DL3010, &DL3020, &DL3021, &DL3022, &DL3023, &DL3045, &DL3067];

const DL3010: Rule = Rule::new("DL3010", Info, "Let ADD unpack a local archive")
    .why("ADD unpacks an archive of the context while it adds it. COPY and `tar` leave the archive itself in one layer and its content in another: the image carries both.")
    .examples("COPY site.tar.gz /tmp/\nRUN tar -xf /tmp/site.tar.gz -C /srv", "ADD site.tar.gz /srv/");
const DL3020: Rule = Rule::new("DL3020", Error, "Copy files and folders with COPY, not ADD")
    .why("ADD downloads what looks like a URL and unpacks what looks like an archive. For plain files it does what COPY does, and a reader has to find that out.")
    .examples("ADD app.py /srv/", "COPY app.py /srv/");
const DL3021: Rule = Rule::new("DL3021", Error, "End the destination of several sources with `/`")
    .why("Several sources need a folder. Only a destination that ends with `/` is surely one; builders refuse others.")
    .examples("COPY a.py b.py /srv", "COPY a.py b.py /srv/");
const DL3022: Rule = Rule::new("DL3022", Warning, "Copy from a stage that stands further up, or from an image with a tag")
    .why("A name that no earlier stage has is taken for an image, without a tag: a slip of the pen becomes a download of something else.")
    .examples("FROM golang:1.25 AS build\nFROM debian:13\nCOPY --from=biuld /app /app", "FROM golang:1.25 AS build\nFROM debian:13\nCOPY --from=build /app /app");
const DL3023: Rule = Rule::new("DL3023", Error, "Do not copy from the stage itself")
    .why("A stage can only take from stages that are finished.")
    .examples("FROM debian:13 AS app\nCOPY --from=app /a /b", "FROM debian:13 AS app\nRUN cp -a /a /b");
const DL3045: Rule = Rule::new("DL3045", Warning, "Set WORKDIR before copying to a relative path")
    .why("A relative destination counts from the working folder. While this file sets none, that is whatever the base has, and it can change with the base.")
    .examples("FROM debian:13\nCOPY app.py .", "FROM debian:13\nWORKDIR /srv\nCOPY app.py .");
const DL3067: Rule = Rule::new("DL3067", Warning, "Copy what is needed instead of a whole file system")
    .why("`COPY --from=… / /` puts everything of another stage into this image: its tools, caches and secrets, too, in one layer that no other image shares.")
    .examples("COPY --from=build / /", "COPY --from=build /out/app /usr/local/bin/app");

pub(super) fn check(subject: &Subject<'_>, findings: &mut Findings) {
    let mut has_workdir = vec![false; subject.stages.len()];
    for stage in &subject.stages {
        has_workdir[stage.index] = subject.parent(stage).is_some_and(|parent| has_workdir[parent.index]);
        for instruction in stage.instructions {
            match &instruction.kind {
                InstructionKind::Workdir(_) => has_workdir[stage.index] = true,
                InstructionKind::Copy(copy) => {
                    if !has_workdir[stage.index] {
                        relative(copy, instruction, findings);
                    }
                    check_copy(subject, (stage.index, instruction, copy), findings);
                }
                InstructionKind::Add(add) => check_add(add, instruction, findings),
                _ => {}
            }
        }
    }
}

fn check_copy(
    subject: &Subject<'_>,
    (stage, instruction, copy): (usize, &Instruction, &Copy),
    findings: &mut Findings,
) {
    let destination = unquoted(&copy.destination);
    if copy.sources.len() > 1 && !destination.ends_with('/') {
        let at = copy.destination.span.end;
        let is_plain = destination == copy.destination.value && !destination.contains('$') && !copy.json;
        let fix = if is_plain { Fix::insert("end the destination with `/`", at, "/") } else { None };
        findings
            .add(
                &DL3021,
                instruction,
                copy.destination.span,
                format!("several sources, and `{destination}` does not end with `/`"),
            )
            .fix(fix);
    }
    match &copy.from {
        Some(from) => check_from(subject, (stage, instruction), from, findings),
        None => archive(subject, (stage, instruction, copy), findings),
    }
    let is_whole = copy.from.is_some() && destination == "/" && paths(&copy.sources).any(|path| unquoted(path) == "/");
    if is_whole {
        findings.add(&DL3067, instruction, copy.destination.span, "everything of another stage goes into this image");
    }
}

fn check_from(
    subject: &Subject<'_>,
    (stage, instruction): (usize, &Instruction),
    from: &Spanned<String>,
    findings: &mut Findings,
) {
    if subject.stages[stage].is_named(from) {
        findings.add(&DL3023, instruction, from.span, format!("`{}` is the stage itself", from.value));
        return;
    }
    let is_known = match from.parse::<usize>() {
        Ok(number) => number <= stage,
        Err(_) => from.contains(':') || subject.stage_before(from, stage).is_some(),
    };
    if !is_known {
        findings.add(&DL3022, instruction, from.span, format!("no earlier stage is named `{}`", from.value));
    }
}

fn relative(copy: &Copy, instruction: &Instruction, findings: &mut Findings) {
    let destination = unquoted(&copy.destination);
    let mut characters = destination.chars();
    let is_drive = characters.next().is_some_and(|c| c.is_ascii_alphabetic()) && characters.next() == Some(':');
    if !destination.starts_with(['/', '$', '\\']) && !is_drive {
        findings.add(
            &DL3045,
            instruction,
            copy.destination.span,
            format!("`{destination}` counts from a folder that the base sets"),
        );
    }
}

fn check_add(add: &Add, instruction: &Instruction, findings: &mut Findings) {
    let plain = paths(&add.sources).find(|path| !is_remote(unquoted(path)) && !is_archive(unquoted(path)));
    let Some(path) = plain else { return };
    let is_replaceable = add.checksum.is_none() && add.keep_git_dir.is_none() && add.unpack.is_none();
    let is_all_plain = paths(&add.sources)
        .all(|path| !is_remote(unquoted(path)) && !is_archive(unquoted(path)) && !path.contains('$'));
    let fix =
        if is_replaceable && is_all_plain { Fix::replace("use COPY", instruction.keyword.span, "COPY") } else { None };
    findings
        .add(
            &DL3020,
            instruction,
            instruction.keyword.span,
            format!("`{}` is neither an archive nor a URL: COPY does the same", path.value),
        )
        .fix(fix);
}

fn is_remote(path: &str) -> bool {
    ["http://", "https://", "git://", "ssh://", "git@"].iter().any(|scheme| path.starts_with(scheme))
}

/// What ADD unpacks, by its name.
const ARCHIVES: [&str; 16] = [
    ".tar", ".gz", ".tgz", ".bz2", ".tbz", ".tbz2", ".tb2", ".xz", ".txz", ".lz", ".lzma", ".tlz", ".Z", ".tZ", ".tpz",
    ".tar.zst",
];

fn is_archive(path: &str) -> bool {
    ARCHIVES.iter().any(|suffix| path.ends_with(suffix))
}

/// An archive that is copied and unpacked by a later RUN.
fn archive(subject: &Subject<'_>, (stage, instruction, copy): (usize, &Instruction, &Copy), findings: &mut Findings) {
    let destination = unquoted(&copy.destination);
    for path in paths(&copy.sources) {
        let source = unquoted(path);
        let kept =
            if destination.ends_with('/') || destination == "." { base_name(source) } else { base_name(destination) };
        if !is_archive(source) || !is_archive(kept) {
            continue;
        }
        let next = subject.runs.partition_point(|run| run.instruction.span.start < instruction.span.start);
        // As far as one looks ahead by eye: files are strangers', and this is asked for each archive.
        let later = subject.runs[next..].iter().take_while(|run| run.stage == stage).take(16);
        if later.flat_map(|run| &run.commands).any(|command| unpacks(command, kept)) {
            findings.add(
                &DL3010,
                instruction,
                path.span,
                format!("`{source}` is copied and then unpacked: ADD does both"),
            );
            return;
        }
    }
}

fn unpacks(command: &Invocation, archive: &str) -> bool {
    let is_unpacker = match command.name.as_str() {
        "tar" => {
            let old_style = command.texts().next().is_some_and(|first| !first.starts_with('-') && first.contains('x'));
            command.has_flag(&["x", "extract", "get"]) || old_style
        }
        "gunzip" | "bunzip2" | "unxz" | "unlzma" | "uncompress" | "zcat" | "gzcat" | "bzcat" | "xzcat" => true,
        _ => false,
    };
    is_unpacker && command.texts().any(|text| base_name(text) == archive)
}

fn paths(sources: &[Source]) -> impl Iterator<Item = &Spanned<String>> {
    sources.iter().filter_map(|source| match source {
        Source::Path(path) => Some(path),
        Source::Heredoc(_) => None,
    })
}

fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

/// A word without the quotes around it.
fn unquoted(word: &str) -> &str {
    word.trim_matches(['"', '\''])
}
