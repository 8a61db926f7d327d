//! Names of repositories as clients write them: with an environment before them, or at a host that stands for one.
//!
//! Inside, a repository has one name. `d/pay/app` becomes `pay/app` here; at the host of environment `p`, `pay/app`
//! becomes `p/pay/app`, and answers name it as the client did. Pure.

use std::borrow::Cow;
use std::collections::BTreeMap;

use wharf_oci::code::ErrorCode;
use wharf_oci::scope::Scope;
use wharf_oci::{EnvironmentName, Environments, RepositoryName};

use crate::error::OciError;

/// The names of one server.
#[derive(Debug, Clone, Default)]
pub struct Naming {
    /// The environments.
    pub environments: Environments,
    /// Hosts, in lower case and with or without a port, that stand for one environment each.
    pub hosts: BTreeMap<String, EnvironmentName>,
}

impl Naming {
    /// The environment that a host stands for.
    pub(crate) fn environment(&self, host: &str) -> Option<&EnvironmentName> {
        let host = host.to_ascii_lowercase();
        let name = host.rsplit_once(':').map_or(host.as_str(), |(name, _)| name);
        self.hosts.get(&host).or_else(|| self.hosts.get(name))
    }

    /// How a client names repositories that came to `host`.
    pub(crate) fn at(&self, host: Option<&str>) -> Names<'_> {
        let environment = host.and_then(|host| self.environment(host));
        Names { environments: &self.environments, environment }
    }
}

/// How the client of one request names repositories.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Names<'a> {
    environments: &'a Environments,
    /// What the host stands for.
    pub(crate) environment: Option<&'a EnvironmentName>,
}

impl Names<'_> {
    /// The one name of what the client calls `written`.
    pub(crate) fn inward(&self, written: &RepositoryName) -> Result<RepositoryName, OciError> {
        let Some(environment) = self.environment else { return Ok(self.environments.canonical(written)) };
        self.environments.repository(environment, written).ok_or_else(|| {
            let sentence = format!(
                "`{written}` is no name at this host, which stands for environment `{environment}`: it is too long, or has an environment's name before it"
            );
            OciError::new(ErrorCode::NameInvalid, sentence)
        })
    }

    /// What the client calls `repository`.
    pub(crate) fn outward<'r>(&self, repository: &'r RepositoryName) -> &'r str {
        let own = self.environment.and_then(|environment| repository.as_str().strip_prefix(environment.as_str()));
        own.and_then(|rest| rest.strip_prefix('/')).unwrap_or(repository.as_str())
    }

    /// The place in the list of all names that the client calls `last`.
    pub(crate) fn place<'t>(&self, last: &'t str) -> Cow<'t, str> {
        match self.environment {
            Some(environment) if environment != self.environments.development() => {
                format!("{environment}/{last}").into()
            }
            Some(_) | None => last.into(),
        }
    }

    /// A scope with the one name of its repository. What is no repository's name is left as it is: it is not granted.
    pub(crate) fn scope(&self, scope: Scope) -> Scope {
        let name = scope.name.parse().ok().filter(|_| scope.kind == "repository");
        match name.and_then(|written| self.inward(&written).ok()) {
            Some(repository) => Scope { name: repository.to_string(), ..scope },
            None => scope,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn naming() -> Naming {
        let hosts = [("p.example.com", "p"), ("d.example.com", "d"), ("localhost:5001", "t")];
        let hosts = hosts.map(|(host, name)| (host.to_owned(), name.parse().expect("valid")));
        Naming { environments: Environments::default(), hosts: hosts.into() }
    }

    #[test]
    fn a_name_is_read_by_the_host_that_it_came_to() {
        let naming = naming();
        #[rustfmt::skip]
        let table = [
            // host                , written     , called here       , called there
            (None                  , "pay/app"   , Some("pay/app")   , "pay/app"),
            (None                  , "d/pay/app" , Some("pay/app")   , "pay/app"),
            (None                  , "p/pay/app" , Some("p/pay/app") , "p/pay/app"),
            (Some("example.com")   , "d/pay/app" , Some("pay/app")   , "pay/app"),
            (Some("p.example.com") , "pay/app"   , Some("p/pay/app") , "pay/app"),
            (Some("P.Example.com:443"), "pay/app", Some("p/pay/app") , "pay/app"),
            (Some("p.example.com") , "p/pay/app" , None              , ""),
            (Some("p.example.com") , "d/pay/app" , None              , ""),
            (Some("d.example.com") , "pay/app"   , Some("pay/app")   , "pay/app"),
            (Some("localhost:5001"), "pay/app"   , Some("t/pay/app") , "pay/app"),
            (Some("localhost:5000"), "pay/app"   , Some("pay/app")   , "pay/app"),
        ];
        for (host, written, called, shown) in table {
            let names = naming.at(host);
            let repository = names.inward(&written.parse().expect("valid")).ok();
            assert_eq!(repository.as_ref().map(RepositoryName::as_str), called, "{host:?} {written}");
            if let Some(repository) = repository {
                assert_eq!(names.outward(&repository), shown);
            }
        }
        assert_eq!(naming.at(Some("p.example.com")).place("pay/a"), "p/pay/a");
        assert_eq!(naming.at(None).place("pay/a"), "pay/a");
    }

    #[test]
    fn scopes_name_repositories_as_paths_do() {
        let naming = naming();
        let read = |host, text: &str| naming.at(host).scope(text.parse().expect("valid")).to_string();
        assert_eq!(read(None, "repository:d/pay/app:pull"), "repository:pay/app:pull");
        assert_eq!(read(Some("p.example.com"), "repository:pay/app:pull"), "repository:p/pay/app:pull");
        assert_eq!(read(Some("p.example.com"), "registry:catalog:*"), "registry:catalog:*");
        assert_eq!(read(Some("p.example.com"), "repository:Pay:pull"), "repository:Pay:pull");
    }
}
