//! Webhooks in: what a Git server or a build system tells, kept as commits and joined to the images that come of them.
//!
//! A hook has a kind, which says how its sender proves itself ([`wharf_trust::sender`]) and what its bodies look like ([`wharf_trust::git`]), and a
//! secret that Wharf makes. Nobody logs in to it: the signature is the log-in. A body that was taken is remembered by its
//! digest, so that sending it again does nothing.

pub(crate) mod store;

use std::time::Duration;

use serde_json::json;
use wharf_context::{Context, EditWebhook, Event, SeeGovernance, Timestamp, Warrant};
use wharf_db::AuditEntry;
use wharf_oci::ProjectName;
use wharf_trust::{git, sender};

use crate::error::Error;
use crate::governance::Governance;
use crate::search;
use crate::webhook::{SigningSecret, WebhookName};
pub use wharf_trust::{Commit, Proof, Sender};

/// The most hooks of one project.
const MOST_HOOKS: i64 = 50;
/// How long a body that was taken is remembered.
const REMEMBER_FOR: Duration = Duration::from_secs(90 * 86_400);

/// A hook as its editors see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    /// Unique in its project.
    pub name: WebhookName,
    /// Who sends to it.
    pub sender: Sender,
    /// Who made it.
    pub created_by: String,
    /// Since when there is this hook.
    pub created_at: Timestamp,
    /// When it last took something.
    pub taken_at: Option<Timestamp>,
}

/// A commit as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptCommit {
    /// Later ones have larger numbers.
    pub id: i64,
    /// What the sender told.
    pub commit: Commit,
    /// When it was told.
    pub received_at: Timestamp,
    /// The hook that took it.
    pub hook: String,
    /// Images of the project that say they were made from it: `REPOSITORY@DIGEST`, the newest first.
    pub images: Vec<String>,
}

/// What became of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// How many commits it told of.
    pub commits: usize,
    /// Whether the same body was taken before; then nothing was done.
    pub was_known: bool,
}

type Edit = Warrant<EditWebhook>;

impl Governance {
    /// A project's hooks after the one named `after`, in the order of their names.
    pub async fn list_hooks(&self, warrant: &Edit, after: &str, limit: i64) -> Result<Vec<Hook>, Error> {
        store::list(&self.db, warrant.project(), after, limit).await
    }

    /// One hook.
    pub async fn get_hook(&self, warrant: &Edit, name: &WebhookName) -> Result<Hook, Error> {
        let found = store::find(&self.db, warrant.project(), name).await?;
        found.ok_or_else(|| Error::HookUnknown { name: name.clone() })
    }

    /// Makes a hook, or gives it another secret; the one before ends at once. The secret is given this one time.
    pub async fn put_hook(
        &self,
        ctx: &Context,
        warrant: &Edit,
        (name, sender): (&WebhookName, Sender),
    ) -> Result<(Hook, SigningSecret), Error> {
        let ports = self.webhook_ports()?;
        let secret = SigningSecret::generate().ok_or(Error::Random)?;
        let sealed = ports.seal_hook(warrant.project(), name, secret.bytes()).await?;
        let hook = self
            .db
            .transaction(async |tx| {
                let before = store::get(tx, warrant.project(), name).await?;
                if before.is_none() && store::count(tx, warrant.project()).await? >= MOST_HOOKS {
                    return Err(Error::WebhookInvalid { reason: format!("a project has at most {MOST_HOOKS} hooks") });
                }
                store::put(tx, ctx, warrant, (name, sender), &sealed).await?;
                let details = json!({ "sender": sender.name(), "is_new": before.is_none() });
                let entry = AuditEntry::new(ctx, "hook.put", format!("{}/{name}", warrant.name()));
                tx.audit(&entry.with_details(details)).await?;
                store::get(tx, warrant.project(), name).await?.ok_or_else(|| Error::HookUnknown { name: name.clone() })
            })
            .await?;
        Ok((hook, secret))
    }

    /// Deletes a hook. The commits that it took stay.
    pub async fn delete_hook(&self, ctx: &Context, warrant: &Edit, name: &WebhookName) -> Result<(), Error> {
        self.db
            .transaction(async |tx| {
                if !store::delete(tx, warrant.project(), name).await? {
                    return Err(Error::HookUnknown { name: name.clone() });
                }
                let entry = AuditEntry::new(ctx, "hook.delete", format!("{}/{name}", warrant.name()));
                Ok(tx.audit(&entry).await?)
            })
            .await
    }

    /// Takes a body from whoever holds the hook's secret. A hook that is not there and a proof that is wrong are
    /// [`Error::HookRefused`] alike.
    pub async fn take(
        &self,
        ctx: &Context,
        (project, name): (&ProjectName, &WebhookName),
        proof: &Proof<'_>,
        body: &[u8],
    ) -> Result<Taken, Error> {
        let ports = self.webhook_ports()?;
        let refused = || Error::HookRefused { name: name.clone() };
        let door = store::door(&self.db, project.as_str(), name).await?.ok_or_else(refused)?;
        let secret = ports.unseal_hook(door.project, name, &door.secret).await?;
        let secret = SigningSecret::from_bytes(secret);
        if !sender::is_proven(door.sender, &secret, (proof, body), self.db.clock().now()) {
            return Err(refused());
        }
        let commits = git::parse(door.sender, proof.event, body)
            .map_err(|reason| Error::HookBody { name: name.clone(), reason })?;
        let digest = sender::fingerprint(door.sender, proof, body);
        self.db
            .transaction(async |tx| {
                if ports.projects.find(tx, project).await? != Some(door.project) {
                    return Err(refused());
                }
                if !store::remember(tx, door.hook, &digest).await? {
                    return Ok(Taken { commits: commits.len(), was_known: true });
                }
                store::forget_receipts(tx, tx.now().minus(REMEMBER_FOR)).await?;
                store::touch(tx, door.hook).await?;
                for commit in &commits {
                    if store::keep(tx, door.project, name, commit).await? {
                        tx.announce(told(project, commit)).await?;
                    }
                }
                let details = json!({ "commits": commits.len(), "sender": door.sender.name() });
                let entry = AuditEntry::new(ctx, "hook.take", format!("{project}/{name}"));
                tx.audit(&entry.with_details(details)).await?;
                Ok(Taken { commits: commits.len(), was_known: false })
            })
            .await
    }

    /// The commits that a project was told of, newest first, before the one numbered `before`; of one revision or a
    /// beginning of it where `revision` says so.
    pub async fn list_commits(
        &self,
        warrant: &Warrant<SeeGovernance>,
        revision: Option<&str>,
        (before, limit): (Option<i64>, i64),
    ) -> Result<Vec<KeptCommit>, Error> {
        let part = (before.unwrap_or(i64::MAX), limit);
        let mut commits = store::commits(&self.db, warrant.project(), revision, part).await?;
        let terms: Vec<String> = commits.iter().flat_map(|kept| terms(&kept.commit)).collect();
        let terms = serde_json::Value::from(terms).to_string();
        let images = search::store::images_with(&self.db, warrant.project(), &terms).await?;
        for kept in &mut commits {
            let wanted = self::terms(&kept.commit);
            let of_it = images.iter().filter(|(term, ..)| wanted.contains(term));
            kept.images = of_it.map(|(_, repository, digest)| format!("{repository}@{digest}")).collect();
            kept.images.dedup();
        }
        Ok(commits)
    }
}

/// What an image that was made from a commit is found by: the commit itself or, for a tag, the version of that name.
fn terms(commit: &Commit) -> Vec<String> {
    let tag = commit.git_ref.strip_prefix("refs/tags/");
    let release = tag.map(|tag| search::term::of(search::index::RELEASE, &search::index::release(&commit.source, tag)));
    std::iter::once(search::term::of("commit", &commit.revision)).chain(release).collect()
}

fn told(project: &ProjectName, commit: &Commit) -> Event {
    Event::CommitReceived {
        project: project.to_string(),
        source: commit.source.clone(),
        revision: commit.revision.clone(),
        git_ref: commit.git_ref.clone(),
    }
}
