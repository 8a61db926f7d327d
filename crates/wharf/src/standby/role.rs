//! Which part a data folder plays in a pair, in a file that is there whole or not at all.
//!
//! The *history* is the registry's own number, the same on both machines. The *epoch* grows with each take-over: of two
//! that both call themselves primary, the one with the lower epoch is fenced. It stands in this file and not in the catalog,
//! because a catalog that was copied elsewhere must not take it along. That the file is replaced at once is what makes a
//! take-over one step.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use url::Url;
use uuid::Uuid;

/// The file's name in the data folder.
const FILE: &str = "standby.json";

/// What a data folder is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Role {
    /// The registry's own number.
    pub(crate) history: Uuid,
    /// How often somebody has taken over, from 1.
    pub(crate) epoch: u64,
    pub(crate) part: Part,
}

/// The part that it plays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Part {
    Primary(Primary),
    /// It follows `of`; `is_whole` since it has a whole catalog and all its bytes.
    Standby {
        of: Url,
        is_whole: bool,
    },
    /// Another has taken over.
    Fenced {
        by: String,
    },
}

/// What a primary remembers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Primary {
    /// Whom it has taken over from.
    pub(crate) taken_from: Option<Url>,
    /// Whether that one knows.
    pub(crate) is_known_there: bool,
    /// Whether a standby was ever on a level with it: from then on a synchronous primary waits for it.
    pub(crate) has_standby: bool,
    /// Where the standby is reached, if it has said so.
    pub(crate) standby_url: Option<Url>,
}

impl Role {
    /// The first primary of a registry.
    pub(crate) fn first() -> Self {
        Self { history: Uuid::new_v4(), epoch: 1, part: Part::Primary(Primary::default()) }
    }

    /// The primary's memory, where it is one.
    pub(crate) fn primary(&self) -> Option<&Primary> {
        match &self.part {
            Part::Primary(primary) => Some(primary),
            Part::Standby { .. } | Part::Fenced { .. } => None,
        }
    }

    /// What a standby is when it has taken over.
    pub(crate) fn taken_over(&self, of: &Url) -> Self {
        let primary = Primary { taken_from: Some(of.clone()), ..Primary::default() };
        Self { epoch: self.epoch + 1, part: Part::Primary(primary), ..self.clone() }
    }
}

/// The file.
#[derive(Debug, Clone)]
pub(crate) struct RoleFile(PathBuf);

impl RoleFile {
    /// The one of a data folder.
    pub(crate) fn of(folder: &Path) -> Self {
        Self(folder.join(FILE))
    }

    /// What it says; `None` in a folder that was never part of a pair.
    pub(crate) fn read(&self) -> anyhow::Result<Option<Role>> {
        let text = match std::fs::read_to_string(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            read => read.with_context(|| format!("read `{}`", self.0.display()))?,
        };
        let role = serde_json::from_str(&text).with_context(|| format!("`{}` is damaged", self.0.display()))?;
        Ok(Some(role))
    }

    /// Says something else from now on, durably.
    pub(crate) fn write(&self, role: &Role) -> anyhow::Result<()> {
        self.replace(role).with_context(|| format!("write `{}`", self.0.display()))
    }

    fn replace(&self, role: &Role) -> io::Result<()> {
        let draft = self.0.with_added_extension("new");
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
        file.write_all(serde_json::to_string_pretty(role)?.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&draft, &self.0)?;
        File::open(self.0.parent().unwrap_or(Path::new(".")))?.sync_all()
    }
}

/// How a server starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Start {
    /// As a registry without a second one.
    Alone,
    /// As one that may be followed.
    Primary(Role),
    /// As one that follows. What it was before is in the role.
    Standby(Option<Role>),
    /// Not: why, for people.
    Refused(String),
}

/// What the configuration asks for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    /// `standby.of`.
    pub(crate) of: Option<&'a Url>,
    /// Whether there is a token.
    pub(crate) has_token: bool,
    /// Whether a catalog lies where the configuration says.
    pub(crate) has_catalog: bool,
}

/// Decides how a server starts.
pub(crate) fn decide(role: Option<Role>, asked: Asked<'_>) -> Start {
    let Some(role) = role else {
        return match asked.of {
            None if asked.has_token => Start::Primary(Role::first()),
            None => Start::Alone,
            Some(_) if asked.has_catalog => Start::Refused(
                "there is a registry of its own in the data folder; a standby begins in an empty one".to_owned(),
            ),
            Some(_) => Start::Standby(None),
        };
    };
    match (&role.part, asked.of) {
        (Part::Primary(_), None) if !asked.has_token => Start::Alone,
        (Part::Primary(_), None) => Start::Primary(role),
        (Part::Primary(primary), Some(of)) if primary.taken_from.as_ref() == Some(of) => Start::Primary(role),
        (Part::Standby { of, .. }, None) => Start::Refused(format!(
            "this data folder is a standby of `{of}`: start it with `--standby-of {of}`, or run `wharf standby take-over` first"
        )),
        (Part::Fenced { by }, None) => Start::Refused(format!(
            "`{by}` has taken over from this server, and what is pushed goes there: start this one as its standby with \
             `--standby-of URL`"
        )),
        (Part::Primary(_) | Part::Standby { .. } | Part::Fenced { .. }, Some(_)) => Start::Standby(Some(role)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(host: &str) -> Url {
        format!("https://{host}.example").parse().expect("a URL")
    }

    fn role(part: Part) -> Role {
        Role { history: Uuid::nil(), epoch: 3, part }
    }

    #[test]
    fn how_a_server_starts_follows_from_what_its_folder_is() {
        let (a, b) = (url("a"), url("b"));
        let primary = role(Part::Primary(Primary::default()));
        let taken = role(Part::Primary(Primary { taken_from: Some(a.clone()), ..Primary::default() }));
        let standby = role(Part::Standby { of: a.clone(), is_whole: true });
        let fenced = role(Part::Fenced { by: "b".to_owned() });
        let asked = |of| Asked { of, has_token: true, has_catalog: true };
        for (was, of, starts) in [
            (&primary, None, Start::Primary(primary.clone())),
            (&primary, Some(&b), Start::Standby(Some(primary.clone()))),
            (&taken, None, Start::Primary(taken.clone())),
            (&taken, Some(&a), Start::Primary(taken.clone())),
            (&taken, Some(&b), Start::Standby(Some(taken.clone()))),
            (&standby, Some(&a), Start::Standby(Some(standby.clone()))),
            (&fenced, Some(&b), Start::Standby(Some(fenced.clone()))),
        ] {
            assert_eq!(decide(Some(was.clone()), asked(of)), starts);
        }
        for refused in [standby, fenced] {
            assert!(matches!(decide(Some(refused), asked(None)), Start::Refused(_)));
        }
    }

    #[test]
    fn a_folder_without_a_role_becomes_what_is_asked_for_unless_it_holds_a_registry() {
        let a = url("a");
        let starts = |of, has_token, has_catalog| decide(None, Asked { of, has_token, has_catalog });
        assert_eq!(starts(None, false, true), Start::Alone);
        assert!(matches!(starts(None, true, true), Start::Primary(Role { epoch: 1, .. })));
        assert_eq!(starts(Some(&a), true, false), Start::Standby(None));
        assert!(matches!(starts(Some(&a), true, true), Start::Refused(_)));
    }

    #[test]
    fn a_role_is_read_back_and_damage_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = RoleFile::of(folder.path());
        assert_eq!(file.read().expect("no file is no error"), None);
        let role = role(Part::Standby { of: url("a"), is_whole: false });
        file.write(&role).expect("written");
        assert_eq!(file.read().expect("read"), Some(role));
        std::fs::write(folder.path().join(FILE), "{").expect("written");
        assert!(file.read().is_err());
    }
}
