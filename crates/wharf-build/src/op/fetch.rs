//! ADD of a Git repository: the files of one commit.

use std::sync::OnceLock;

use serde_json::{Value, json};
use wharf_images::{Clamp, Root, Snapshot};
use wharf_oci::ports::BoxFuture;
use wharf_oci::{Algorithm, Digest};

use super::{Inputs, Op, blocking};
use crate::error::Error;
use crate::git::Repository;
use crate::place::{self, Look};
use crate::select::{self, Ignore, Query};

/// ADD of a Git repository.
#[derive(Debug)]
pub(crate) struct Fetch {
    repository: Repository,
    /// What the commit must begin with.
    expected: Option<String>,
    keeps_git: bool,
    commit: OnceLock<String>,
}

impl Fetch {
    pub(crate) fn new(repository: Repository, expected: Option<String>, keeps_git: bool) -> Self {
        Self { repository, expected, keeps_git, commit: OnceLock::new() }
    }

    async fn commit(&self) -> Result<String, Error> {
        if let Some(commit) = self.commit.get() {
            return Ok(commit.clone());
        }
        let repository = self.repository.clone();
        let commit = blocking(move || repository.commit()).await?;
        if let Some(expected) = self.expected.as_ref().filter(|expected| !commit.starts_with(expected.as_str())) {
            return Err(Error::Invalid(format!("{} is commit {commit} and not {expected}", self.repository)));
        }
        Ok(self.commit.get_or_init(|| commit).clone())
    }
}

impl Op for Fetch {
    fn definition(&self) -> Value {
        json!({ "git": self.repository.to_string(), "keeps_git": self.keeps_git })
    }

    fn content<'a>(&'a self, _: &'a Inputs) -> BoxFuture<'a, Result<Vec<(String, Digest)>, Error>> {
        Box::pin(async move {
            let commit = self.commit().await?;
            Ok(vec![(format!("commit {commit}"), Digest::of(Algorithm::Sha256, commit.as_bytes()))])
        })
    }

    fn execute<'a>(&'a self, input: &'a Inputs) -> BoxFuture<'a, Result<Snapshot, Error>> {
        Box::pin(async move {
            let (commit, repository, keeps_git) = (self.commit().await?, self.repository.clone(), self.keeps_git);
            let (draft, scratch) = (input.images.draft(&input.parent)?, input.images.session().scratch());
            let mtime = input.instant.mtime();
            let draft = blocking(move || {
                let folder = repository.fetch(&commit, &scratch, keeps_git)?;
                let target = draft.root()?;
                let tree =
                    Root::open(&folder).map_err(|source| Error::file("open", folder.display().to_string(), source))?;
                let query = Query { source: "/".to_owned(), exclude: Ignore::default(), keeps_parents: false };
                let groups = select::select(&tree, &query, &Ignore::default())?;
                let look = Look { owner: Some((0, 0)), chmod: None, mtime: Some(mtime) };
                place::put((&tree, &groups), (&target, "/"), &look)?;
                drop(target);
                Ok(draft)
            })
            .await?;
            Ok(input.images.commit(draft, Some(Clamp(mtime))).await?)
        })
    }
}
