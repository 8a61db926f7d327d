//! A tree as text again: one line for each instruction, its comments before it, its heredocs after it. What is printed
//! reads as an equal tree.

use std::fmt::Write as _;

use crate::command::CommandLine;
use crate::directive::{Directive, Escape};
use crate::dockerfile::Dockerfile;
use crate::duration;
use crate::heredoc::Heredoc;
use crate::instruction::{
    Add, Argument, Copy, From, Healthcheck, Instruction, InstructionKind, MountFlag, Pair, Pairs, Probe, Run, Source,
};
use crate::span::Spanned;

impl Dockerfile {
    /// The tree as text. Layout is not kept; what is said is.
    pub fn print(&self) -> String {
        let mut out = String::new();
        for directive in &self.directives {
            out.push_str(&format!("# {}={}\n", directive.name.as_str(), *directive.value));
        }
        let first = self.instructions.first().map_or(&self.trailing_comments, |first| &first.comments).first();
        if first.is_some_and(|comment| Directive::parse(comment, 0).is_some()) {
            // An empty line ends the directives: what follows is a comment, whatever it looks like.
            out.push('\n');
        }
        for instruction in &self.instructions {
            comments(&mut out, &instruction.comments);
            out.push_str(&instruction.print(self.escape));
        }
        comments(&mut out, &self.trailing_comments);
        out
    }
}

fn comments(out: &mut String, comments: &[Spanned<String>]) {
    for comment in comments {
        out.push_str(comment);
        out.push('\n');
    }
}

impl Instruction {
    /// The instruction as text, with its heredocs and the comments between its lines, but not those before it.
    pub fn print(&self, escape: Escape) -> String {
        let line = Line::of(&self.kind, escape);
        let mut out = self.keyword.value.clone();
        let separate = line.arguments.starts_with("--")
            || !self.inner_comments.is_empty()
                && line.flags.is_empty()
                && matches!(line.arguments.chars().next(), None | Some('#'));
        if !self.inner_comments.is_empty() {
            out.push_str(&format!(" {}\n", escape.character()));
            comments(&mut out, &self.inner_comments);
        }
        for flag in &line.flags {
            separated(&mut out, flag);
        }
        if separate {
            // What begins like a flag, or like a comment, stands behind the mark that ends flags.
            separated(&mut out, "--");
        }
        if !line.arguments.is_empty() {
            separated(&mut out, &line.arguments);
        }
        end(&mut out, escape);
        for heredoc in line.heredocs {
            out.push_str(&heredoc.content);
            out.push_str(&heredoc.opening.name);
            out.push('\n');
        }
        out
    }
}

fn separated(out: &mut String, word: &str) {
    if !out.ends_with('\n') {
        out.push(' ');
    }
    out.push_str(word);
}

/// Ends the line. A lone escape character at its end, which only the last line of a file can have, would continue it:
/// there it is continued, into nothing.
fn end(out: &mut String, escape: Escape) {
    let escape = escape.character();
    let trimmed = out.trim_end_matches([' ', '\t']);
    let continues = trimmed.strip_suffix(escape).is_some_and(|before| !before.ends_with(escape));
    if continues {
        out.push_str(&format!(" {escape}"));
    }
    out.push('\n');
}

/// What stands behind a keyword.
#[derive(Default)]
struct Line<'a> {
    flags: Vec<String>,
    arguments: String,
    heredocs: Vec<&'a Heredoc>,
}

impl<'a> Line<'a> {
    fn of(kind: &'a InstructionKind, escape: Escape) -> Self {
        match kind {
            InstructionKind::Add(add) => Self::add(add),
            InstructionKind::Arg(arg) => Self::plain(joined(arg.arguments.iter().map(argument))),
            InstructionKind::Cmd(command) | InstructionKind::Entrypoint(command) => Self::plain(command_line(command)),
            InstructionKind::Copy(copy) => Self::copy(copy),
            InstructionKind::Env(pairs) | InstructionKind::Label(pairs) => Self::plain(key_values(pairs)),
            InstructionKind::Expose(ports) => Self::plain(joined(ports.iter().map(|port| port.value.clone()))),
            InstructionKind::From(from) => Self::from(from),
            InstructionKind::Healthcheck(Healthcheck::None) => Self::plain("NONE".to_owned()),
            InstructionKind::Healthcheck(Healthcheck::Probe(probe)) => Self::probe(probe),
            InstructionKind::Maintainer(value)
            | InstructionKind::Stopsignal(value)
            | InstructionKind::User(value)
            | InstructionKind::Workdir(value) => Self::plain(value.value.clone()),
            InstructionKind::Onbuild(onbuild) => {
                let Self { heredocs, .. } = Self::of(&onbuild.trigger.kind, escape);
                Self { arguments: onbuild.trigger.line(escape), heredocs, flags: Vec::new() }
            }
            InstructionKind::Run(run) => Self::run(run),
            InstructionKind::Shell(words) => Self::plain(array(words)),
            InstructionKind::Volume(volume) => Self::plain(list(&volume.paths, volume.json)),
            InstructionKind::Invalid(text) => Self::plain(text.as_str().to_owned()),
        }
    }

    fn plain(arguments: String) -> Self {
        Self { arguments, ..Self::default() }
    }

    fn from(from: &From) -> Self {
        let mut line = Self::plain(from.image.value.clone());
        line.value("platform", from.platform.as_ref());
        if let Some((keyword, name)) = &from.alias {
            line.arguments.push_str(&format!(" {} {}", **keyword, **name));
        }
        line
    }

    fn run(run: &'a Run) -> Self {
        let mut line = Self { heredocs: run.heredocs.iter().collect(), ..Self::plain(command_line(&run.command)) };
        for mount in &run.mounts {
            line.flag("mount", &mount_options(mount));
        }
        line.value("network", run.network.as_ref());
        line.value("security", run.security.as_ref());
        line.values("device", &run.devices);
        line
    }

    fn copy(copy: &'a Copy) -> Self {
        let mut line = Self::transfer(&copy.sources, &copy.destination, copy.json);
        line.value("from", copy.from.as_ref());
        line.value("chown", copy.chown.as_ref());
        line.value("chmod", copy.chmod.as_ref());
        line.switch("link", copy.link.as_ref());
        line.switch("parents", copy.parents.as_ref());
        line.values("exclude", &copy.exclude);
        line
    }

    fn add(add: &'a Add) -> Self {
        let mut line = Self::transfer(&add.sources, &add.destination, add.json);
        line.value("chown", add.chown.as_ref());
        line.value("chmod", add.chmod.as_ref());
        line.value("checksum", add.checksum.as_ref());
        line.switch("link", add.link.as_ref());
        line.switch("keep-git-dir", add.keep_git_dir.as_ref());
        line.switch("unpack", add.unpack.as_ref());
        line.values("exclude", &add.exclude);
        line
    }

    fn transfer(sources: &'a [Source], destination: &Spanned<String>, json: bool) -> Self {
        let word = |source: &Source| match source {
            Source::Path(path) => path.clone(),
            Source::Heredoc(heredoc) => heredoc.opening.with(heredoc.opening.written.clone()),
        };
        let words: Vec<_> = sources.iter().map(word).chain([destination.clone()]).collect();
        let heredoc = |source: &'a Source| match source {
            Source::Path(_) => None,
            Source::Heredoc(heredoc) => Some(heredoc),
        };
        Self { heredocs: sources.iter().filter_map(heredoc).collect(), ..Self::plain(list(&words, json)) }
    }

    fn probe(probe: &Probe) -> Self {
        let mut line = Self::plain(format!("CMD {}", command_line(&probe.command)));
        let times = [
            ("interval", &probe.interval),
            ("timeout", &probe.timeout),
            ("start-period", &probe.start_period),
            ("start-interval", &probe.start_interval),
        ];
        for (name, time) in times {
            line.value(name, time.as_ref().map(|time| time.with(duration::render(**time))).as_ref());
        }
        line.value("retries", probe.retries.as_ref().map(|retries| retries.with(retries.to_string())).as_ref());
        line
    }

    fn flag(&mut self, name: &str, value: &str) {
        self.flags.push(format!("--{name}={}", escaped(value)));
    }

    fn value(&mut self, name: &str, value: Option<&Spanned<String>>) {
        value.into_iter().for_each(|value| self.flag(name, value));
    }

    fn values(&mut self, name: &str, values: &[Spanned<String>]) {
        values.iter().for_each(|value| self.flag(name, value));
    }

    fn switch(&mut self, name: &str, value: Option<&Spanned<bool>>) {
        match value.map(|value| value.value) {
            Some(true) => self.flags.push(format!("--{name}")),
            Some(false) => self.flags.push(format!("--{name}=false")),
            None => {}
        }
    }
}

impl Instruction {
    /// The first line of [`Instruction::print`], without its end: how it stands behind ONBUILD.
    fn line(&self, escape: Escape) -> String {
        let line = Line::of(&self.kind, escape);
        let mut out = self.keyword.value.clone();
        line.flags.iter().for_each(|flag| separated(&mut out, flag));
        if line.arguments.starts_with("--") {
            separated(&mut out, "--");
        }
        if !line.arguments.is_empty() {
            separated(&mut out, &line.arguments);
        }
        out
    }
}

/// A flag's value, of which nothing ends it early.
fn escaped(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for c in value.chars() {
        if c.is_whitespace() || matches!(c, '"' | '\'' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

fn mount_options(mount: &MountFlag) -> String {
    let fields = mount.options.iter().map(|option| {
        let mut field = option.key.value.clone();
        if let Some(value) = &option.value {
            field.push('=');
            field.push_str(value);
        }
        let quote = field.contains(',') || field.starts_with('"');
        if quote { format!("\"{}\"", field.replace('"', "\"\"")) } else { field }
    });
    fields.collect::<Vec<_>>().join(",")
}

fn command_line(command: &CommandLine) -> String {
    match command {
        CommandLine::Exec(words) => array(words),
        CommandLine::Shell(text) => text.as_str().to_owned(),
    }
}

fn array(words: &[Spanned<String>]) -> String {
    let mut out = String::from("[");
    for (at, word) in words.iter().enumerate() {
        let comma = if at == 0 { "" } else { ", " };
        let quoted = serde_json::Value::from(word.as_str());
        // Writing to a String does not fail.
        write!(out, "{comma}{quoted}").unwrap_or_default();
    }
    out.push(']');
    out
}

fn list(words: &[Spanned<String>], json: bool) -> String {
    if json {
        return array(words);
    }
    let line = joined(words.iter().map(|word| word.value.clone()));
    if !line.starts_with('[') || serde_json::from_str::<Vec<serde_json::Value>>(&line).is_err() {
        return line;
    }
    // Words that look like JSON between spaces did not stand between spaces. JSON knows no vertical tab.
    words.iter().map(|word| word.as_str()).collect::<Vec<_>>().join("\u{b}")
}

fn joined(words: impl Iterator<Item = String>) -> String {
    words.collect::<Vec<_>>().join(" ")
}

fn argument(argument: &Argument) -> String {
    match &argument.default {
        Some(default) => format!("{}={}", *argument.name, **default),
        None => argument.name.value.clone(),
    }
}

fn key_values(pairs: &Pairs) -> String {
    let between = if pairs.legacy { ' ' } else { '=' };
    joined(pairs.pairs.iter().map(|Pair { key, value }| format!("{}{between}{}", **key, **value)))
}
