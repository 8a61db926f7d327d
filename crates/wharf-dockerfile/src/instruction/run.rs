//! `RUN`: a command that runs while the image is built.

use super::Reading;
use super::mount::{self, MountFlag};
use crate::command::CommandLine;
use crate::diagnostic::Diagnostic;
use crate::flag::Takes;
use crate::heredoc::{Heredoc, Opening};
use crate::nearest::question;
use crate::span::Spanned;

/// `RUN [flags] command`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// `--mount`.
    pub mounts: Vec<Spanned<MountFlag>>,
    /// `--network`: `default`, `none` or `host`.
    pub network: Option<Spanned<String>>,
    /// `--security`: `sandbox` or `insecure`.
    pub security: Option<Spanned<String>>,
    /// `--device`: names of devices.
    pub devices: Vec<Spanned<String>>,
    /// The command.
    pub command: CommandLine,
    /// The heredocs of its line, in their order.
    pub heredocs: Vec<Heredoc>,
}

/// How the command of a RUN is to be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunForm {
    /// These words, without a shell.
    Exec(Vec<String>),
    /// This text, by the shell.
    Shell(String),
    /// This file, which begins with `#!`, by the program that it names; and the file's name.
    Script {
        /// The name, from the heredoc's word.
        name: String,
        /// The whole file.
        content: String,
    },
}

impl Run {
    pub(super) fn read(mut reading: Reading<'_>) -> Result<Self, Diagnostic> {
        let flags = reading.flags(&[
            ("mount", Takes::Values),
            ("network", Takes::Value),
            ("security", Takes::Value),
            ("device", Takes::Values),
        ]);
        let mounts = flags.values("mount").iter().map(|value| mount::read(value, reading.diagnostics)).collect();
        let network = flags.value("network");
        one_of(network.as_ref(), "network", &["default", "none", "host"], reading.diagnostics);
        let security = flags.value("security");
        one_of(security.as_ref(), "security", &["sandbox", "insecure"], reading.diagnostics);
        let command = CommandLine::parse(&reading.arguments)?;
        let heredocs = std::mem::take(&mut reading.heredocs);
        Ok(Self { mounts, network, security, devices: flags.values("device"), command, heredocs })
    }

    /// How the command is to be run: a heredoc that stands alone is a script, for the shell or for the program after its
    /// `#!`; with anything beside it, the shell gets line and heredocs as they are.
    pub fn form(&self) -> RunForm {
        let line = match &self.command {
            CommandLine::Exec(words) => return RunForm::Exec(words.iter().map(|word| word.value.clone()).collect()),
            CommandLine::Shell(text) => text.as_str(),
        };
        let Some(first) = self.heredocs.first() else { return RunForm::Shell(line.to_owned()) };
        if Opening::parse(line).is_some() {
            let content = first.text().into_owned();
            return if content.starts_with("#!") {
                RunForm::Script { name: first.opening.name.clone(), content }
            } else {
                RunForm::Shell(content)
            };
        }
        let mut text = line.to_owned();
        for heredoc in &self.heredocs {
            text.push('\n');
            text.push_str(&heredoc.content);
            text.push_str(&heredoc.opening.name);
        }
        RunForm::Shell(text)
    }
}

fn one_of(value: Option<&Spanned<String>>, flag: &str, known: &[&str], diagnostics: &mut Vec<Diagnostic>) {
    let Some(value) = value else { return };
    if !known.contains(&value.as_str()) {
        let message = format!("`{}` is no value of `--{flag}`; there are {}", **value, known.join(", "));
        diagnostics.push(Diagnostic::error(value.span, message).hint(question(value, known.iter().copied())));
    }
}
