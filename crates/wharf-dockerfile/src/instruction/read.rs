//! From the text of one instruction to its type.

use super::{Add, Arg, Copy, From, Healthcheck, InstructionKind, Pairs, Run, Volume};
use crate::command::{CommandLine, not_strings};
use crate::diagnostic::{DIAGNOSTICS, Diagnostic};
use crate::directive::Escape;
use crate::flag::{Flag, Flags, Takes};
use crate::heredoc::Heredoc;
use crate::span::Spanned;
use crate::text::{Text, trimmed};
use crate::word::{Json, is_blank, json, plain};

/// The keywords, in capitals.
pub(crate) const KEYWORDS: [&str; 18] = [
    "ADD",
    "ARG",
    "CMD",
    "COPY",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "FROM",
    "HEALTHCHECK",
    "LABEL",
    "MAINTAINER",
    "ONBUILD",
    "RUN",
    "SHELL",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
    "WORKDIR",
];

/// An instruction that is being read: cut into keyword, flags and arguments.
pub(crate) struct Reading<'a> {
    pub(crate) keyword: Spanned<String>,
    pub(crate) flags: Vec<Flag>,
    pub(crate) arguments: Text,
    pub(crate) heredocs: Vec<Heredoc>,
    pub(crate) escape: Escape,
    pub(crate) diagnostics: &'a mut Vec<Diagnostic>,
}

impl<'a> Reading<'a> {
    /// Cuts `text` into keyword, flags and arguments.
    pub(crate) fn cut(text: &Text, escape: Escape, diagnostics: &'a mut Vec<Diagnostic>) -> Self {
        let value = text.as_str();
        let all = trimmed(value, 0..value.len());
        let length = value[all.clone()].find(is_blank).unwrap_or(all.len());
        let keyword = text.token(all.start..all.start + length);
        let rest = text.slice(all.start + length..all.end);
        let (flags, at) = crate::flag::read(&rest);
        let arguments = rest.slice(at..rest.as_str().len()).trimmed();
        Self { keyword, flags, arguments, heredocs: Vec::new(), escape, diagnostics }
    }

    /// The keyword in capitals.
    pub(crate) fn name(&self) -> String {
        self.keyword.to_ascii_uppercase()
    }

    /// Takes the flags, of which the instruction knows these.
    pub(super) fn flags(&mut self, known: &[(&str, Takes)]) -> Flags {
        let flags = std::mem::take(&mut self.flags);
        Flags::check(flags, &self.name(), known, self.diagnostics)
    }

    /// A complaint about the instruction as a whole.
    pub(super) fn wrong(&self, message: &str) -> Diagnostic {
        let span = self.keyword.span.to(self.arguments.whole());
        Diagnostic::error(span, format!("{} {message}", self.name()))
    }

    /// The arguments as one value.
    fn single(&self) -> Result<Spanned<String>, Diagnostic> {
        if self.arguments.is_empty() {
            return Err(self.wrong("needs an argument"));
        }
        Ok(self.arguments.token(0..self.arguments.as_str().len()))
    }

    /// The arguments as a list, from JSON where they are that.
    pub(super) fn list(&self) -> Result<(Vec<Spanned<String>>, bool), Diagnostic> {
        match json(&self.arguments) {
            Json::Strings(words) => Ok((words, true)),
            Json::OtherArray(span) => Err(not_strings(span)),
            Json::Not => Ok((plain(&self.arguments), false)),
        }
    }
}

/// Gives the instruction its type; ONBUILD is the parser's own business, because it holds another one.
pub(crate) fn read(mut reading: Reading<'_>) -> Result<InstructionKind, Diagnostic> {
    let name = reading.name();
    Ok(match name.as_str() {
        "ADD" => InstructionKind::Add(Add::read(reading)?),
        "ARG" => InstructionKind::Arg(Arg::read(reading)?),
        "CMD" => InstructionKind::Cmd(command(reading)?),
        "COPY" => InstructionKind::Copy(Copy::read(reading)?),
        "ENTRYPOINT" => InstructionKind::Entrypoint(command(reading)?),
        "ENV" => InstructionKind::Env(Pairs::read(reading)?),
        "EXPOSE" => InstructionKind::Expose(expose(reading)?),
        "FROM" => InstructionKind::From(From::read(reading)?),
        "HEALTHCHECK" => InstructionKind::Healthcheck(Healthcheck::read(reading)?),
        "LABEL" => InstructionKind::Label(Pairs::read(reading)?),
        "MAINTAINER" => InstructionKind::Maintainer(plain_value(reading)?),
        "RUN" => InstructionKind::Run(Run::read(reading)?),
        "SHELL" => InstructionKind::Shell(shell(reading)?),
        "STOPSIGNAL" => {
            ignore_flags(&mut reading);
            InstructionKind::Stopsignal(reading.single()?)
        }
        "USER" => InstructionKind::User(plain_value(reading)?),
        "VOLUME" => InstructionKind::Volume(volume(reading)?),
        "WORKDIR" => InstructionKind::Workdir(plain_value(reading)?),
        _ => return Err(unknown(&reading)),
    })
}

fn unknown(reading: &Reading<'_>) -> Diagnostic {
    let name = &reading.keyword;
    let is_read = reading.diagnostics.len() < DIAGNOSTICS;
    let hint = is_read.then(|| crate::nearest::question(name, KEYWORDS)).flatten();
    let shown: String = name.chars().take(40).collect();
    Diagnostic::error(name.span, format!("unknown instruction `{shown}`")).hint(hint)
}

/// Docker passes over the flags of ARG and STOPSIGNAL, so they are no errors.
pub(super) fn ignore_flags(reading: &mut Reading<'_>) {
    let name = reading.name();
    let warnings = std::mem::take(&mut reading.flags)
        .into_iter()
        .map(|flag| Diagnostic::warning(flag.span, format!("{name} has no flags: `--{}` does nothing", *flag.name)));
    reading.diagnostics.extend(warnings);
}

fn plain_value(mut reading: Reading<'_>) -> Result<Spanned<String>, Diagnostic> {
    reading.flags(&[]);
    reading.single()
}

fn command(mut reading: Reading<'_>) -> Result<CommandLine, Diagnostic> {
    reading.flags(&[]);
    CommandLine::parse(&reading.arguments)
}

fn expose(mut reading: Reading<'_>) -> Result<Vec<Spanned<String>>, Diagnostic> {
    reading.flags(&[]);
    let ports = plain(&reading.arguments);
    if ports.is_empty() { Err(reading.wrong("needs at least one port")) } else { Ok(ports) }
}

fn volume(mut reading: Reading<'_>) -> Result<Volume, Diagnostic> {
    reading.flags(&[]);
    let (paths, json) = reading.list()?;
    if paths.is_empty() || paths.iter().any(|path| path.trim().is_empty()) {
        return Err(reading.wrong("needs at least one folder, and none may be empty"));
    }
    Ok(Volume { paths, json })
}

fn shell(mut reading: Reading<'_>) -> Result<Vec<Spanned<String>>, Diagnostic> {
    reading.flags(&[]);
    match json(&reading.arguments) {
        Json::Strings(words) if !words.is_empty() => Ok(words),
        Json::OtherArray(span) => Err(not_strings(span)),
        Json::Strings(_) | Json::Not => {
            Err(reading.wrong("needs its words as a JSON array").hint(Some("SHELL [\"/bin/sh\", \"-c\"]".to_owned())))
        }
    }
}
