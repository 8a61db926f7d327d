//! The variables of one stage, and its instructions expanded one after the other.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use super::globals::Globals;
use super::lexer::{Lexed, Lookup, Mode, lex};
use super::step::{AddStep, CopyStep, Origin, Ports, RunStep, Step};
use super::variables::Variables;
use crate::command::CommandLine;
use crate::diagnostic::Diagnostic;
use crate::directive::Escape;
use crate::instruction::{Add, Arg, Copy, Instruction, InstructionKind, Pairs, Run, Source};
use crate::nearest::nearest;
use crate::span::{Span, Spanned};

/// So much may one scope expand: bytes read and written, and steps of patterns.
const WORK: usize = 1 << 24;

/// A variable that was asked for and has no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undefined {
    /// Its name.
    pub name: String,
    /// The word that asks for it.
    pub span: Span,
    /// The name that was probably meant.
    pub suggestion: Option<String>,
}

impl Undefined {
    pub(super) fn new<'a>(name: String, span: Span, known: impl Iterator<Item = &'a str>) -> Self {
        let suggestion = nearest(&name, known).map(str::to_owned);
        Self { name, span, suggestion }
    }
}

/// How much has been expanded. Without a bound, variables that hold each other's values grow with each line.
#[derive(Debug, Clone, Default)]
pub(super) struct Work {
    done: usize,
}

impl Work {
    pub(super) fn expand(
        &mut self,
        word: &Spanned<String>,
        escape: Escape,
        lookup: &dyn Lookup,
    ) -> Result<Lexed, Diagnostic> {
        self.lex(word.span, word, (escape.character(), Mode::default()), lookup)
    }

    fn lex(
        &mut self,
        span: Span,
        text: &str,
        (escape, mode): (char, Mode),
        lookup: &dyn Lookup,
    ) -> Result<Lexed, Diagnostic> {
        if self.done > WORK {
            return Err(Diagnostic::error(span, "the stage's variables take too much to expand"));
        }
        let lexed = lex(text, escape, mode, lookup, &mut self.done);
        let shown: String = text.chars().take(80).collect();
        lexed.map_err(|message| Diagnostic::error(span, format!("cannot expand `{shown}`: {message}")))
    }
}

/// The variables of a stage at one of its instructions.
#[derive(Debug, Clone)]
pub struct Scope {
    globals: Globals,
    environment: Variables,
    visible: Variables,
    arguments: BTreeMap<String, Option<String>>,
    order: Vec<String>,
    work: RefCell<Work>,
    undefined: RefCell<Vec<Undefined>>,
}

impl Scope {
    pub(super) fn new(globals: Globals, environment: Variables) -> Self {
        Self {
            globals,
            visible: environment.clone(),
            environment,
            arguments: BTreeMap::new(),
            order: Vec::new(),
            work: RefCell::default(),
            undefined: RefCell::default(),
        }
    }

    /// The scope of a stage that stands on this one, at its end.
    pub fn child(&self) -> Self {
        Self { undefined: RefCell::default(), work: RefCell::default(), ..self.clone() }
    }

    /// The environment of the image: its base's, and what ENV said.
    pub fn environment(&self) -> &Variables {
        &self.environment
    }

    /// What words and commands see: the environment, and the arguments that have a value.
    pub fn visible(&self) -> &Variables {
        &self.visible
    }

    /// The arguments that were declared, in their order, with the values that commands see: what history shows.
    pub fn arguments(&self) -> impl Iterator<Item = (&str, &str)> {
        self.order.iter().map(|name| {
            let own = || self.arguments.get(name).and_then(Option::as_deref);
            (name.as_str(), self.visible.get(name).or_else(own).unwrap_or_default())
        })
    }

    /// Variables without a value that the instructions since the last call asked for.
    pub fn take_undefined(&mut self) -> Vec<Undefined> {
        self.undefined.take()
    }

    /// Expands an instruction with the values before it, and takes over what it says about variables. FROM is expanded by
    /// [`Globals::base`].
    pub fn step(&mut self, instruction: &Instruction) -> Result<Step, Diagnostic> {
        Ok(match &instruction.kind {
            InstructionKind::Add(add) => Step::Add(self.add(add)?),
            InstructionKind::Arg(arg) => Step::Arg(self.arg(arg)?),
            InstructionKind::Cmd(command) => Step::Cmd(command.clone()),
            InstructionKind::Copy(copy) => Step::Copy(self.copy(copy)?),
            InstructionKind::Entrypoint(command) => Step::Entrypoint(command.clone()),
            InstructionKind::Env(pairs) => Step::Env(self.env(pairs)?),
            InstructionKind::Expose(ports) => Step::Expose(self.expose(ports)?),
            InstructionKind::Healthcheck(healthcheck) => Step::Healthcheck(healthcheck.clone()),
            InstructionKind::Label(pairs) => Step::Label(self.pairs(pairs)?),
            InstructionKind::Maintainer(name) => Step::Maintainer(name.value.clone()),
            InstructionKind::Onbuild(onbuild) => Step::Onbuild(onbuild.expression.clone()),
            InstructionKind::Run(run) => Step::Run(self.run(run)?),
            InstructionKind::Shell(words) => Step::Shell(words.iter().map(|word| word.value.clone()).collect()),
            InstructionKind::Stopsignal(signal) => Step::Stopsignal(self.word(signal)?),
            InstructionKind::User(user) => Step::User(self.word(user)?),
            InstructionKind::Volume(volume) => Step::Volume(self.words(&volume.paths)?),
            InstructionKind::Workdir(path) => Step::Workdir(self.word(path)?),
            InstructionKind::From(_) | InstructionKind::Invalid(_) => {
                let message = format!("{} can't be done inside of a stage", instruction.name());
                return Err(Diagnostic::error(instruction.keyword.span, message));
            }
        })
    }

    fn lexed(&self, word: &Spanned<String>) -> Result<Lexed, Diagnostic> {
        let mut lexed = self.work.borrow_mut().expand(word, self.globals.escape(), &self.visible)?;
        self.note(std::mem::take(&mut lexed.undefined), word.span);
        Ok(lexed)
    }

    /// A declared argument has no value on purpose; all others are worth a word.
    fn note(&self, names: BTreeSet<String>, span: Span) {
        let known = || self.visible.names().chain(self.globals.variables().names());
        let unknown = names.into_iter().filter(|name| !self.arguments.contains_key(name));
        self.undefined.borrow_mut().extend(unknown.map(|name| Undefined::new(name, span, known())));
    }

    fn word(&self, word: &Spanned<String>) -> Result<String, Diagnostic> {
        Ok(self.lexed(word)?.text)
    }

    fn words(&self, words: &[Spanned<String>]) -> Result<Vec<String>, Diagnostic> {
        words.iter().map(|word| self.word(word)).collect()
    }

    fn option(&self, word: Option<&Spanned<String>>) -> Result<Option<String>, Diagnostic> {
        word.map(|word| self.word(word)).transpose()
    }

    fn pairs(&self, pairs: &Pairs) -> Result<Vec<(String, String)>, Diagnostic> {
        pairs.pairs.iter().map(|pair| Ok((self.word(&pair.key)?, self.word(&pair.value)?))).collect()
    }

    fn env(&mut self, pairs: &Pairs) -> Result<Vec<(String, String)>, Diagnostic> {
        let pairs = self.pairs(pairs)?;
        for (name, value) in &pairs {
            self.environment.set(name, value);
            self.visible.set(name, value);
        }
        Ok(pairs)
    }

    fn arg(&mut self, arg: &Arg) -> Result<Vec<(String, Option<String>)>, Diagnostic> {
        let mut values = Vec::new();
        for argument in &arg.arguments {
            let name = argument.name.value.clone();
            let value = match (self.globals.build_args().get(&name), &argument.default) {
                (Some(given), _) => Some(given.clone()),
                (None, Some(default)) => Some(self.word(default)?),
                (None, None) => self.globals.variables().get(&name).map(str::to_owned),
            };
            if let Some(value) = &value {
                self.visible.set(&name, value);
            }
            if self.arguments.insert(name.clone(), value.clone()).is_none() {
                self.order.push(name.clone());
            }
            values.push((name, value));
        }
        Ok(values)
    }

    fn expose(&self, ports: &[Spanned<String>]) -> Result<Vec<Ports>, Diagnostic> {
        let mut all = Vec::new();
        for port in ports {
            for (_, word) in self.lexed(port)?.words {
                all.push(Ports::parse(&word).map_err(|message| Diagnostic::error(port.span, message))?);
            }
        }
        Ok(all)
    }

    fn copy(&self, copy: &Copy) -> Result<CopyStep, Diagnostic> {
        if let Some(from) = copy.from.as_ref().filter(|from| from.contains('$')) {
            let hint = "give the image a stage: `FROM $IMAGE AS name`, and copy from that".to_owned();
            return Err(Diagnostic::error(from.span, "variables are not expanded in `--from`").hint(Some(hint)));
        }
        Ok(CopyStep {
            from: copy.from.as_ref().map(|from| from.value.clone()),
            chown: self.option(copy.chown.as_ref())?,
            chmod: self.option(copy.chmod.as_ref())?,
            link: copy.link.as_deref() == Some(&true),
            parents: copy.parents.as_deref() == Some(&true),
            exclude: copy.exclude.iter().map(|pattern| pattern.value.clone()).collect(),
            sources: self.sources(&copy.sources)?,
            destination: self.word(&copy.destination)?,
        })
    }

    fn add(&self, add: &Add) -> Result<AddStep, Diagnostic> {
        Ok(AddStep {
            chown: self.option(add.chown.as_ref())?,
            chmod: self.option(add.chmod.as_ref())?,
            checksum: self.option(add.checksum.as_ref())?,
            link: add.link.as_deref() == Some(&true),
            keep_git_dir: add.keep_git_dir.as_deref().copied(),
            unpack: add.unpack.as_deref().copied(),
            exclude: add.exclude.iter().map(|pattern| pattern.value.clone()).collect(),
            sources: self.sources(&add.sources)?,
            destination: self.word(&add.destination)?,
        })
    }

    fn sources(&self, sources: &[Source]) -> Result<Vec<Origin>, Diagnostic> {
        let origin = |source: &Source| match source {
            Source::Path(path) => self.word(path).map(Origin::Path),
            Source::Heredoc(heredoc) => {
                let name = heredoc.opening.name.clone();
                let text = heredoc.text();
                let content =
                    if heredoc.opening.expands { self.file(&text, heredoc.content.span)? } else { text.into_owned() };
                Ok(Origin::File { name, content })
            }
        };
        sources.iter().map(origin).collect()
    }

    /// Expands a file: quotes are its own, and `\` escapes in it whatever the file's escape character is.
    fn file(&self, text: &str, span: Span) -> Result<String, Diagnostic> {
        let mode = Mode { plain_quotes: true, ..Mode::default() };
        let lexed = self.work.borrow_mut().lex(span, text, ('\\', mode), &self.visible)?;
        self.note(lexed.undefined, span);
        Ok(lexed.text)
    }

    fn run(&self, run: &Run) -> Result<RunStep, Diagnostic> {
        let expand = |span: Span, word: &str| self.word(&Spanned::new(word.to_owned(), span));
        Ok(RunStep {
            mounts: run.mounts.iter().map(|mount| mount.mount(&expand)).collect::<Result<_, _>>()?,
            network: run.network.as_ref().map(|network| network.value.clone()),
            security: run.security.as_ref().map(|security| security.value.clone()),
            devices: run.devices.iter().map(|device| device.value.clone()).collect(),
            form: run.form(),
            shell: matches!(run.command, CommandLine::Shell(_)),
        })
    }
}
