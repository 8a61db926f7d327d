//! One file of log-ins: `{"auths": …, "credsStore": …, "credHelpers": …}`, and members that are none of our business.

use std::fs::Permissions;
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use data_encoding::BASE64;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use wharf_identity::Secret;

use super::super::client::Error;
use super::super::client::credentials::Credentials;
use super::{DOCKER_HUB, Login, program, unreadable};

/// A file, as it was read.
#[derive(Debug)]
pub(super) struct Document {
    path: PathBuf,
    members: Map<String, Value>,
}

/// What a file holds for one host.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Entry {
    /// `NAME:PASSWORD` in base64.
    auth: Option<Secret>,
    identitytoken: Option<Secret>,
}

impl Document {
    /// Reads a file; one that is not there is empty.
    pub(super) fn read(path: PathBuf) -> Result<Self, Error> {
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(source) => return Err(unreadable(path, source)),
        };
        let text = if text.trim().is_empty() { "{}" } else { &text };
        match serde_json::from_str(text) {
            Ok(members) => Ok(Self { path, members }),
            Err(source) => Err(Error::DockerConfig { path, source }),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The helper that keeps a host's log-in.
    pub(super) fn helper(&self, host: &str, key: &str) -> Option<String> {
        let helpers = self.members.get("credHelpers");
        let own = helpers.and_then(|helpers| helpers.get(host).or_else(|| helpers.get(key)));
        let helper = own.or_else(|| self.members.get("credsStore")).and_then(Value::as_str);
        helper.filter(|helper| !helper.is_empty()).map(str::to_owned)
    }

    /// The entry for a repository's closest parent, else for the host.
    pub(super) fn entry(&self, host: &str, repository: Option<&str>) -> Option<Entry> {
        let auths = self.members.get("auths")?.as_object()?;
        let whole = format!("{host}/{}", repository.unwrap_or_default());
        let parents = whole.trim_end_matches('/').rmatch_indices('/').map(|(end, _)| &whole[..end]);
        let closest = std::iter::once(whole.trim_end_matches('/')).chain(parents).find_map(|name| auths.get(name));
        let entry = closest.or_else(|| auths.iter().find(|(name, _)| host_of(name) == host).map(|(_, entry)| entry))?;
        serde_json::from_value(entry.clone()).ok()
    }

    pub(super) fn insert(&mut self, key: &str, login: &Login) {
        let pair = |secret: &str| BASE64.encode(format!("{}:{secret}", login.username).as_bytes());
        let entry = if login.is_token {
            json!({ "auth": pair(""), "identitytoken": login.secret.expose() })
        } else {
            json!({ "auth": pair(login.secret.expose()) })
        };
        let auths = self.members.entry("auths").or_insert_with(|| json!({}));
        if let Some(auths) = auths.as_object_mut() {
            auths.insert(key.to_owned(), entry);
        }
    }

    /// Forgets all entries of a host.
    pub(super) fn remove(&mut self, host: &str) -> bool {
        let Some(auths) = self.members.get_mut("auths").and_then(Value::as_object_mut) else { return false };
        let before = auths.len();
        auths.retain(|name, _| host_of(name) != host);
        auths.len() < before
    }

    /// Writes the file anew, for its owner's eyes only; who reads meanwhile sees the old one or the new one.
    pub(super) fn write(&self) -> Result<(), Error> {
        let failed = |source| Error::WriteFile { path: self.path.clone(), source };
        // A link leads to the file that is meant.
        let path = self.path.canonicalize().unwrap_or_else(|_| self.path.clone());
        let folder = path.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder).map_err(failed)?;
        let mut builder = tempfile::Builder::new();
        let mut file = builder.permissions(Permissions::from_mode(0o600)).tempfile_in(folder).map_err(failed)?;
        let text = serde_json::to_string_pretty(&self.members).expect("what was JSON is JSON");
        file.write_all(text.as_bytes()).and_then(|()| file.as_file().sync_all()).map_err(failed)?;
        file.persist(&path).map(drop).map_err(|error| failed(error.error))
    }
}

impl Entry {
    pub(super) fn credentials(&self) -> Option<Credentials> {
        if let Some(token) = self.identitytoken.as_ref().filter(|token| !token.expose().is_empty()) {
            return Some(Credentials::RefreshToken(token.clone()));
        }
        let pair = BASE64.decode(self.auth.as_ref()?.expose().as_bytes()).ok()?;
        let pair = Secret::new(String::from_utf8(pair).ok()?);
        let (username, password) = pair.expose().split_once(':')?;
        Some(program::credentials(username, Secret::new(password.trim_end_matches('\0'))))
    }
}

/// Entries of old are named by URLs.
fn host_of(name: &str) -> &str {
    if name == DOCKER_HUB.1 {
        return DOCKER_HUB.0;
    }
    let name = name.strip_prefix("https://").or_else(|| name.strip_prefix("http://")).unwrap_or(name);
    let host = name.split('/').next().unwrap_or(name);
    if host == "index.docker.io" { DOCKER_HUB.0 } else { host }
}
