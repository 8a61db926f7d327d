//! What one part asks of another, answered.

use wharf_context::ProjectId;
use wharf_db::Tx;
use wharf_governance::{Person, Standing};
use wharf_identity::{BoxFuture, Identity, ProjectUse, Role};
use wharf_oci::{Environments, RepositoryName};
use wharf_registry::{Projects, Registry};

/// Identity asks before it deletes a project: the registry knows whether it has repositories.
#[derive(Debug)]
pub(super) struct Repositories;

impl ProjectUse for Repositories {
    fn is_used<'a>(&'a self, tx: &'a mut Tx<'_>, project: ProjectId) -> BoxFuture<'a, Result<bool, wharf_db::Error>> {
        Box::pin(Registry::is_project_used(tx, project))
    }
}

/// The projects, as the registry asks for them.
#[derive(Debug)]
pub(super) struct Owners(pub(super) Environments);

impl Projects for Owners {
    fn is_current<'a>(
        &'a self,
        tx: &'a mut Tx<'_>,
        project: ProjectId,
        repository: &'a RepositoryName,
    ) -> BoxFuture<'a, Result<bool, wharf_db::Error>> {
        let name = self.0.project(repository);
        Box::pin(async move { Identity::confirm_project(tx, project, &name).await })
    }
}

/// Who people are, as governance asks. An account that nobody has linked to a person stands for itself.
#[derive(Debug)]
pub(super) struct Accounts;

impl wharf_governance::People for Accounts {
    fn standing<'a>(
        &'a self,
        tx: &'a mut Tx<'_>,
        project: ProjectId,
        account: &'a str,
    ) -> wharf_governance::BoxFuture<'a, Result<Standing, wharf_governance::Error>> {
        Box::pin(async move {
            let found = Identity::project_standing(tx, project, account).await.map_err(other)?;
            let assigned = found.further_roles.iter().filter_map(|name| Role::from_name(name));
            let highest = found.role.into_iter().chain(assigned).max();
            let built_in = Role::ALL.into_iter().filter(|role| highest.is_some_and(|held| *role <= held));
            let custom = found.further_roles.iter().filter(|name| Role::from_name(name).is_none()).cloned();
            let person = found.person.map(|person| Person { key: format!("person:{}", person.0), is_verified: true });
            let nobody = || Person { key: format!("account:{account}"), is_verified: false };
            Ok(Standing {
                person: person.unwrap_or_else(nobody),
                accounts: if found.accounts.is_empty() { vec![account.to_owned()] } else { found.accounts },
                roles: built_in.map(|role| role.name().to_owned()).chain(custom).collect(),
                groups: found.groups,
            })
        })
    }
}

fn other(error: wharf_identity::Error) -> wharf_governance::Error {
    wharf_governance::Error::People(Box::new(error))
}
