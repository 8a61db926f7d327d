//! The instructions: each keyword is a variant with its flags and arguments in types. Words are as written, quotes and
//! variables included; [`crate::expand`] makes values of them.

mod copy;
mod from;
mod health;
pub mod mount;
mod pairs;
mod read;
mod run;

use std::fmt;

pub use copy::{Add, Copy, Source};
pub use from::From;
pub use health::{Healthcheck, Probe};
pub use mount::{MountFlag, MountOption};
pub use pairs::{Arg, Argument, Pair, Pairs};
pub(crate) use read::{KEYWORDS, Reading, read};
pub use run::{Run, RunForm};

use crate::command::CommandLine;
use crate::span::{Span, Spanned};
use crate::text::Text;

/// One instruction of the file, with what belongs to it. Two are equal when they say the same.
#[derive(Clone)]
pub struct Instruction {
    /// From the keyword to the end of the last line, heredocs included.
    pub span: Span,
    /// The keyword as written.
    pub keyword: Spanned<String>,
    /// The whole instruction on one line, keyword included, without comments and heredocs.
    pub text: Text,
    /// The comments before it, since the instruction before: each from its `#` to the end of its line.
    pub comments: Vec<Spanned<String>>,
    /// The comments between its lines.
    pub inner_comments: Vec<Spanned<String>>,
    /// The empty lines between its lines, which docker warns of.
    pub empty_lines: Vec<Span>,
    /// What it says.
    pub kind: InstructionKind,
}

/// What an instruction says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InstructionKind {
    /// `ADD`.
    Add(Add),
    /// `ARG`.
    Arg(Arg),
    /// `CMD`.
    Cmd(CommandLine),
    /// `COPY`.
    Copy(Copy),
    /// `ENTRYPOINT`.
    Entrypoint(CommandLine),
    /// `ENV`.
    Env(Pairs),
    /// `EXPOSE`: ports, or ranges of them, with their protocols.
    Expose(Vec<Spanned<String>>),
    /// `FROM`.
    From(From),
    /// `HEALTHCHECK`.
    Healthcheck(Healthcheck),
    /// `LABEL`.
    Label(Pairs),
    /// `MAINTAINER`, the name.
    Maintainer(Spanned<String>),
    /// `ONBUILD`.
    Onbuild(Box<Onbuild>),
    /// `RUN`.
    Run(Run),
    /// `SHELL`: the words of the shell.
    Shell(Vec<Spanned<String>>),
    /// `STOPSIGNAL`, the signal.
    Stopsignal(Spanned<String>),
    /// `USER`: user, or user and group.
    User(Spanned<String>),
    /// `VOLUME`.
    Volume(Volume),
    /// `WORKDIR`, the folder.
    Workdir(Spanned<String>),
    /// A keyword that there is not, or arguments that its instruction does not take; a diagnostic says what is wrong.
    Invalid(Text),
}

/// `ONBUILD`: an instruction for the builds that stand on this image. Two are equal when the instructions are, whatever the
/// blanks between their words.
#[derive(Debug, Clone)]
pub struct Onbuild {
    /// The instruction.
    pub trigger: Instruction,
    /// The same as text, heredocs included: what the image's config keeps.
    pub expression: String,
}

/// `VOLUME`: folders whose content is not the image's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volume {
    /// The folders.
    pub paths: Vec<Spanned<String>>,
    /// Whether they stand in a JSON array.
    pub json: bool,
}

impl Instruction {
    /// The keyword in capitals.
    pub fn name(&self) -> String {
        self.keyword.to_uppercase()
    }
}

impl PartialEq for Onbuild {
    fn eq(&self, other: &Self) -> bool {
        self.trigger == other.trigger
    }
}

impl Eq for Onbuild {}

impl PartialEq for Instruction {
    fn eq(&self, other: &Self) -> bool {
        self.keyword == other.keyword
            && self.comments == other.comments
            && self.inner_comments == other.inner_comments
            && self.kind == other.kind
    }
}

impl Eq for Instruction {}

impl fmt::Debug for Instruction {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Instruction")
            .field("keyword", &self.keyword)
            .field("comments", &self.comments)
            .field("inner_comments", &self.inner_comments)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}
