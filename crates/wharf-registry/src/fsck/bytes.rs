//! A blob's bytes: looking at them, and getting right ones from elsewhere.

use futures_util::StreamExt;
use wharf_blob::{Body, BodyError, Failure, UploadKey, UploadState};
use wharf_oci::descriptor::Descriptor;
use wharf_oci::ports::{Source, Verifier};

use super::FsckOptions;
use super::keeper::Keeper;
use super::phases::NewFinding;
use super::rule::{self, Problem, Resolution, Seen, Standing, Verdict};
use super::store::{self, BlobRow};
use crate::blob;
use crate::error::Error;
use crate::registry::Registry;

/// How many of a blob's repositories are asked about elsewhere.
const REPOSITORIES: i64 = 3;

impl Registry {
    /// Looks at one blob and does what follows from it.
    pub(super) async fn check_blob(
        &self,
        keeper: &mut Keeper,
        options: FsckOptions,
        row: &BlobRow,
    ) -> Result<Option<NewFinding>, Error> {
        let seen = self.look(keeper, options, row).await?;
        match rule::judge(row.standing, seen) {
            Verdict::Fine => Ok(None),
            Verdict::Withdraw(standing, problem) => self.withdraw_blob(keeper, row, standing, problem).await,
            Verdict::Restore => self.restore(keeper, row).await,
            Verdict::StillWrong(problem) => self.report(keeper, row, problem).await,
        }
    }

    async fn look(&self, keeper: &mut Keeper, options: FsckOptions, row: &BlobRow) -> Result<Seen, Error> {
        let failed = |source| Error::Store { operation: format!("look at blob `{}`", row.digest), source };
        match self.store.size(&row.key).await.map_err(failed)? {
            None => return Ok(Seen::Missing),
            Some(size_bytes) if size_bytes != row.size_bytes => return Ok(Seen::OtherSize(size_bytes)),
            Some(_) if !options.reads_bytes => return Ok(Seen::Unread),
            Some(_) => {}
        }
        let mut reader = match self.store.open(&row.key, None).await {
            Err(error) if error.failure() == Failure::NotFound => return Ok(Seen::Missing),
            reader => reader.map_err(failed)?,
        };
        let mut verifier = Verifier::new(&descriptor(row));
        while let Some(piece) = reader.next().await {
            let piece = match piece {
                // What a disk or a seal cannot give back right is as wrong as other bytes.
                Err(error) if error.failure() == Failure::Internal => return Ok(Seen::OtherDigest),
                piece => piece.map_err(failed)?,
            };
            if verifier.update(verifier.position(), &piece).is_err() {
                return Ok(Seen::OtherDigest);
            }
            keeper.pace(piece.len()).await?;
        }
        Ok(if verifier.finish().is_ok() { Seen::Whole } else { Seen::OtherDigest })
    }

    async fn withdraw_blob(
        &self,
        keeper: &mut Keeper,
        row: &BlobRow,
        standing: Standing,
        problem: Problem,
    ) -> Result<Option<NewFinding>, Error> {
        let lease = keeper.lease();
        let is_withdrawn = self
            .db
            .transaction(async |tx| {
                tx.check_lease(lease).await?;
                store::withdraw(tx, &row.key, standing).await
            })
            .await?;
        if !is_withdrawn {
            // It was pushed again or collected while we looked.
            return Ok(None);
        }
        tracing::error!(digest = %row.digest, storage_key = %row.key, problem = problem.name(), "a blob is damaged and not served any more");
        self.report(keeper, row, problem).await
    }

    async fn restore(&self, keeper: &Keeper, row: &BlobRow) -> Result<Option<NewFinding>, Error> {
        let lease = keeper.lease();
        let is_restored = self
            .db
            .transaction(async |tx| {
                tx.check_lease(lease).await?;
                store::restore(tx, &row.key).await
            })
            .await?;
        let details = "its bytes are there again, as they should be: it is served again";
        let finding = finding(row, Problem::BlobMissing, None, details.to_owned());
        Ok(is_restored.then_some(NewFinding { resolution: Resolution::Repaired, ..finding }))
    }

    /// Tells of a blob that is wrong, after trying to get it from elsewhere. One that nobody links is collection's.
    async fn report(&self, keeper: &mut Keeper, row: &BlobRow, problem: Problem) -> Result<Option<NewFinding>, Error> {
        let repositories = store::repositories_of(&self.db, &row.digest, REPOSITORIES).await?;
        let Some(first) = repositories.first() else { return Ok(None) };
        if let Some(source) = keeper.during(self.replace(row, &repositories)).await?? {
            let details = format!("its bytes were fetched from {source}");
            let finding = finding(row, problem, Some(first), details);
            return Ok(Some(NewFinding { resolution: Resolution::Repaired, ..finding }));
        }
        let resolution = if problem == Problem::BlobMissing { Resolution::Open } else { Resolution::Quarantined };
        let details = format!("{}; push it again, or name a registry that has it in `fsck.sources`", problem.what());
        Ok(Some(NewFinding { resolution, ..finding(row, problem, Some(first), details) }))
    }

    /// Gets right bytes from another registry; returns which one had them.
    async fn replace(&self, row: &BlobRow, repositories: &[String]) -> Result<Option<String>, Error> {
        let Some(replicas) = &self.replicas else { return Ok(None) };
        let names = repositories.iter().filter_map(|name| name.parse().ok());
        for source in names.flat_map(|name| replicas.sources(&name)) {
            match self.fetch(row, &*source).await {
                Ok(true) => return Ok(Some(source.describe())),
                Ok(false) => {}
                Err(error @ Error::Catalog(_)) => return Err(error),
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(digest = %row.digest, source = source.describe(), error, "cannot repair a blob from there");
                }
            }
        }
        Ok(None)
    }

    /// Takes a blob's bytes from `source` and puts them in the place of the wrong ones.
    async fn fetch(&self, row: &BlobRow, source: &dyn Source) -> Result<bool, Error> {
        let stream = match source.blob(&descriptor(row), 0).await {
            Ok(stream) => stream,
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::info!(digest = %row.digest, source = source.describe(), error, "a blob is not to be had there");
                return Ok(false);
            }
        };
        let body: Body = Box::pin(stream.map(|piece| piece.map_err(BodyError::broken)));
        let failed = |source| Error::Store { operation: format!("repair blob `{}`", row.digest), source };
        let upload = self.store.create().await.map_err(failed)?;
        let put = self.put_replacement(row, upload, body).await;
        if !matches!(put, Ok(true)) {
            self.store.abort(&upload).await.map_err(failed)?;
        }
        put
    }

    async fn put_replacement(&self, row: &BlobRow, upload: UploadKey, body: Body) -> Result<bool, Error> {
        let failed = |source| Error::Store { operation: format!("repair blob `{}`", row.digest), source };
        let appended = self.store.append(&upload, UploadState::new(row.digest.algorithm()), body).await;
        appended.end.map_err(failed)?;
        if appended.state.digest() != row.digest || appended.state.offset != row.size_bytes {
            return Ok(false);
        }
        let key = self.store.finish(&upload, &appended.state).await.map_err(failed)?;
        let (grace, presigned_for) = (self.settings.grace, self.settings.presigned_for);
        // The wrong bytes are for collection from now on: right ones stand in their place.
        let is_put = self
            .db
            .transaction(async |tx| {
                blob::store::postpone_review(tx, &[row.digest], grace).await?;
                if !store::is_withdrawn(tx, &row.key).await? {
                    return Ok(false);
                }
                blob::store::put(tx, &row.digest, (&key, row.size_bytes), presigned_for).await?;
                Ok::<_, Error>(true)
            })
            .await?;
        if !is_put {
            self.store.delete(&[key]).await.map_err(failed)?;
        }
        Ok(is_put)
    }
}

fn descriptor(row: &BlobRow) -> Descriptor {
    Descriptor::new("application/octet-stream", row.digest, row.size_bytes)
}

fn finding(row: &BlobRow, problem: Problem, repository: Option<&String>, details: String) -> NewFinding {
    let repository = repository.cloned();
    NewFinding { problem, subject: row.digest.to_string(), repository, details, resolution: Resolution::Open }
}
