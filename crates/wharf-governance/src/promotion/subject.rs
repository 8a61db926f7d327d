//! What is promoted: from what somebody asked for to repositories, digests and tags, as they stand where the way begins.

use wharf_context::ProjectId;
use wharf_db::Tx;
use wharf_oci::{Algorithm, Digest, EnvironmentName, Reference, RepositoryName, Tag};
use wharf_registry::Registry;

use super::{Asked, Item, NewRollback, TagChoice};
use crate::environment::store as placements;
use crate::environment::{Placement, Way};
use crate::error::Error;
use crate::governance::Governance;
use crate::release;

/// What is promoted, and the release that it is, where it is one.
#[derive(Debug)]
pub(super) struct Subject {
    pub(super) items: Vec<Item>,
    pub(super) release: Option<(i64, String)>,
}

impl Subject {
    /// What a promotion of it is known by: two that are open at once never have the same.
    pub(super) fn key(&self) -> Digest {
        let lines: Vec<String> =
            self.items.iter().map(|item| format!("{}@{}\n", item.repository, item.digest)).collect();
        Digest::of(Algorithm::Sha256, lines.concat().as_bytes())
    }

    /// What whoever approves has to echo.
    pub(super) fn digest(&self) -> Digest {
        match &self.items[..] {
            [item] if self.release.is_none() => item.digest,
            _ => self.key(),
        }
    }
}

impl Governance {
    /// The repository that shows what stands in an environment.
    pub(crate) fn view(
        &self,
        environment: &EnvironmentName,
        repository: &RepositoryName,
    ) -> Result<RepositoryName, Error> {
        self.environments
            .repository(environment, repository)
            .ok_or_else(|| Error::NoView { environment: environment.clone(), repository: repository.clone() })
    }

    /// What is asked for, as it stands where the way begins.
    pub(super) async fn resolve(
        &self,
        tx: &mut Tx<'_>,
        project: ProjectId,
        (asked, way): (&Asked, &Way),
    ) -> Result<Subject, Error> {
        match asked {
            Asked::Image { repository, reference, tags } => {
                let item = self.resolve_image(tx, project, (repository, reference, *tags), way).await?;
                Ok(Subject { items: vec![item], release: None })
            }
            Asked::Release { version } => {
                let unknown = || Error::ReleaseUnknown { version: version.clone() };
                let release = release::store::find(&mut *tx, project, version).await?.ok_or_else(unknown)?;
                let items = release.items.into_iter().map(|item| Item {
                    repository: item.repository,
                    digest: item.digest,
                    reference: None,
                    tags: item.tags,
                    before: None,
                });
                Ok(Subject { items: items.collect(), release: Some((release.row, release.version)) })
            }
        }
    }

    async fn resolve_image(
        &self,
        tx: &mut Tx<'_>,
        project: ProjectId,
        (repository, reference, choice): (&RepositoryName, &Reference, TagChoice),
        way: &Way,
    ) -> Result<Item, Error> {
        let repository = &self.environments.canonical(repository);
        let stands_in = self.view(&way.from, repository)?;
        let unknown = || Error::NotThere {
            repository: repository.clone(),
            reference: reference.to_string(),
            environment: way.from.clone(),
        };
        let (digest, named) = match reference {
            Reference::Tag(tag) => {
                let digest = Registry::pointed(tx, project, &stands_in, tag).await?.ok_or_else(unknown)?;
                (digest, Some(tag.clone()))
            }
            Reference::Digest(digest) => (*digest, None),
        };
        let tags = match choice {
            TagChoice::Named => named.iter().cloned().collect(),
            TagChoice::All => Registry::tags_at(tx, project, &stands_in, &digest).await?,
        };
        // Tags of what is attached go along by themselves.
        let tags: Vec<Tag> = tags.into_iter().filter(|tag| tag.attached_to().is_none()).collect();
        Ok(Item { repository: repository.clone(), digest, reference: named, tags, before: None })
    }

    /// What stood in an environment before what stands there now: of one repository, or of all that came with the same
    /// release.
    pub(super) async fn resolve_before(
        &self,
        tx: &mut Tx<'_>,
        project: ProjectId,
        new: &NewRollback,
    ) -> Result<Subject, Error> {
        let nothing = |repository: &RepositoryName| Error::NothingBefore {
            repository: repository.clone(),
            environment: new.environment.clone(),
        };
        let repository = self.environments.canonical(&new.repository);
        let current = placements::current(tx, project, &new.environment, &repository).await?;
        let current = current.ok_or_else(|| nothing(&repository))?;
        let together: Vec<Placement> = match current.release {
            Some(_) => placements::of_promotion(tx, project, current.promotion_row).await?,
            None => vec![current],
        };
        let mut items = Vec::new();
        for placement in together.into_iter().filter(|placement| placement.until.is_none()) {
            let before = placement.before.ok_or_else(|| nothing(&placement.repository))?;
            let before = placements::by_row(tx, before).await?.ok_or_else(|| nothing(&placement.repository))?;
            items.push(Item {
                repository: before.repository,
                digest: before.digest,
                reference: None,
                tags: before.tags,
                before: before.before,
            });
        }
        items.sort_by(|a, b| a.repository.cmp(&b.repository));
        Ok(Subject { items, release: None })
    }
}
