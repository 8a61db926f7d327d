//! `cargo xtask bench` and `cargo xtask seed`: names for commands that are too long to remember.
//!
//! What is measured, and how, is `wharf-bench`'s business; this only starts it as a release build.

use std::process::{Command, ExitCode};

/// Runs the load generator with `words`.
pub(crate) fn run(words: &[&str]) -> ExitCode {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["run", "--quiet", "--release", "--package", "wharf-bench", "--"]).args(words);
    match cargo.status() {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("cannot run cargo: {error}");
            ExitCode::FAILURE
        }
    }
}
