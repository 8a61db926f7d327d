//! The shell language, as far as a linter must understand it: POSIX `sh` and what `bash` adds.
//!
//! `parse` makes a [`Script`] of the text that RUN hands to a shell. Every word keeps its parts (quotes, parameters, substitutions) and
//! its place in the text that was given; the text of here-documents is passed over. Nothing is executed, expanded or looked up, and a script that is nested too deeply is refused instead of
//! followed: the text comes from strangers. Spec: POSIX.1-2024, XCU 2; Bash reference manual, 3.2.
//!
//! Why not a crate: `yash-syntax` is GPL-3, `conch-parser` is abandoned, `brush-parser` overflows the stack on nested braces and leaves
//! words unparsed.

mod command;
mod compound;
mod parameter;
mod read;
mod walk;
mod word;

pub use walk::{Place, Visit};

use crate::span::Span;

/// Commands one after another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Script {
    /// In the order of the text.
    pub statements: Vec<Statement>,
}

/// Pipelines joined by `&&` and `||`, up to `;`, `&` or the end of the line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The first pipeline.
    pub first: Pipeline,
    /// What follows, with what joins it to what stands before.
    pub rest: Vec<(Connector, Pipeline)>,
    /// Ended by `&`.
    pub is_background: bool,
}

/// What joins two pipelines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connector {
    /// `&&`
    And,
    /// `||`
    Or,
}

/// Commands joined by `|`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pipeline {
    /// From the first command (or `!`) to the last.
    pub span: Span,
    /// Begins with `!`.
    pub is_negated: bool,
    /// At least one.
    pub commands: Vec<Command>,
}

/// One command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// A program or builtin with its arguments.
    Simple(Simple),
    /// `if`, `for`, `{ … }` and the like.
    Compound(Compound),
}

/// Assignments, words and redirections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Simple {
    /// All of it.
    pub span: Span,
    /// Assignments before the first word.
    pub assignments: Vec<Assignment>,
    /// The command's name and its arguments.
    pub words: Vec<Word>,
    /// In the order of the text.
    pub redirects: Vec<Redirect>,
}

/// `name=value`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// All of it.
    pub span: Span,
    /// The variable, without an index.
    pub name: String,
    /// What stands behind `=`; of an array, each element.
    pub value: Vec<Word>,
    /// `name=( … )`
    pub is_array: bool,
}

/// `2>file` and the like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redirect {
    /// All of it.
    pub span: Span,
    /// `>`, `>>`, `<<-`, `&>` …
    pub operator: &'static str,
    /// The number in front.
    pub descriptor: Option<String>,
    /// The file, the other descriptor, or a here-document's delimiter.
    pub target: Word,
}

/// A command that holds commands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compound {
    /// All of it.
    pub span: Span,
    /// Which one.
    pub kind: CompoundKind,
    /// Redirections behind it.
    pub redirects: Vec<Redirect>,
}

/// The commands that hold commands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CompoundKind {
    /// `{ …; }`
    Group(Script),
    /// `( … )`
    Subshell(Script),
    /// `if`: conditions with their branches, and `else`.
    If {
        /// `if` and every `elif`.
        branches: Vec<(Script, Script)>,
        /// `else`
        otherwise: Option<Script>,
    },
    /// `while` and `until`.
    Loop {
        /// What is asked.
        condition: Script,
        /// What is repeated.
        body: Script,
    },
    /// `for` and `select`.
    For {
        /// The variable; empty in `for ((…))`.
        name: String,
        /// What it takes on.
        words: Vec<Word>,
        /// What is repeated.
        body: Script,
    },
    /// `case`
    Case {
        /// What is compared.
        subject: Word,
        /// Patterns with their commands.
        arms: Vec<(Vec<Word>, Script)>,
    },
    /// `[[ … ]]`: its words, operators among them.
    Test(Vec<Word>),
    /// `(( … ))`
    Arithmetic(Vec<Part>),
    /// `name() …`
    Function {
        /// Its name.
        name: String,
        /// Written with the word `function`.
        has_keyword: bool,
        /// What it does.
        body: Box<Command>,
    },
}

/// One word, with its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// From its first character to its last.
    pub span: Span,
    /// At least one.
    pub parts: Vec<Part>,
}

/// A piece of a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// From its first character to its last.
    pub span: Span,
    /// What it is.
    pub kind: PartKind,
}

/// The sorts of pieces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PartKind {
    /// Text as it stands; outside of quotes it may hold patterns (`*`, `?`, `[`) and braces.
    Literal(String),
    /// A character behind a backslash.
    Escaped(char),
    /// `'…'`
    Single(String),
    /// `$'…'`
    AnsiC(String),
    /// `"…"` and `$"…"`
    Double(Vec<Part>),
    /// `$name`, `${name…}`
    Parameter(Parameter),
    /// `$( … )`, or between backquotes.
    Command {
        /// What is run.
        script: Script,
        /// Written with backquotes.
        is_backquoted: bool,
    },
    /// `$(( … ))`: the parameters and substitutions in it.
    Arithmetic(Vec<Part>),
    /// `<( … )`, `>( … )`
    Process(Script),
}

/// A parameter that is expanded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Its name, number or sign.
    pub name: String,
    /// `${…}`
    pub is_braced: bool,
    /// `${#name}`
    pub is_length: bool,
    /// `${name[…]}`
    pub index: Option<String>,
    /// The sign behind the name, such as `:-`, `%%`, `//`; empty without one.
    pub operator: String,
    /// What stands behind the operator.
    pub operand: Vec<Part>,
}

/// Why a script could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Error {
    /// Where, in bytes.
    pub at: usize,
    /// What is wrong there.
    pub problem: Problem,
}

/// What can be wrong with a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem {
    /// Something that opens is not closed: which sign or word would.
    Unclosed(&'static str),
    /// Something else stands where this must stand.
    Expected(&'static str),
    /// A sign that nothing takes.
    Unexpected(char),
    /// A word that closes what is not open.
    UnexpectedWord,
    /// A command is missing.
    NoCommand,
    /// Nested deeper than is followed.
    TooDeep,
    /// A function with parameters between its parentheses.
    FunctionParameters,
    /// `(` where only a function's or a subshell's could stand.
    StrayParenthesis,
}

/// How deep commands, substitutions and quotes may be nested.
const MAX_DEPTH: usize = 48;

/// Reads a script.
pub fn parse(text: &str) -> Result<Script, Error> {
    read::Reader::new(text).whole()
}

/// The text at a place.
pub(crate) fn at(text: &str, span: Span) -> &str {
    text.get(span.start..span.end).unwrap_or_default()
}
