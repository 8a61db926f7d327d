//! Credential helpers: programs `docker-credential-NAME`, asked over their standard input.

use std::io::{self, Write as _};
use std::process::{Command, Output, Stdio};

use serde::Deserialize;
use serde_json::json;
use wharf_identity::Secret;

use super::super::client::Error;
use super::super::client::credentials::Credentials;
use super::Login;

/// The name that stands for a refresh token.
const TOKEN: &str = "<token>";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Stored {
    username: String,
    secret: Secret,
}

/// What the helper has for a host.
pub(super) fn get(helper: &str, key: &str) -> Result<Option<Credentials>, Error> {
    let output = run(helper, "get", key.as_bytes())?;
    // A helper that has nothing for the host ends with a failure.
    if !output.status.success() {
        return Ok(None);
    }
    let answer: Stored = serde_json::from_slice(&output.stdout).map_err(|error| failed(helper, error.into()))?;
    Ok((!answer.secret.expose().is_empty()).then(|| credentials(&answer.username, answer.secret)))
}

pub(super) fn store(helper: &str, key: &str, login: &Login) -> Result<(), Error> {
    let username = if login.is_token { TOKEN } else { &login.username };
    let entry = json!({ "ServerURL": key, "Username": username, "Secret": login.secret.expose() });
    let output = run(helper, "store", Secret::new(entry.to_string()).expose().as_bytes())?;
    if output.status.success() { Ok(()) } else { Err(failed(helper, io::Error::other("it did not store the log-in"))) }
}

/// Whether it was erased.
pub(super) fn erase(helper: &str, key: &str) -> Result<bool, Error> {
    Ok(run(helper, "erase", key.as_bytes())?.status.success())
}

/// A name and a secret as helpers and files write them.
pub(super) fn credentials(username: &str, secret: Secret) -> Credentials {
    if username == TOKEN {
        Credentials::RefreshToken(secret)
    } else {
        Credentials::Basic { username: username.to_owned(), password: secret }
    }
}

fn run(helper: &str, verb: &str, input: &[u8]) -> Result<Output, Error> {
    let is_name = helper.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_.".contains(letter));
    if !is_name {
        return Err(failed(helper, io::Error::new(io::ErrorKind::InvalidInput, "this is no program's name")));
    }
    let mut child = Command::new(format!("docker-credential-{helper}"))
        .arg(verb)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| failed(helper, error))?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input).map_err(|error| failed(helper, error))?;
    }
    child.wait_with_output().map_err(|error| failed(helper, error))
}

fn failed(helper: &str, source: io::Error) -> Error {
    Error::Helper { name: helper.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_helper_that_is_a_path_or_not_there_is_told() {
        assert!(matches!(get("../x", "x"), Err(Error::Helper { .. })));
        assert!(matches!(get("that-is-not-there", "x"), Err(Error::Helper { .. })));
    }
}
