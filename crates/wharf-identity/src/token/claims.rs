//! What stands in a token: JWT claims (RFC 7519) with distribution's `access`, and one private claim.
//!
//! `access` lists what was granted, as every registry's tokens do. `wharf` lists what was asked for and refused, so that
//! "you may not" can be told from "ask for another token"; clients do not read it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;
use wharf_context::{Caller, CallerId, Grant, Permission, Permissions, ProjectId, TagLimit, Timestamp};
use wharf_oci::{RepositoryName, TagPattern};

use super::{read_caller, write_caller};
use crate::error::Error;
use crate::key::jws::TokenError;
use crate::settings::Settings;

/// How far the clocks of two nodes may be apart.
const LEEWAY_SECONDS: i64 = 60;

/// What a token is good for, before it is written.
#[derive(Debug)]
pub(crate) struct Coverage {
    pub(crate) access: Vec<Access>,
    pub(crate) catalog: bool,
    pub(crate) management: bool,
}

/// One repository of it.
#[derive(Debug)]
pub(crate) struct Access {
    pub(crate) repository: RepositoryName,
    pub(crate) project: Option<ProjectId>,
    pub(crate) granted: Permissions,
    pub(crate) refused: Permissions,
    pub(crate) tags: Vec<TagLimit>,
}

/// The payload of a token.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Claims {
    iss: String,
    sub: String,
    aud: String,
    exp: i64,
    nbf: i64,
    iat: i64,
    jti: String,
    access: Vec<Entry>,
    wharf: Private,
}

#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    #[serde(rename = "type")]
    kind: String,
    name: String,
    actions: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    project: Option<i64>,
    /// Patterns of the tags that an action is limited to.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    tags: BTreeMap<String, Vec<String>>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Private {
    caller: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    refused: Vec<Refused>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Refused {
    name: String,
    actions: Vec<String>,
}

impl Claims {
    pub(crate) fn new(settings: &Settings, caller: &Caller, coverage: Coverage, now: Timestamp) -> Self {
        let mut access: Vec<Entry> = coverage.access.iter().filter_map(Entry::of).collect();
        let registry = |name: &str| Entry {
            kind: "registry".to_owned(),
            name: name.to_owned(),
            actions: vec!["*".to_owned()],
            project: None,
            tags: BTreeMap::new(),
        };
        access.extend(coverage.catalog.then(|| registry("catalog")));
        access.extend(coverage.management.then(|| registry("management")));
        Self {
            iss: settings.issuer.clone(),
            sub: caller.name.clone(),
            aud: settings.service.clone(),
            exp: now.plus(settings.token_lifetime).seconds(),
            nbf: now.seconds(),
            iat: now.seconds(),
            jti: Uuid::new_v4().simple().to_string(),
            access,
            wharf: Private {
                caller: write_caller(caller.id),
                refused: coverage.access.iter().filter_map(Refused::of).collect(),
            },
        }
    }

    pub(crate) fn write(&self) -> Result<Vec<u8>, Error> {
        serde_json::to_vec(self).map_err(Error::Claims)
    }

    /// Reads a payload whose signature was verified, and judges its time and its parties.
    pub(crate) fn read(payload: &[u8], settings: &Settings, now: Timestamp) -> Result<Self, TokenError> {
        let claims: Self = serde_json::from_slice(payload).map_err(|_| TokenError::Malformed)?;
        if claims.iss != settings.issuer || claims.aud != settings.service {
            return Err(TokenError::OtherService);
        }
        let now = now.seconds();
        if claims.exp <= now {
            return Err(TokenError::Expired);
        }
        if claims.nbf > now.saturating_add(LEEWAY_SECONDS) {
            return Err(TokenError::NotYet);
        }
        Ok(claims)
    }

    pub(crate) fn caller(&self) -> Result<Caller, Error> {
        let id = read_caller(&self.wharf.caller).ok_or(Error::Token(TokenError::Malformed))?;
        Ok(if id == CallerId::Anonymous { Caller::anonymous() } else { Caller { id, name: self.sub.clone() } })
    }

    pub(crate) fn covers_catalog(&self) -> bool {
        self.covers_registry("catalog")
    }

    pub(crate) fn covers_management(&self) -> bool {
        self.covers_registry("management")
    }

    fn covers_registry(&self, name: &str) -> bool {
        self.access.iter().any(|entry| entry.kind == "registry" && entry.name == name)
    }

    /// Which tags some of it is for, repository by repository.
    pub(crate) fn tag_limits(&self) -> Result<Vec<(RepositoryName, Vec<TagLimit>)>, Error> {
        let limited = self.access.iter().filter(|entry| entry.kind == "repository" && !entry.tags.is_empty());
        limited.map(|entry| Ok((repository(&entry.name)?, entry.limits()?))).collect()
    }

    /// What the token grants and refuses, repository by repository.
    pub(crate) fn grants(&self) -> Result<Vec<Grant>, Error> {
        let mut grants = Vec::with_capacity(self.access.len());
        for entry in self.access.iter().filter(|entry| entry.kind == "repository") {
            grants.push(Grant {
                repository: repository(&entry.name)?,
                project: entry.project.map(ProjectId),
                granted: permissions(&entry.actions),
                refused: Permissions::NONE,
            });
        }
        for refused in &self.wharf.refused {
            let (name, refused) = (repository(&refused.name)?, permissions(&refused.actions));
            match grants.iter_mut().find(|grant| grant.repository == name) {
                Some(grant) => grant.refused = refused,
                None => grants.push(Grant { repository: name, project: None, granted: Permissions::NONE, refused }),
            }
        }
        Ok(grants)
    }
}

impl Entry {
    fn of(access: &Access) -> Option<Self> {
        (!access.granted.is_empty()).then(|| Self {
            kind: "repository".to_owned(),
            name: access.repository.to_string(),
            actions: actions(access.granted),
            project: access.project.map(|project| project.0),
            tags: access.tags.iter().map(written).collect(),
        })
    }

    /// A limit that cannot be read must not be left out.
    fn limits(&self) -> Result<Vec<TagLimit>, Error> {
        let malformed = || Error::Token(TokenError::Malformed);
        let limit = |(action, patterns): (&String, &Vec<String>)| {
            let patterns: Result<Vec<TagPattern>, _> = patterns.iter().map(|pattern| pattern.parse()).collect();
            let permission = Permission::from_name(action).ok_or_else(malformed)?;
            Ok(TagLimit { permission, patterns: patterns.map_err(|_| malformed())? })
        };
        self.tags.iter().map(limit).collect()
    }
}

fn written(limit: &TagLimit) -> (String, Vec<String>) {
    (limit.permission.name().to_owned(), limit.patterns.iter().map(ToString::to_string).collect())
}

impl Refused {
    fn of(access: &Access) -> Option<Self> {
        let is_any = !access.refused.is_empty();
        is_any.then(|| Self { name: access.repository.to_string(), actions: actions(access.refused) })
    }
}

fn actions(permissions: Permissions) -> Vec<String> {
    permissions.iter().map(|permission| permission.name().to_owned()).collect()
}

fn permissions(actions: &[String]) -> Permissions {
    Permissions::of(&actions.iter().filter_map(|action| Permission::from_name(action)).collect::<Vec<_>>())
}

fn repository(name: &str) -> Result<RepositoryName, Error> {
    name.parse().map_err(|_| Error::Token(TokenError::Malformed))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const NOW: Timestamp = Timestamp(1_700_000_000_000_000);

    fn claims() -> Claims {
        let access = |name: &str, project, granted, refused| Access {
            repository: name.parse().expect("valid"),
            project,
            granted: Permissions::of(granted),
            refused: Permissions::of(refused),
            tags: vec![TagLimit { permission: Permission::Pull, patterns: vec!["1.*".parse().expect("valid")] }],
        };
        let coverage = Coverage {
            access: vec![
                access("p/app", Some(ProjectId(7)), &[Permission::Pull], &[Permission::Push]),
                access("p/none", None, &[], &[Permission::Pull]),
            ],
            catalog: true,
            management: false,
        };
        let caller = Caller { id: CallerId::User(3), name: "alice".to_owned() };
        Claims::new(&Settings::default(), &caller, coverage, NOW)
    }

    #[test]
    fn claims_read_back_as_they_were_written() {
        let payload = claims().write().expect("JSON");
        let read = Claims::read(&payload, &Settings::default(), NOW).expect("accepted");
        assert_eq!(read.caller().expect("reads"), Caller { id: CallerId::User(3), name: "alice".to_owned() });
        let grants = read.grants().expect("reads");
        assert_eq!((grants[0].project, grants[0].granted), (Some(ProjectId(7)), Permissions::of(&[Permission::Pull])));
        assert_eq!(grants[0].refused, Permissions::of(&[Permission::Push]));
        let limits = read.tag_limits().expect("reads");
        assert_eq!(
            (limits.len(), limits[0].0.as_str(), limits[0].1.len()),
            (1, "p/app", 1),
            "what is not granted has no limits"
        );
        assert_eq!((grants[1].project, grants[1].granted), (None, Permissions::NONE));
        assert!(read.covers_catalog() && !read.covers_management());
    }

    #[test]
    fn the_payload_has_the_shape_that_registries_agree_on() {
        let payload: serde_json::Value = serde_json::from_slice(&claims().write().expect("JSON")).expect("JSON");
        let access = &payload["access"][0];
        assert_eq!((&access["type"], &access["name"]), (&"repository".into(), &"p/app".into()));
        assert_eq!(access["actions"], serde_json::json!(["pull"]));
        assert_eq!((&payload["sub"], &payload["aud"]), (&"alice".into(), &"wharf".into()));
        assert_eq!(payload["exp"].as_i64(), Some(NOW.seconds() + 300));
        assert_eq!(payload["access"].as_array().map(Vec::len), Some(2));
    }

    #[test]
    fn another_time_or_another_party_is_refused() {
        let payload = claims().write().expect("JSON");
        let read = |settings: &Settings, now| Claims::read(&payload, settings, now).map(|_| ());
        let settings = Settings::default();
        assert_eq!(read(&settings, NOW.plus(Duration::from_secs(299))), Ok(()));
        assert_eq!(read(&settings, NOW.plus(Duration::from_secs(300))), Err(TokenError::Expired));
        assert_eq!(read(&settings, NOW.minus(Duration::from_secs(61))), Err(TokenError::NotYet));
        for other in [
            Settings { issuer: "other".to_owned(), ..settings.clone() },
            Settings { service: "other".to_owned(), ..settings },
        ] {
            assert_eq!(read(&other, NOW), Err(TokenError::OtherService));
        }
        assert_eq!(Claims::read(b"{}", &Settings::default(), NOW).map(|_| ()), Err(TokenError::Malformed));
    }
}
