//! Dockerfile text → syntax tree, expanded instructions, lint findings. Never fails: tree + findings.
//!
//! Pure: it opens no file, asks no registry and runs nothing. The language is that of the present reference, with the
//! labs features; where the reference leaves a choice, it is read as BuildKit reads it. Every parser here reads what a
//! stranger wrote: time and memory grow with the length of the text, and nothing panics.
//!
//! Reading order: [`dockerfile`] (the tree), [`instruction`], [`command`], [`heredoc`], [`directive`], [`span`], [`text`],
//! [`diagnostic`], then how a tree is made (`parser`, `flag`, `word`), how it becomes text again (`printing`), and
//! what is made of it: [`expand`]; and [`ignore`], the other file of a build context.

pub mod command;
pub mod diagnostic;
pub mod directive;
pub mod dockerfile;
mod duration;
pub mod expand;
mod flag;
pub mod heredoc;
pub mod ignore;
pub mod instruction;
pub mod lint;
mod nearest;
mod parser;
mod printing;
pub mod shell;
pub mod span;
pub mod text;
mod word;

pub use command::CommandLine;
pub use diagnostic::{Diagnostic, Severity};
pub use directive::{Directive, DirectiveName, Escape};
pub use dockerfile::{Dockerfile, Stage};
pub use heredoc::{Heredoc, Opening};
pub use instruction::{Instruction, InstructionKind};
pub use parser::{is_keyword, parse, parse_bytes, parse_trigger};
pub use span::{Position, Span, Spanned};
pub use text::Text;
