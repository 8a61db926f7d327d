//! Variables: their values, step by step, and the instructions with their words expanded.
//!
//! ```
//! use wharf_dockerfile::expand::{Globals, Inputs, Step};
//!
//! let dockerfile = wharf_dockerfile::parse("ARG V=13\nFROM debian:$V\nARG V\nENV A=$V B=$A\n");
//! let globals = Globals::of(&dockerfile, &Inputs::default());
//! let stages = dockerfile.stages();
//! assert_eq!(globals.base(stages[0].from).unwrap().image, "debian:13");
//! let mut scope = globals.stage(&[]);
//! scope.step(&stages[0].instructions[0]).unwrap();
//! let Step::Env(variables) = scope.step(&stages[0].instructions[1]).unwrap() else { panic!("an ENV") };
//! // Values are those before the instruction: there is no A yet.
//! assert_eq!(variables, [("A".to_owned(), "13".to_owned()), ("B".to_owned(), String::new())]);
//! ```
//!
//! What an instruction does is not decided here: the builder takes the [`Step`]s. ENV and ARG of one name are one
//! variable: the later instruction wins, as it does in BuildKit (docker's old builder let ENV win always).

mod globals;
pub(crate) mod lexer;
mod pattern;
mod scope;
mod step;
mod variables;

pub use globals::{Base, Globals, Inputs, unused_arguments};
pub use scope::{Scope, Undefined};
pub use step::{AddStep, CopyStep, Origin, Ports, RunStep, Step};
pub use variables::Variables;
