//! Remotes: registries beyond this one that a project's environments may be at, with the log-in for each.
//!
//! A policy names one for an environment; what is promoted there is carried over (`promotion/transfer.rs`). The secret is
//! sealed in the catalog and shown to nobody. Which hosts there may be is the operator's to say.

mod store;

use serde_json::json;
use url::Url;
use wharf_context::action::{EditPolicy, SeeGovernance};
use wharf_context::{Context, ProjectId, Timestamp, Warrant};
use wharf_db::AuditEntry;
use wharf_oci::RepositoryName;
use zeroize::Zeroizing;

use crate::error::Error;
use crate::governance::Governance;
use crate::ports::WebhookPorts;
use crate::webhook::WebhookName;

/// The most remotes of one project.
const MOST_REMOTES: usize = 50;
const MAX_TEXT_BYTES: usize = 4096;

/// A registry beyond this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    /// Unique in its project.
    pub name: WebhookName,
    /// `https://HOST[/PREFIX]`; the project's repositories stand below the prefix.
    pub url: String,
    /// The account there; nobody logs in where there is none.
    pub account: Option<String>,
    /// Who changed it last.
    pub changed_by: String,
    /// When.
    pub changed_at: Timestamp,
}

/// What a remote is to be.
#[derive(Clone)]
pub struct RemoteChange {
    /// `https://HOST[/PREFIX]`.
    pub url: String,
    /// Account and secret there.
    pub login: Option<(String, Zeroizing<String>)>,
}

impl std::fmt::Debug for RemoteChange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let account = self.login.as_ref().map(|(account, _)| account);
        f.debug_struct("RemoteChange").field("url", &self.url).field("account", &account).finish_non_exhaustive()
    }
}

/// A remote as it is gone to.
#[derive(Debug)]
pub(crate) struct Destination {
    pub(crate) name: WebhookName,
    pub(crate) url: Url,
    pub(crate) account: Option<String>,
    secret: Option<Vec<u8>>,
}

impl Destination {
    /// Account and secret, opened.
    pub(crate) async fn login(
        &self,
        ports: &WebhookPorts,
        project: ProjectId,
    ) -> Result<Option<(String, Zeroizing<String>)>, Error> {
        let (Some(account), Some(sealed)) = (&self.account, &self.secret) else { return Ok(None) };
        let bytes = ports.unseal_for(&place(project, &self.name), sealed).await?;
        let secret =
            String::from_utf8(bytes.to_vec()).map_err(|_| Error::MalformedRow { what: "a remote's secret" })?;
        Ok(Some((account.clone(), Zeroizing::new(secret))))
    }
}

impl Governance {
    /// A project's remotes, in the order of their names.
    pub async fn list_remotes(&self, warrant: &Warrant<SeeGovernance>) -> Result<Vec<Remote>, Error> {
        store::list(&self.db, warrant.project()).await
    }

    /// Makes a remote, or makes it another one.
    pub async fn put_remote(
        &self,
        ctx: &Context,
        warrant: &Warrant<EditPolicy>,
        name: &WebhookName,
        change: &RemoteChange,
    ) -> Result<Remote, Error> {
        let ports = self.webhook_ports()?;
        let url = check(change)?;
        self.transfers()?.check(&url).map_err(|error| invalid(error.to_string()))?;
        let sealed = match &change.login {
            Some((_, secret)) => Some(ports.seal_for(&place(warrant.project(), name), secret.as_bytes()).await?),
            None => None,
        };
        self.db
            .transaction(async |tx| {
                let all = store::list(&mut *tx, warrant.project()).await?;
                let before = all.iter().find(|remote| remote.name == *name);
                if before.is_none() && all.len() >= MOST_REMOTES {
                    return Err(invalid(format!("a project has at most {MOST_REMOTES}")));
                }
                let account = change.login.as_ref().map(|(account, _)| account.clone());
                let (changed_by, changed_at) = (ctx.caller.name.clone(), tx.now());
                let remote = Remote { name: name.clone(), url: url.to_string(), account, changed_by, changed_at };
                store::put(tx, warrant.project(), (&remote, sealed.as_deref())).await?;
                let details =
                    json!({ "before": before.map(|remote| &remote.url), "url": remote.url, "account": remote.account });
                let entry = AuditEntry::new(ctx, "remote.put", format!("{}/{name}", warrant.name()));
                tx.audit(&entry.with_details(details)).await?;
                Ok(remote)
            })
            .await
    }

    /// Deletes a remote. Promotions that are on their way there fail.
    pub async fn delete_remote(
        &self,
        ctx: &Context,
        warrant: &Warrant<EditPolicy>,
        name: &WebhookName,
    ) -> Result<(), Error> {
        self.db
            .transaction(async |tx| {
                if !store::delete(tx, warrant.project(), name).await? {
                    return Err(Error::RemoteUnknown { name: name.clone() });
                }
                let entry = AuditEntry::new(ctx, "remote.delete", format!("{}/{name}", warrant.name()));
                Ok(tx.audit(&entry).await?)
            })
            .await
    }

    /// A remote as it is gone to.
    pub(crate) async fn destination(&self, project: ProjectId, name: &WebhookName) -> Result<Destination, Error> {
        let found = store::destination(&self.db, project, name).await?;
        found.ok_or_else(|| Error::RemoteUnknown { name: name.clone() })
    }
}

fn invalid(reason: String) -> Error {
    Error::RemoteInvalid { reason }
}

fn check(change: &RemoteChange) -> Result<Url, Error> {
    let wrong = || invalid("a remote's address looks like `https://registry.example.com/prefix`".to_owned());
    let url: Url = change.url.parse().map_err(|_| wrong())?;
    let has_more = url.query().is_some() || url.fragment().is_some() || !url.username().is_empty();
    let prefix = url.path().trim_matches('/');
    let is_prefix = prefix.is_empty() || prefix.parse::<RepositoryName>().is_ok();
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() || has_more || !is_prefix {
        return Err(wrong());
    }
    if let Some((account, secret)) = &change.login {
        let is_fit =
            |text: &str| !text.is_empty() && text.len() <= MAX_TEXT_BYTES && !text.chars().any(char::is_control);
        if !is_fit(account) || !is_fit(secret) || account.contains(':') {
            return Err(invalid("a log-in is an account without `:`, and a secret".to_owned()));
        }
    }
    Ok(url)
}

/// What a secret is sealed for.
fn place(project: ProjectId, name: &WebhookName) -> String {
    format!("remote {}/{name}", project.0)
}
