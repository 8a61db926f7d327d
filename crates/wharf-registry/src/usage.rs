//! Usage: which project, repository and tag holds how many bytes, and how many of them would come back without it.
//!
//! Bytes are those of blobs, each once. `alone` are those that nothing else holds: what a project shares with another,
//! or a tag with its neighbour, stays when one of them goes. Computed from what is there, page by page; what quotas
//! count is in [`crate::quota`].

mod store;

use wharf_context::{Inspect, ProjectId};
use wharf_oci::RepositoryName;

use crate::error::Error;
use crate::page;
use crate::registry::Registry;

/// A page ends when it has looked at so many blobs.
const PAGE_BLOBS: u64 = 200_000;
/// How many entries a page holds when nobody says: each takes some work.
const PAGE_ENTRIES: usize = 100;

/// What something holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    /// The project, the repository or the tag.
    pub name: String,
    /// How many blobs.
    pub blobs: u64,
    /// How many bytes.
    pub size_bytes: u64,
    /// Of these, how many nothing else holds.
    pub alone_bytes: u64,
}

/// One page of usage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsagePage {
    /// In the order of the list.
    pub entries: Vec<Usage>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<String>,
}

impl Registry {
    /// What each project holds.
    pub async fn usage_of_projects(
        &self,
        _: Inspect,
        after: Option<&str>,
        wanted: Option<usize>,
    ) -> Result<UsagePage, Error> {
        let mut last = after.map_or(Ok(i64::MIN), str::parse).map_err(|_| Error::BadPage)?;
        let mut page = Filling::new(wanted);
        while let Some((project, repository)) = store::project_after(&self.db, last).await? {
            if page.is_full() {
                return Ok(page.end(Some(last.to_string())));
            }
            let name = self.settings.environments.project(&repository);
            page.add(name.to_string(), store::of_project(&self.db, project).await?);
            last = project.0;
        }
        Ok(page.end(None))
    }

    /// What each repository of a project holds. `alone` is what no other repository links, of whatever project.
    pub async fn usage_of_repositories(
        &self,
        project: ProjectId,
        after: Option<&str>,
        wanted: Option<usize>,
    ) -> Result<UsagePage, Error> {
        let mut page = Filling::new(wanted);
        let mut last = after.unwrap_or_default().to_owned();
        loop {
            let repositories = store::repositories(&self.db, (project, &last), PAGE_ENTRIES).await?;
            let is_end = repositories.len() < PAGE_ENTRIES;
            for (id, name) in repositories {
                if page.is_full() {
                    return Ok(page.end(Some(last)));
                }
                page.add(name.clone(), store::of_repository(&self.db, id).await?);
                last = name;
            }
            if is_end {
                return Ok(page.end(None));
            }
        }
    }

    /// What each tag of a repository holds. `alone` is what comes back when this tag and its manifest go.
    pub async fn usage_of_tags(
        &self,
        project: ProjectId,
        repository: &RepositoryName,
        (after, wanted): (Option<&str>, Option<usize>),
    ) -> Result<UsagePage, Error> {
        let id = store::repository(&self.db, project, repository).await?;
        let id = id.ok_or_else(|| Error::RepositoryUnknown(repository.clone()))?;
        let mut page = Filling::new(wanted);
        let mut last = after.unwrap_or_default().to_owned();
        loop {
            let tags = store::tags(&self.db, (id, &last), PAGE_ENTRIES).await?;
            let is_end = tags.len() < PAGE_ENTRIES;
            for tag in tags {
                if page.is_full() {
                    return Ok(page.end(Some(last)));
                }
                page.add(tag.clone(), store::of_tag(&self.db, id, &tag).await?);
                last = tag;
            }
            if is_end {
                return Ok(page.end(None));
            }
        }
    }
}

/// A page that is being filled.
struct Filling {
    entries: Vec<Usage>,
    limit: usize,
    looked_at: u64,
}

impl Filling {
    fn new(wanted: Option<usize>) -> Self {
        let limit = page::limit(Some(wanted.unwrap_or(PAGE_ENTRIES))).clamp(1, 1_000);
        Self { entries: Vec::new(), limit, looked_at: 0 }
    }

    fn is_full(&self) -> bool {
        self.entries.len() >= self.limit || self.looked_at >= PAGE_BLOBS
    }

    fn add(&mut self, name: String, held: store::Held) {
        let store::Held { blobs, size_bytes, alone_bytes } = held;
        self.looked_at += blobs;
        self.entries.push(Usage { name, blobs, size_bytes, alone_bytes });
    }

    fn end(self, next: Option<String>) -> UsagePage {
        UsagePage { entries: self.entries, next }
    }
}
