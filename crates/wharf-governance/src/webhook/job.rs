//! From an event to deliveries: one job for each event that may leave, done once.

use uuid::Uuid;
use wharf_context::{Event, ProjectId};
use wharf_db::{Job, Subscription, Tx};
use wharf_oci::{ProjectName, RepositoryName};

use super::event::{self, About};
use super::pattern::Pattern;
use super::{delivery, rule, store};
use crate::error::Error;
use crate::governance::Governance;

/// The job's kind.
pub const JOB: &str = "webhook.fan_out";

/// How many deliveries of one webhook may wait. What comes on top is counted and not kept: a receiver that is away for
/// good must not fill the catalog.
const MOST_WAITING: i64 = 10_000;

/// Which events become this job.
pub fn subscription() -> Subscription {
    Subscription { job: JOB, events: event::subscribed() }
}

pub(super) fn new_id() -> String {
    Uuid::now_v7().to_string()
}

impl Governance {
    /// Makes a delivery for each webhook that wants the job's event. Ends the job in the same transaction, so that there
    /// is one delivery however often the job runs.
    pub async fn fan_out(&self, job: &Job) -> Result<(), Error> {
        let ports = self.webhook_ports()?;
        let event: Event = job.decode()?;
        let about = About::of(&event)?;
        self.db
            .transaction(async |tx| {
                if let Some(about) = about.clone() {
                    self.deliver_to_all(tx, about, job).await?;
                }
                Ok::<_, Error>(tx.complete(job).await?)
            })
            .await?;
        ports.wake.notify_one();
        Ok(())
    }

    async fn deliver_to_all(&self, tx: &mut Tx<'_>, about: About, job: &Job) -> Result<(), Error> {
        let ports = self.webhook_ports()?;
        let name = match about.project_row {
            Some(row) => ports.projects.name(tx, ProjectId(row)).await?,
            None => self.project_of(&about),
        };
        let Some(name) = name else { return Ok(()) };
        // By the project of this moment: one that was deleted takes its webhooks along, whatever has its name now.
        let Some(project) = ports.projects.find(tx, &name).await? else { return Ok(()) };
        let mut wanting = Vec::new();
        for (id, events, repositories) in store::wanting(tx, project).await? {
            let patterns: Vec<Pattern> = repositories.iter().filter_map(|text| text.parse().ok()).collect();
            if rule::wants(&events, &patterns, about.name, about.repository.as_deref()) {
                wanting.push(id);
            }
        }
        if wanting.is_empty() {
            return Ok(());
        }
        let outgoing = about.outgoing(new_id(), &ports.source, name.as_str(), job.created_at);
        for webhook in wanting {
            if delivery::store::is_full(tx, webhook, MOST_WAITING).await? {
                store::count_dropped(tx, webhook).await?;
                continue;
            }
            delivery::store::insert(tx, webhook, &outgoing).await?;
            store::wake_lane(tx, webhook).await?;
        }
        Ok(())
    }

    /// The project that an event is of: its own word, or its repository's.
    fn project_of(&self, about: &About) -> Option<ProjectName> {
        if let Some(project) = &about.project {
            return project.parse().ok();
        }
        let repository: RepositoryName = about.repository.as_ref()?.parse().ok()?;
        Some(self.environments.project(&repository))
    }
}
