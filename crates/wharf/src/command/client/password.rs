//! Passwords from people and from scripts. They are never flags: those stand in every list of processes.

use std::io::{self, BufRead as _, IsTerminal as _};

use wharf_identity::Secret;

use super::error::Error;

/// The next line of standard input.
pub(crate) fn from_stdin() -> Result<Secret, Error> {
    let mut line = String::new();
    let count = io::stdin().lock().read_line(&mut line).map_err(Error::ReadPassword)?;
    if count == 0 {
        return Err(Error::ReadPassword(io::ErrorKind::UnexpectedEof.into()));
    }
    Ok(Secret::new(line.trim_end_matches(['\r', '\n'])))
}

/// Asks at the terminal, without showing what is typed.
pub(crate) fn ask(prompt: &str) -> Result<Secret, Error> {
    if !io::stdin().is_terminal() {
        return Err(Error::NoTerminal);
    }
    rpassword::prompt_password(prompt).map(Secret::new).map_err(Error::ReadPassword)
}

/// A new password: a line of standard input, or asked for twice.
pub(crate) fn new(name: &str, is_on_stdin: bool) -> Result<Secret, Error> {
    if is_on_stdin {
        return from_stdin();
    }
    let first = ask(&format!("New password of {name}: "))?;
    let second = ask("The same again: ")?;
    if first.expose() == second.expose() { Ok(first) } else { Err(Error::PasswordsDiffer) }
}
