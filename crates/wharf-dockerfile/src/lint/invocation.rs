//! A command as rules see it: its name, its arguments as text, its flags.

use crate::shell::{Command, Place, Script, Simple, Visit};
use crate::span::{Span, Spanned};

/// One call of a program.
#[derive(Debug, Clone)]
pub(super) struct Invocation {
    /// The program, as written, without quotes.
    pub(super) name: String,
    /// Where the name stands in the shell's text.
    pub(super) span: Span,
    /// The arguments.
    pub(super) arguments: Vec<Argument>,
}

/// One argument.
#[derive(Debug, Clone)]
pub(super) struct Argument {
    /// Without quotes; what would be expanded stands as `${NAME}`.
    pub(super) text: String,
    /// Where it stands in the shell's text.
    pub(super) span: Span,
}

/// Programs that run the command behind them.
const WRAPPERS: [&str; 3] = ["command", "exec", "builtin"];

struct Collect {
    commands: Vec<Invocation>,
}

impl Visit for Collect {
    fn command(&mut self, command: &Command, _place: Place) {
        if let Command::Simple(simple) = command {
            self.commands.extend(Invocation::of(simple));
        }
    }
}

impl Invocation {
    /// Every call in a script.
    pub(super) fn of_script(script: &Script) -> Vec<Self> {
        let mut collect = Collect { commands: Vec::new() };
        script.walk(&mut collect);
        collect.commands
    }

    fn of(simple: &Simple) -> Option<Self> {
        let mut words = simple.words.as_slice();
        while let [wrapper, following, ..] = words {
            let is_wrapper = wrapper.literal().is_some_and(|name| WRAPPERS.contains(&name.as_str()));
            if !is_wrapper || following.unquoted().starts_with('-') {
                break;
            }
            words = &words[1..];
        }
        let (name, arguments) = words.split_first()?;
        let arguments = arguments.iter().map(|word| Argument { text: word.unquoted(), span: word.span }).collect();
        Some(Self { name: name.unquoted(), span: name.span, arguments })
    }

    /// A call without a shell.
    pub(super) fn of_words(words: &[Spanned<String>]) -> Option<Self> {
        let (name, arguments) = words.split_first()?;
        let arguments =
            arguments.iter().map(|word| Argument { text: word.value.clone(), span: Span::default() }).collect();
        Some(Self { name: name.value.clone(), span: Span::default(), arguments })
    }

    /// The arguments' texts.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        self.arguments.iter().map(|argument| argument.text.as_str())
    }

    /// Whether one of the arguments is one of these.
    pub(super) fn has(&self, any: &[&str]) -> bool {
        self.texts().any(|text| any.contains(&text))
    }

    /// The flags: letters of `-abc`, names of `--name` and `--name=value`.
    pub(super) fn flags(&self) -> impl Iterator<Item = &str> {
        self.texts().flat_map(flags_of)
    }

    /// Whether it has one of these flags; names without their dashes.
    pub(super) fn has_flag(&self, any: &[&str]) -> bool {
        self.flags().any(|flag| any.contains(&flag))
    }

    /// Its [`operands`].
    pub(super) fn operands<'s>(&'s self, with_value: &'s [&'s str]) -> impl Iterator<Item = &'s Argument> + 's {
        operands(&self.arguments, with_value)
    }
}

/// The arguments that are no flags and no values of the flags that are named here.
pub(super) fn operands<'s>(
    arguments: &'s [Argument],
    with_value: &'s [&'s str],
) -> impl Iterator<Item = &'s Argument> + 's {
    let mut is_value = false;
    arguments.iter().filter(move |argument| {
        let skipped = std::mem::take(&mut is_value);
        let is_flag = argument.text.starts_with('-');
        is_value =
            is_flag && !argument.text.contains('=') && flags_of(&argument.text).any(|flag| with_value.contains(&flag));
        !is_flag && !skipped
    })
}

/// The flags that one argument is.
pub(super) fn flags_of(text: &str) -> impl Iterator<Item = &str> {
    let (long, letters) = match text.strip_prefix("--") {
        Some(long) => (Some(long.split('=').next().unwrap_or_default()).filter(|name| !name.is_empty()), ""),
        None => (None, text.strip_prefix('-').map_or("", |letters| letters.split('=').next().unwrap_or_default())),
    };
    let letters = letters.char_indices().map(move |(at, letter)| &letters[at..at + letter.len_utf8()]);
    long.into_iter().chain(letters)
}
