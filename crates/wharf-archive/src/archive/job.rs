//! The jobs of archives: the way out and the way back. Each may run twice, or again after half of it.

use serde::Deserialize;
use wharf_context::{Caller, Context, Grants, RequestId};
use wharf_db::Job;
use wharf_oci::ProjectName;

use super::{Archive, ArchiveState, Contents, step, store};
use crate::archives::Archives;
use crate::error::Error;

/// Copies an image into the cold place and puts it away.
pub const STORE: &str = "archive.store";
/// Brings one back.
pub const RESTORE: &str = "archive.restore";

/// After how many attempts it is given up: what fails so often needs people, who then ask again.
const ATTEMPTS: u32 = 8;

#[derive(Debug, Deserialize)]
struct Payload {
    archive: i64,
}

/// Wharf itself.
pub(super) fn system() -> Context {
    Context::new(Caller::system(), RequestId::generate(), None, Grants::default())
}

impl Archives {
    /// Handles [`STORE`].
    pub async fn store_archive(&self, job: &Job) -> Result<(), Error> {
        let Some((archive, _)) = self.open_archive(job, ArchiveState::Storing).await? else { return Ok(()) };
        let left = self.leave(&archive).await;
        self.give_up_archive(job, (&archive, ArchiveState::Failed), left).await
    }

    /// Handles [`RESTORE`].
    pub async fn bring_back_archive(&self, job: &Job) -> Result<(), Error> {
        let Some((archive, contents)) = self.open_archive(job, ArchiveState::Restoring).await? else { return Ok(()) };
        let back = self.bring_back(&archive, &contents).await;
        self.give_up_archive(job, (&archive, ArchiveState::Archived), back).await
    }

    /// The archive that a job is about, if it still waits for it.
    async fn open_archive(&self, job: &Job, state: ArchiveState) -> Result<Option<(Archive, Contents)>, Error> {
        let Payload { archive } = job.decode()?;
        Ok(store::find(&self.db, archive).await?.filter(|(archive, _)| archive.state == state))
    }

    /// Ends what failed for the last time, or will fail as often as it is tried.
    async fn give_up_archive(
        &self,
        job: &Job,
        (archive, state): (&Archive, ArchiveState),
        done: Result<(), Error>,
    ) -> Result<(), Error> {
        let Err(error) = done else { return Ok(()) };
        if job.attempts < ATTEMPTS && !is_final(&error) {
            return Err(error);
        }
        let project = self.archive_project(archive);
        let why = chain(&error);
        tracing::warn!(archive = archive.id, why, "an archive is given up");
        self.db
            .transaction(async |tx| {
                let Some(now) = store::get(tx, archive.id).await?.filter(|now| now.state == archive.state) else {
                    return Ok(());
                };
                step(tx, (&system(), &project), &now, (state, &why)).await?;
                tx.complete(job).await?;
                Ok(())
            })
            .await
    }

    /// The project that an archive's repository is of.
    pub(super) fn archive_project(&self, archive: &Archive) -> ProjectName {
        self.environments.project(&archive.repository)
    }
}

/// Whether trying again changes nothing.
fn is_final(error: &Error) -> bool {
    matches!(
        error,
        Error::MustStay { .. }
            | Error::NotInDevelopment { .. }
            | Error::NotWhole { .. }
            | Error::BundleBroken { .. }
            | Error::Registry(wharf_registry::Error::QuotaExceeded { .. })
    )
}

/// An error with its causes.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(|error| error.to_string().replace('\0', "")).collect::<Vec<_>>().join(": ")
}
