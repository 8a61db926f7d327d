//! What the rules look at: the tree, its stages, and every RUN as the commands that its shell would run.

use std::collections::HashMap;

use super::invocation::Invocation;
use super::settings::Settings;
use crate::command::CommandLine;
use crate::dockerfile::{Dockerfile, Stage};
use crate::ignore::Ignore;
use crate::instruction::{Instruction, InstructionKind, Run};
use crate::shell::{self, Script};
use crate::span::{Span, Spanned};
use crate::text::Text;

/// So many stages that stand on one another are looked at.
pub(super) const MAX_CHAIN: usize = 64;

/// A file, prepared for rules.
pub(super) struct Subject<'a> {
    /// The tree.
    pub(super) file: &'a Dockerfile,
    /// What somebody set.
    pub(super) settings: &'a Settings,
    /// What its build context leaves out.
    pub(super) ignore: Option<&'a Ignore>,
    /// Its stages.
    pub(super) stages: Vec<Stage<'a>>,
    /// Every RUN, also those of ONBUILD.
    pub(super) runs: Vec<RunView<'a>>,
    /// The numbers of the stages with a name, which is in lower case.
    names: HashMap<String, Vec<usize>>,
    /// Whether another stage stands on a stage.
    are_bases: Vec<bool>,
}

/// A RUN.
pub(super) struct RunView<'a> {
    /// The instruction: the ONBUILD, where it is a trigger.
    pub(super) instruction: &'a Instruction,
    /// What it says.
    pub(super) run: &'a Run,
    /// The number of its stage.
    pub(super) stage: usize,
    /// Its place among the instructions of its stage.
    pub(super) position: usize,
    /// It is a trigger.
    pub(super) is_trigger: bool,
    /// The shell that runs it.
    pub(super) shell: ShellInForce,
    /// Its script, unless the shell is not one that we read.
    pub(super) script: Option<Result<Script, shell::Error>>,
    /// Every command in it, also those in substitutions.
    pub(super) commands: Vec<Invocation>,
    text: Origin<'a>,
}

/// The shell that SHELL, or a comment, sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ShellInForce {
    /// Its language.
    pub(super) dialect: Dialect,
    /// A pipe fails when one of its commands does.
    pub(super) has_pipefail: bool,
}

/// Languages of shells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// POSIX: `sh`, `dash`, `ash`.
    Posix,
    /// `bash`
    Bash,
    /// `ksh`, `zsh`: read like bash, but nothing is said about what they lack.
    Other,
    /// Not a POSIX shell at all, such as PowerShell.
    Foreign,
}

/// Where the text that the shell gets stands in the file.
enum Origin<'a> {
    /// Joined lines.
    Joined(&'a Text),
    /// A heredoc's content, from this byte on.
    From(usize),
    /// All of it is told to be here.
    Whole(Span),
}

impl ShellInForce {
    /// What `/bin/sh -c` is.
    pub(super) fn posix() -> Self {
        Self { dialect: Dialect::Posix, has_pipefail: false }
    }

    /// The shell that these words call.
    pub(super) fn of(words: &[Spanned<String>]) -> Self {
        let program = words.first().map(|word| word.value.as_str()).unwrap_or_default();
        let dialect = Dialect::of(program);
        let mut arguments = words.iter().skip(1).map(|word| word.value.as_str());
        let has_option = arguments.any(|word| word == "pipefail");
        let knows_option = ["bash", "zsh", "ash"].contains(&base_name(program));
        Self { dialect, has_pipefail: has_option && knows_option }
    }

    /// The shell that a comment names.
    pub(super) fn named(name: &str) -> Self {
        Self { dialect: Dialect::of(name.split_whitespace().next().unwrap_or_default()), has_pipefail: false }
    }
}

impl Dialect {
    fn of(program: &str) -> Self {
        match base_name(program) {
            "sh" | "dash" | "ash" => Self::Posix,
            "bash" => Self::Bash,
            "pwsh" | "powershell" | "cmd" | "pwsh.exe" | "powershell.exe" | "cmd.exe" => Self::Foreign,
            name if name.contains("python") || name.contains("perl") || name.contains("node") => Self::Foreign,
            _ => Self::Other,
        }
    }
}

fn base_name(program: &str) -> &str {
    program.rsplit(['/', '\\']).next().unwrap_or_default()
}

impl<'a> Subject<'a> {
    /// Prepares a file. `shell`: what a comment says about the shell of base images.
    pub(super) fn new(
        file: &'a Dockerfile,
        settings: &'a Settings,
        shell: Option<ShellInForce>,
        ignore: Option<&'a Ignore>,
    ) -> Self {
        let stages = file.stages();
        let shell = shell.unwrap_or_else(ShellInForce::posix);
        let runs = stages.iter().flat_map(|stage| runs(file, stage, shell.clone())).collect();
        let mut names: HashMap<String, Vec<usize>> = HashMap::new();
        for stage in &stages {
            if let Some(name) = stage.from.name() {
                names.entry(name.to_ascii_lowercase()).or_default().push(stage.index);
            }
        }
        let mut subject = Self { file, settings, ignore, stages, runs, names, are_bases: Vec::new() };
        let parents: Vec<usize> =
            subject.stages.iter().filter_map(|stage| subject.parent(stage)).map(|parent| parent.index).collect();
        subject.are_bases = vec![false; subject.stages.len()];
        for parent in parents {
            subject.are_bases[parent] = true;
        }
        subject
    }

    /// The last stage before the one at `index` with this name.
    pub(super) fn stage_before(&self, name: &str, index: usize) -> Option<&Stage<'a>> {
        let numbers = self.names.get(&name.to_ascii_lowercase())?;
        let earlier = numbers.partition_point(|number| *number < index);
        self.stages.get(*numbers.get(earlier.checked_sub(1)?)?)
    }

    /// All instructions that follow a FROM, with their stage's number.
    pub(super) fn instructions(&self) -> impl Iterator<Item = (usize, &'a Instruction)> + '_ {
        self.stages
            .iter()
            .flat_map(|stage| stage.instructions.iter().map(move |instruction| (stage.index, instruction)))
    }

    /// The RUN instructions of one stage.
    pub(super) fn runs_of(&self, stage: usize) -> &[RunView<'a>] {
        let start = self.runs.partition_point(|run| run.stage < stage);
        let end = self.runs.partition_point(|run| run.stage <= stage);
        &self.runs[start..end]
    }

    /// RUN instructions that run when this file is built.
    pub(super) fn direct_runs(&self) -> impl Iterator<Item = &RunView<'a>> {
        self.runs.iter().filter(|run| !run.is_trigger)
    }

    /// The earlier stage that a stage stands on.
    pub(super) fn parent(&self, stage: &Stage<'_>) -> Option<&Stage<'a>> {
        self.stage_before(&stage.from.image, stage.index)
    }

    /// A stage, the stage that it stands on, and so on; not further than files of people go.
    pub(super) fn chain<'s>(&'s self, stage: &Stage<'a>) -> impl Iterator<Item = Stage<'a>> + 's {
        std::iter::successors(Some(*stage), |stage| self.parent(stage).copied()).take(MAX_CHAIN)
    }

    /// Whether a stage is what the build gives, or another stage stands on it.
    pub(super) fn is_base_or_last(&self, index: usize) -> bool {
        index + 1 == self.stages.len() || self.are_bases[index]
    }
}

fn runs<'a>(file: &'a Dockerfile, stage: &Stage<'a>, mut shell: ShellInForce) -> Vec<RunView<'a>> {
    let mut runs = Vec::new();
    for (position, instruction) in stage.instructions.iter().enumerate() {
        let (run, is_trigger) = match &instruction.kind {
            InstructionKind::Shell(words) => {
                shell = ShellInForce::of(words);
                continue;
            }
            InstructionKind::Run(run) => (run, false),
            InstructionKind::Onbuild(onbuild) => match &onbuild.trigger.kind {
                InstructionKind::Run(run) => (run, true),
                _ => continue,
            },
            _ => continue,
        };
        let view = RunView {
            instruction,
            run,
            stage: stage.index,
            position,
            is_trigger,
            shell: shell.clone(),
            script: None,
            commands: Vec::new(),
            text: Origin::Whole(instruction.span),
        };
        runs.push(view.read_command(file));
    }
    runs
}

impl<'a> RunView<'a> {
    fn read_command(mut self, file: &Dockerfile) -> Self {
        match &self.run.command {
            CommandLine::Exec(words) => self.exec(words),
            CommandLine::Shell(text) => self.shell(file, text),
        }
        self
    }

    /// A command without a shell; a shell that it calls is looked into.
    fn exec(&mut self, words: &[Spanned<String>]) {
        if let [program, option, script, ..] = words {
            let shell = ShellInForce::of(&words[..1]);
            if option.ends_with('c')
                && option.starts_with('-')
                && ["sh", "bash", "ash", "dash"].contains(&base_name(program))
            {
                self.shell = shell;
                self.text = Origin::Whole(script.span);
                self.read(script);
                return;
            }
        }
        self.commands.extend(Invocation::of_words(words));
    }

    fn shell(&mut self, file: &Dockerfile, text: &'a Text) {
        let heredoc = self.run.heredocs.first().filter(|heredoc| heredoc.opening.written == text.as_str());
        if let Some(heredoc) = heredoc {
            if let Some(line) = heredoc.content.strip_prefix("#!") {
                let program = line.lines().next().unwrap_or_default().trim().trim_start_matches("/usr/bin/env ");
                self.shell = ShellInForce::named(program);
            }
            self.text = Origin::From(heredoc.content.span.start);
            // As it stands in the file: a place in it is then a place in the file.
            self.read(file.text_at(heredoc.content.span));
        } else {
            self.text = Origin::Joined(text);
            match self.run.heredocs.as_slice() {
                [] => self.read(text.as_str()),
                heredocs => {
                    let mut whole = text.as_str().to_owned();
                    for heredoc in heredocs {
                        whole.push('\n');
                        whole.push_str(&heredoc.content);
                        whole.push_str(&heredoc.opening.name);
                    }
                    self.read(&whole);
                }
            }
        }
    }

    fn read(&mut self, text: &str) {
        if self.shell.dialect == Dialect::Foreign {
            return;
        }
        let script = shell::parse(text);
        if let Ok(script) = &script {
            self.commands = Invocation::of_script(script);
        }
        self.script = Some(script);
    }

    /// Where something of the shell's text stands in the file.
    pub(super) fn place(&self, span: Span) -> Span {
        match &self.text {
            Origin::Joined(text) => {
                let length = text.as_str().len();
                text.span(span.start.min(length)..span.end.min(length))
            }
            Origin::From(start) => Span::new(start + span.start, start + span.end),
            Origin::Whole(span) => *span,
        }
    }

    /// Whether fixes may be made in it: places of its text are places of the file.
    pub(super) fn is_editable(&self, file: &Dockerfile, span: Span, expected: &str) -> bool {
        !matches!(self.text, Origin::Whole(_)) && file.text_at(self.place(span)) == expected
    }

    /// The value of `target` of each mount that keeps a folder out of the image.
    pub(super) fn cached_folders(&self) -> impl Iterator<Item = &str> {
        self.run.mounts.iter().filter_map(|mount| {
            let option = |keys: &[&str]| mount.options.iter().find(|option| keys.contains(&option.key.as_str()));
            let kind = option(&["type"])?.value.as_ref()?;
            if !["cache", "tmpfs"].contains(&kind.as_str()) {
                return None;
            }
            option(&["target", "dst", "destination"])?.value.as_ref().map(|value| value.trim_end_matches('/'))
        })
    }

    /// Whether one of these folders is kept out of the image.
    pub(super) fn has_cache(&self, folders: &[&str]) -> bool {
        self.cached_folders().any(|target| folders.contains(&target))
    }
}
