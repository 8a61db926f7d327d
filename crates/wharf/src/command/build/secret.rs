//! `--secret` and `--ssh`: what RUN is given, and no layer, history, key or log gets.

use std::collections::BTreeMap;
use std::path::PathBuf;

use wharf_build::Secrets;

use super::{Error, wrong};
use crate::config::source::Environment;

/// Secrets and agents by their ids.
#[derive(Debug)]
pub(crate) struct Given {
    secrets: BTreeMap<String, Place>,
    agents: BTreeMap<String, PathBuf>,
}

/// Where a secret is.
enum Place {
    File(PathBuf),
    Value(String),
}

impl std::fmt::Debug for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Value(_) => f.write_str("…"),
        }
    }
}

impl Given {
    pub(crate) fn parse(secrets: &[String], agents: &[String], environment: &Environment) -> Result<Self, Error> {
        let secrets = secrets.iter().map(|text| secret(text, environment)).collect::<Result<_, _>>()?;
        let agent = |text: &String| match text.split_once('=') {
            Some((id, path)) => Ok((id.to_owned(), PathBuf::from(path))),
            None => {
                let socket = environment
                    .get("SSH_AUTH_SOCK")
                    .ok_or_else(|| wrong("--ssh", text, "needs SSH_AUTH_SOCK, or =SOCKET"))?;
                Ok((text.clone(), PathBuf::from(socket)))
            }
        };
        let agents = agents.iter().map(agent).collect::<Result<_, Error>>()?;
        Ok(Self { secrets, agents })
    }
}

fn secret(text: &str, environment: &Environment) -> Result<(String, Place), Error> {
    let mut fields: BTreeMap<&str, &str> = BTreeMap::new();
    for field in text.split(',') {
        let (name, value) = field.split_once('=').ok_or_else(|| wrong("--secret", text, "is no id=NAME,src=FILE"))?;
        fields.insert(name, value);
    }
    let unknown = fields.keys().any(|name| !matches!(*name, "id" | "type" | "src" | "source" | "env"));
    if unknown {
        return Err(wrong("--secret", text, "has another field than `id`, `type`, `src` and `env`"));
    }
    let source = fields.get("src").or_else(|| fields.get("source")).copied();
    let id = fields.get("id").copied().or(source).ok_or_else(|| wrong("--secret", text, "has no `id`"))?;
    let variable = fields.get("env").copied().or((fields.get("type") == Some(&"env")).then_some(source.unwrap_or(id)));
    // Without anything else it is the variable of its name, and a file of its name where there is none.
    let variable = variable.or((source.is_none() && environment.contains_key(id)).then_some(id));
    let place = match variable {
        Some(name) => {
            let value =
                environment.get(name).ok_or_else(|| wrong("--secret", text, "names a variable that is not set"))?;
            Place::Value(value.clone())
        }
        None => {
            let path = PathBuf::from(source.unwrap_or(id));
            if !path.is_file() {
                return Err(wrong("--secret", text, "names a file that is not there"));
            }
            Place::File(path)
        }
    };
    Ok((id.to_owned(), place))
}

impl Secrets for Given {
    fn secret(&self, id: &str) -> Result<Option<Vec<u8>>, std::io::Error> {
        match self.secrets.get(id) {
            None => Ok(None),
            Some(Place::Value(value)) => Ok(Some(value.clone().into_bytes())),
            Some(Place::File(path)) => std::fs::read(path).map(Some),
        }
    }

    fn agent(&self, id: &str) -> Option<PathBuf> {
        self.agents.get(id).cloned()
    }
}
