//! What `docker login` has stored: `config.json`, and the credential helpers that it names.
//!
//! Nothing is written there. A helper is the program `docker-credential-NAME`, asked for one host over its standard
//! input; what the host has no entry for is nobody's.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use data_encoding::BASE64;
use serde::Deserialize;
use wharf_identity::Secret;

use super::credentials::Credentials;
use super::error::Error;
use super::named;
use crate::config::source::Environment;

/// The name that stands for a refresh token.
const TOKEN: &str = "<token>";

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Config {
    auths: BTreeMap<String, Entry>,
    #[serde(rename = "credsStore")]
    store: Option<String>,
    #[serde(rename = "credHelpers")]
    helpers: BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Entry {
    /// `NAME:PASSWORD` in base64.
    auth: Option<Secret>,
    identitytoken: Option<Secret>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Stored {
    username: String,
    secret: Secret,
}

/// What is stored for `host`.
pub(crate) fn find(environment: &Environment, host: &str) -> Result<Option<Credentials>, Error> {
    let Some(path) = path(environment) else { return Ok(None) };
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(Error::ReadFile { path, source }),
    };
    let config: Config = serde_json::from_str(&text).map_err(|source| Error::DockerConfig { path, source })?;
    match config.helpers.get(host).or(config.store.as_ref()) {
        Some(helper) => ask(helper, host),
        None => {
            Ok(config.auths.into_iter().find(|(name, _)| host_of(name) == host).and_then(|(_, entry)| read(&entry)))
        }
    }
}

fn path(environment: &Environment) -> Option<PathBuf> {
    let folder = named(environment, "DOCKER_CONFIG").map(PathBuf::from);
    let folder = folder.or_else(|| Some(PathBuf::from(named(environment, "HOME")?).join(".docker")))?;
    Some(folder.join("config.json"))
}

/// Entries of old are named by URLs.
fn host_of(name: &str) -> &str {
    let name = name.strip_prefix("https://").or_else(|| name.strip_prefix("http://")).unwrap_or(name);
    name.split('/').next().unwrap_or(name)
}

fn read(entry: &Entry) -> Option<Credentials> {
    if let Some(token) = entry.identitytoken.as_ref().filter(|token| !token.expose().is_empty()) {
        return Some(Credentials::RefreshToken(token.clone()));
    }
    let pair = BASE64.decode(entry.auth.as_ref()?.expose().as_bytes()).ok()?;
    let pair = Secret::new(String::from_utf8(pair).ok()?);
    let (username, password) = pair.expose().split_once(':')?;
    Some(basic(username, Secret::new(password.trim_end_matches('\0'))))
}

fn basic(username: &str, secret: Secret) -> Credentials {
    if username == TOKEN {
        Credentials::RefreshToken(secret)
    } else {
        Credentials::Basic { username: username.to_owned(), password: secret }
    }
}

/// Asks a credential helper.
fn ask(helper: &str, host: &str) -> Result<Option<Credentials>, Error> {
    let failed = |source| Error::Helper { name: helper.to_owned(), source };
    let is_name = helper.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_.".contains(letter));
    if !is_name {
        return Err(failed(io::Error::new(io::ErrorKind::InvalidInput, "this is no program's name")));
    }
    let mut child = Command::new(format!("docker-credential-{helper}"))
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(failed)?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(host.as_bytes()).map_err(failed)?;
    }
    let output = child.wait_with_output().map_err(failed)?;
    // A helper that has nothing for the host ends with a failure.
    if !output.status.success() {
        return Ok(None);
    }
    let answer: Stored = serde_json::from_slice(&output.stdout).map_err(|error| failed(error.into()))?;
    Ok(Some(basic(&answer.username, answer.secret)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(config: &str, host: &str) -> Option<Credentials> {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("config.json"), config).expect("written");
        let environment = [("DOCKER_CONFIG".to_owned(), folder.path().display().to_string())].into();
        find(&environment, host).expect("read")
    }

    #[test]
    fn a_host_s_entry_is_found_by_its_name_or_its_url() {
        // YTpi is `a:b`.
        let is_a = |found| matches!(found, Some(Credentials::Basic { username, password }) if username == "a" && password.expose() == "b");
        assert!(is_a(stored(r#"{"auths":{"x:5000":{"auth":"YTpi"}}}"#, "x:5000")));
        assert!(is_a(stored(r#"{"auths":{"https://x/v1/":{"auth":"YTpi"}},"psFormat":"x"}"#, "x")));
        for nothing in [
            r#"{"auths":{"x:5000":{"auth":"YTpi"}}}"#,
            r#"{"auths":{"x":{}}}"#,
            r#"{"auths":{"x":{"auth":"!"}}}"#,
            "{}",
        ] {
            assert!(stored(nothing, "x").is_none(), "{nothing}");
        }
    }

    #[test]
    fn an_identity_token_goes_before_the_name_beside_it() {
        let found = stored(r#"{"auths":{"x":{"auth":"YTo=","identitytoken":"t"}}}"#, "x");
        assert!(matches!(found, Some(Credentials::RefreshToken(token)) if token.expose() == "t"));
    }

    #[test]
    fn a_broken_file_and_a_helper_that_is_a_path_are_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let environment = [("DOCKER_CONFIG".to_owned(), folder.path().display().to_string())].into();
        assert!(matches!(find(&environment, "x"), Ok(None)), "no file is no mistake");
        std::fs::write(folder.path().join("config.json"), "{").expect("written");
        assert!(matches!(find(&environment, "x"), Err(Error::DockerConfig { .. })));
        assert!(matches!(ask("../x", "x"), Err(Error::Helper { .. })));
        assert!(matches!(ask("that-is-not-there", "x"), Err(Error::Helper { .. })));
    }
}
