//! Stored log-ins: the files and helpers that docker, podman and their kin share.
//!
//! Read are docker's `config.json` with the credential helpers that it names, and the `auth.json` of podman, skopeo and
//! buildah; written is docker's, as `docker login` does it. What is in those files beside log-ins stays as it is.

mod file;
mod program;

use std::io;
use std::path::{Path, PathBuf};

use wharf_identity::Secret;

use self::file::{Document, Entry};
use super::client::Error;
use super::client::credentials::Credentials;
use super::client::named;
use crate::config::source::Environment;

/// Docker Hub's host, and the name under which its log-ins have always been stored.
const DOCKER_HUB: (&str, &str) = ("docker.io", "https://index.docker.io/v1/");

/// The log-in to be stored.
#[derive(Debug)]
pub(crate) struct Login {
    /// Who.
    pub(crate) username: String,
    /// The password, or what the registry gave to be used instead.
    pub(crate) secret: Secret,
    /// Whether the registry gave it.
    pub(crate) is_token: bool,
}

/// What is stored for a host; the closest entry, where a file has entries for a repository's parents.
pub(crate) fn find(
    environment: &Environment,
    host: &str,
    repository: Option<&str>,
) -> Result<Option<Credentials>, Error> {
    for path in paths(environment) {
        let document = Document::read(path)?;
        let found = match document.helper(host, key(host)) {
            Some(helper) => program::get(&helper, key(host))?,
            None => document.entry(host, repository).as_ref().and_then(Entry::credentials),
        };
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// What a file itself holds for a host. It must be there, and no helper that it names is asked.
pub(crate) fn find_in(path: &Path, host: &str) -> Result<Option<Credentials>, Error> {
    if let Err(source) = path.metadata() {
        return Err(unreadable(path.to_owned(), source));
    }
    let document = Document::read(path.to_owned())?;
    Ok(document.entry(host, None).as_ref().and_then(Entry::credentials))
}

/// Stores a log-in as `docker login` does: with the helper that the configuration names, else in the file. Says where.
pub(crate) fn store(environment: &Environment, host: &str, login: &Login) -> Result<String, Error> {
    let mut document = Document::read(docker_path(environment).ok_or(Error::NoHome)?)?;
    if let Some(helper) = document.helper(host, key(host)) {
        program::store(&helper, key(host), login)?;
        return Ok(format!("the credential helper `{helper}`"));
    }
    document.insert(key(host), login);
    document.write()?;
    Ok(format!("`{}`, unencrypted", document.path().display()))
}

/// Forgets a log-in, wherever it is stored. Whether there was one is the result.
pub(crate) fn erase(environment: &Environment, host: &str) -> Result<bool, Error> {
    let mut had_one = false;
    for path in paths(environment) {
        let mut document = Document::read(path)?;
        if let Some(helper) = document.helper(host, key(host)) {
            had_one |= program::get(&helper, key(host))?.is_some() && program::erase(&helper, key(host))?;
        }
        if document.remove(host) {
            document.write()?;
            had_one = true;
        }
    }
    Ok(had_one)
}

/// The files in which log-ins may be, the one that counts first.
fn paths(environment: &Environment) -> Vec<PathBuf> {
    let below = |name: &str, rest: &str| named(environment, name).map(|folder| PathBuf::from(folder).join(rest));
    let all = [
        named(environment, "REGISTRY_AUTH_FILE").map(PathBuf::from),
        docker_path(environment),
        below("XDG_RUNTIME_DIR", "containers/auth.json"),
        below("XDG_CONFIG_HOME", "containers/auth.json").or_else(|| below("HOME", ".config/containers/auth.json")),
    ];
    all.into_iter().flatten().collect()
}

fn docker_path(environment: &Environment) -> Option<PathBuf> {
    let folder = named(environment, "DOCKER_CONFIG").map(PathBuf::from);
    let folder = folder.or_else(|| Some(PathBuf::from(named(environment, "HOME")?).join(".docker")))?;
    Some(folder.join("config.json"))
}

/// What a host's log-in is called.
fn key(host: &str) -> &str {
    if host == DOCKER_HUB.0 { DOCKER_HUB.1 } else { host }
}

fn unreadable(path: PathBuf, source: io::Error) -> Error {
    Error::ReadFile { path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(folder: &Path) -> Environment {
        [
            ("DOCKER_CONFIG".to_owned(), folder.display().to_string()),
            ("XDG_RUNTIME_DIR".to_owned(), folder.join("run").display().to_string()),
        ]
        .into()
    }

    fn stored(config: &str, host: &str) -> Option<Credentials> {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("config.json"), config).expect("written");
        find(&environment(folder.path()), host, None).expect("read")
    }

    fn is_basic(found: Option<Credentials>, name: &str, secret: &str) -> bool {
        matches!(found, Some(Credentials::Basic { username, password }) if username == name && password.expose() == secret)
    }

    #[test]
    fn a_host_s_entry_is_found_by_its_name_or_its_url() {
        // YTpi is `a:b`.
        assert!(is_basic(stored(r#"{"auths":{"x:5000":{"auth":"YTpi"}}}"#, "x:5000"), "a", "b"));
        assert!(is_basic(stored(r#"{"auths":{"https://x/v1/":{"auth":"YTpi"}},"psFormat":"x"}"#, "x"), "a", "b"));
        assert!(is_basic(
            stored(r#"{"auths":{"https://index.docker.io/v1/":{"auth":"YTpi"}}}"#, "docker.io"),
            "a",
            "b"
        ));
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
    fn podman_s_entry_that_is_closest_to_the_repository_counts() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir_all(folder.path().join("run/containers")).expect("made");
        // YTpi is `a:b`, Yzpk is `c:d`.
        let text = r#"{"auths":{"x":{"auth":"YTpi"},"x/team":{"auth":"Yzpk"}}}"#;
        std::fs::write(folder.path().join("run/containers/auth.json"), text).expect("written");
        let find = |repository| find(&environment(folder.path()), "x", repository).expect("read");
        assert!(is_basic(find(Some("team/app")), "c", "d") && is_basic(find(Some("teams/app")), "a", "b"));
        assert!(is_basic(find(None), "a", "b"));
    }

    #[test]
    fn what_is_stored_is_found_and_what_stands_beside_it_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let environment = environment(&folder.path().join("deep"));
        let login = |is_token| Login { username: "ann".to_owned(), secret: Secret::new("s:e"), is_token };
        store(&environment, "x", &login(false)).expect("stored");
        assert!(is_basic(find(&environment, "x", None).expect("read"), "ann", "s:e"));
        let path = folder.path().join("deep/config.json");
        std::fs::write(&path, r#"{"auths":{"y":{"auth":"YTpi","email":"e"}},"detachKeys":"ctrl-x"}"#).expect("written");
        store(&environment, "docker.io", &login(true)).expect("stored");
        let found = find(&environment, "docker.io", None).expect("read");
        assert!(matches!(found, Some(Credentials::RefreshToken(token)) if token.expose() == "s:e"));
        assert!(
            erase(&environment, "docker.io").expect("erased") && !erase(&environment, "docker.io").expect("erased")
        );
        let text = std::fs::read_to_string(&path).expect("read");
        assert!(text.contains("detachKeys") && text.contains("email") && !text.contains("index.docker.io"), "{text}");
    }

    #[test]
    fn a_broken_file_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(matches!(find(&environment(folder.path()), "x", None), Ok(None)), "no file is no mistake");
        std::fs::write(folder.path().join("config.json"), "{").expect("written");
        assert!(matches!(find(&environment(folder.path()), "x", None), Err(Error::DockerConfig { .. })));
    }
}
