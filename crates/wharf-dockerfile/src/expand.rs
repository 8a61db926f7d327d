//! Variables: their values, step by step, and the instructions with their words expanded.

pub(crate) mod lexer;
mod pattern;
