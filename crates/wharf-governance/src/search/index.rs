//! Keeping the index: what came, what went, what a tag points to now.
//!
//! A job reads an image's manifest and config, and writes what it is found by in one transaction, which asks the registry
//! what is there at that moment: so it does not matter in which order jobs run, or how often. What was there before the
//! index was, [`Governance::run_search`] goes through once.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use serde::Deserialize;
use wharf_context::Event;
use wharf_db::{Job, Subscription, Tx};
use wharf_oci::descriptor::Descriptor;
use wharf_oci::manifest::{Content, Manifest};
use wharf_oci::{ContentError, ContentErrorKind, Digest, Environments, Reference, RepositoryName, Source as _, json};
use wharf_registry::{Presence, Registry, RepositorySource};
use wharf_trust::git::normal_source;

use super::Found;
use super::store::{self, Entry};
use super::term::Terms;
use crate::error::Error;
use crate::governance::Governance;

/// The field by which an image is joined to the Git tag that it says it is a version of.
pub(crate) const RELEASE: &str = "release";

/// The job's kind.
pub const JOB: &str = "search.index";

/// The largest config that is read.
const MAX_CONFIG_BYTES: u64 = 8 * 1024 * 1024;
/// The longest name of a commit that is kept.
const MAX_REVISION_BYTES: usize = 128;
/// How many tags of an image are kept.
const MOST_TAGS: usize = 100;
/// Manifests that are gone through at a time.
const PAGE: u32 = 200;
/// How long to wait after a failure, and for another node that goes through what is there.
const PAUSE: Duration = Duration::from_secs(30);
const LEASE: &str = "search.fill";
const LEASE_FOR: Duration = Duration::from_secs(120);

const REVISION: &str = "org.opencontainers.image.revision";
const SOURCE: &str = "org.opencontainers.image.source";
const VERSION: &str = "org.opencontainers.image.version";
const BASE_NAME: &str = "org.opencontainers.image.base.name";
const BASE_DIGEST: &str = "org.opencontainers.image.base.digest";

const MALFORMED: Error = Error::MalformedRow { what: "an event" };

/// What the index wants to hear of.
pub fn subscription() -> Subscription {
    Subscription {
        job: JOB,
        events: vec![
            "manifest_pushed",
            "manifest_placed",
            "manifest_deleted",
            "manifests_added",
            "manifests_removed",
            "tag_deleted",
            "archive_changed",
        ],
    }
}

/// What an image says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Said {
    media_type: String,
    artifact_type: Option<String>,
    annotations: BTreeMap<String, String>,
    size_bytes: i64,
    config: Config,
}

/// What its config says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Config {
    os: String,
    architecture: String,
    variant: String,
    user: String,
    labels: BTreeMap<String, String>,
}

impl Governance {
    /// Runs one [`JOB`].
    #[expect(clippy::wildcard_enum_match_arm, reason = "what is found changes by these alone")]
    pub async fn index(&self, job: &Job) -> Result<(), Error> {
        let (repository, digests) = match job.decode::<Event>()? {
            Event::ManifestPushed { repository, digest, .. }
            | Event::ManifestPlaced { repository, digest, .. }
            | Event::ManifestDeleted { repository, digest }
            | Event::TagDeleted { repository, digest, .. }
            | Event::ArchiveChanged { repository, digest, .. } => (repository, vec![digest]),
            Event::ManifestsAdded { repository, digests } | Event::ManifestsRemoved { repository, digests } => {
                (repository, digests)
            }
            _ => return Ok(()),
        };
        let repository = repository.parse().map_err(|_| MALFORMED)?;
        for digest in digests {
            self.index_manifest(&repository, &digest.parse().map_err(|_| MALFORMED)?).await?;
        }
        Ok(())
    }

    /// Brings what the index knows of a manifest in a repository up to date, and of those that lost a tag to it.
    pub async fn index_manifest(&self, repository: &RepositoryName, digest: &Digest) -> Result<(), Error> {
        let mut left = vec![*digest];
        let mut done: Vec<Digest> = Vec::new();
        while let Some(digest) = left.pop() {
            if done.contains(&digest) {
                continue;
            }
            left.extend(self.index_one(repository, &digest).await?);
            done.push(digest);
        }
        Ok(())
    }

    async fn index_one(&self, repository: &RepositoryName, digest: &Digest) -> Result<Vec<Digest>, Error> {
        let said = match self.registry.open_source(repository).await? {
            Some(source) => read(&source, digest).await?,
            None => None,
        };
        self.db
            .transaction(async |tx| {
                let presence = Registry::presence(tx, repository, digest).await?;
                let (Some(said), Some(presence)) = (&said, presence) else {
                    if self.is_away(tx, (repository, digest)).await? {
                        store::mark_archived(tx, repository.as_str(), digest).await?;
                        return Ok(Vec::new());
                    }
                    store::remove(tx, repository.as_str(), digest).await?;
                    return Ok(Vec::new());
                };
                let entry = entry(&self.environments, (repository, digest), said, &presence);
                let pointed = references(repository, &entry.found.tags);
                let others = store::others_with(tx, (repository.as_str(), digest), &pointed).await?;
                store::put(tx, &entry).await?;
                Ok(others)
            })
            .await
    }

    /// Whether what is not in the registry is in an archive.
    async fn is_away(&self, tx: &mut Tx<'_>, (repository, digest): (&RepositoryName, &Digest)) -> Result<bool, Error> {
        match &self.archive {
            Some(archive) => archive.is_away(tx, repository, digest).await,
            None => Ok(false),
        }
    }

    /// Goes through what was there before the index, for as long as it is polled. What comes meanwhile comes by jobs.
    pub async fn run_search(&self) {
        loop {
            match self.fill().await {
                Ok(true) => return,
                Ok(false) => {}
                Err(error) => tracing::warn!(%error, "cannot go through images for the search; trying again"),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Goes through what is there to its end. False while another node does.
    pub async fn fill(&self) -> Result<bool, Error> {
        let Some(mut lease) = self.db.lease(LEASE, LEASE_FOR).await? else { return Ok(false) };
        loop {
            let position = store::progress(&self.db).await?;
            let page = self.registry.list_presences(position, PAGE).await?;
            let Some(last) = page.last().map(|stored| stored.position) else { break };
            for stored in &page {
                self.index_manifest(&stored.repository, &stored.digest).await?;
            }
            lease = self.db.renew(&lease, LEASE_FOR).await?;
            self.db
                .transaction(async |tx| {
                    tx.check_lease(&lease).await?;
                    store::set_progress(tx, last).await
                })
                .await?;
        }
        self.db.release(lease).await?;
        Ok(true)
    }
}

/// Terms that only the image has which a tag points to.
fn references(repository: &RepositoryName, tags: &[String]) -> String {
    let terms: Vec<String> =
        tags.iter().map(|tag| super::term::of("reference", &format!("{repository}:{tag}"))).collect();
    serde_json::Value::from(terms).to_string()
}

fn entry(
    environments: &Environments,
    (repository, digest): (&RepositoryName, &Digest),
    said: &Said,
    presence: &Presence,
) -> Entry {
    let pointing = presence.tags.iter().filter(|tagged| tagged.is_current).take(MOST_TAGS);
    let tags: Vec<String> = pointing.map(|tagged| tagged.tag.to_string()).collect();
    let say = |name: &str| said.config.labels.get(name).or_else(|| said.annotations.get(name)).cloned();
    let is_short = |text: &String| text.len() <= MAX_REVISION_BYTES && !text.contains('\0');
    let revision = say(REVISION).map(|revision| revision.to_ascii_lowercase()).filter(is_short);
    let mut terms = Terms::default();
    terms.add("project-id", &presence.project.0.to_string());
    terms.add("project", environments.project(repository).as_str());
    let environment = environments.environment(repository).unwrap_or_else(|| environments.development());
    terms.add("env", environment.as_str());
    terms.add("repository", repository.as_str());
    terms.add("digest", &digest.to_string());
    terms.add_words(repository.as_str());
    for tag in &tags {
        terms.add("tag", tag);
        terms.add("reference", &format!("{repository}:{tag}"));
        terms.add_words(tag);
    }
    terms.add("media", &said.media_type);
    terms.add("type", said.artifact_type.as_deref().unwrap_or_default());
    terms.add("os", &said.config.os);
    terms.add("arch", &said.config.architecture);
    terms.add("user", &said.config.user);
    terms.add("commit", revision.as_deref().unwrap_or_default());
    let source = say(SOURCE).and_then(|source| normal_source(&source));
    terms.add("source", source.as_deref().unwrap_or_default());
    if let (Some(source), Some(version)) = (&source, say(VERSION)) {
        terms.add(RELEASE, &release(source, &version));
    }
    terms.add("base", &say(BASE_DIGEST).unwrap_or_default());
    base_names(&say(BASE_NAME).unwrap_or_default()).into_iter().for_each(|name| terms.add("base", name));
    said.config.labels.iter().for_each(|(name, value)| terms.add_pair("label", name, value));
    said.annotations.iter().for_each(|(name, value)| terms.add_pair("annotation", name, value));
    let parts = [&said.config.os, &said.config.architecture, &said.config.variant];
    let platform: Vec<&str> = parts.into_iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
    let found = Found {
        repository: repository.to_string(),
        digest: *digest,
        tags,
        media_type: said.media_type.clone(),
        artifact_type: said.artifact_type.clone(),
        platform: platform.join("/"),
        size_bytes: said.size_bytes,
        revision,
        pushed_at: presence.pushed_at,
        pushed_by: presence.pushed_by.clone(),
        is_archived: false,
    };
    Entry { project: presence.project, found, terms: terms.to_json() }
}

/// What an image says of its base, as people name it: with and without its host, its folders and its tag.
fn base_names(name: &str) -> Vec<&str> {
    let name = name.split('@').next().unwrap_or_default();
    let is_host = |first: &str| first.contains(['.', ':']) || first == "localhost";
    let path = name.split_once('/').filter(|(first, _)| is_host(first)).map_or(name, |(_, path)| path);
    let last = path.rsplit('/').next().unwrap_or_default();
    let untagged = |text: &str| text.rsplit_once(':').map_or(text.len(), |(before, _)| before.len());
    vec![name, path, &path[..untagged(path)], last, &last[..untagged(last)]]
}

/// What an image of a version is called that was made from a Git tag of that name.
pub(crate) fn release(source: &str, version: &str) -> String {
    format!("{source}@{version}")
}

/// Reads a manifest and its config; `None` where it is not there any more.
async fn read(source: &RepositorySource, digest: &Digest) -> Result<Option<Said>, Error> {
    let reference = Reference::Digest(*digest);
    let descriptor = match source.resolve(Some(&reference)).await {
        Ok(descriptor) => descriptor,
        Err(error) if error.kind == ContentErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::Content(error)),
    };
    let bytes = source.manifest(&descriptor).await.map_err(Error::Content)?;
    // It was read strictly when it came; a newer rule is not for a job to apply.
    let Ok(manifest) = Manifest::parse(Some(&descriptor.media_type), &bytes) else { return Ok(None) };
    let mut said = Said {
        media_type: manifest.media_type.as_str().to_owned(),
        artifact_type: manifest.artifact_type.clone().filter(|text| !text.contains('\0')),
        annotations: manifest.annotations.clone(),
        ..Said::default()
    };
    if let Content::Image { config, layers } = &manifest.content {
        let size = layers.iter().fold(config.size, |size, layer| size.saturating_add(layer.size));
        said.size_bytes = i64::try_from(size).unwrap_or(i64::MAX);
        said.config = read_config(source, config).await?;
    }
    Ok(Some(said))
}

/// What a config says; nothing where it is none, is not here, or is larger than any.
async fn read_config(source: &RepositorySource, config: &Descriptor) -> Result<Config, Error> {
    let is_of_image = matches!(
        config.media_type.as_str(),
        "application/vnd.oci.image.config.v1+json" | "application/vnd.docker.container.image.v1+json"
    );
    if !is_of_image || config.size > MAX_CONFIG_BYTES {
        return Ok(Config::default());
    }
    match read_blob(source, config).await {
        Ok(bytes) => Ok(Config::parse(&bytes)),
        Err(error) if matches!(error.kind, ContentErrorKind::NotFound | ContentErrorKind::Invalid) => {
            Ok(Config::default())
        }
        Err(error) => Err(Error::Content(error)),
    }
}

async fn read_blob(source: &RepositorySource, descriptor: &Descriptor) -> Result<Vec<u8>, ContentError> {
    let mut stream = source.blob(descriptor, 0).await?;
    let mut bytes = Vec::new();
    while let Some(piece) = stream.try_next().await? {
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Document {
    os: Option<String>,
    architecture: Option<String>,
    variant: Option<String>,
    config: Option<Runtime>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Runtime {
    user: Option<String>,
    labels: Option<BTreeMap<String, Option<String>>>,
}

impl Config {
    fn parse(bytes: &[u8]) -> Self {
        let text = json::check(bytes).ok();
        let document: Option<Document> = text.and_then(|text| serde_json::from_str(text).ok());
        let document = document.unwrap_or_default();
        let runtime = document.config.unwrap_or_default();
        let short = |text: Option<String>| -> String {
            text.unwrap_or_default().chars().filter(|c| *c != '\0').take(128).collect()
        };
        let labels = runtime.labels.unwrap_or_default();
        Self {
            os: short(document.os),
            architecture: short(document.architecture),
            variant: short(document.variant),
            user: short(runtime.user),
            labels: labels.into_iter().map(|(name, value)| (name, value.unwrap_or_default())).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_is_found_by_each_of_its_names() {
        let names = base_names("registry.example.com:5000/base/prod-osbase:1.2@sha256:00");
        let wanted = [
            "registry.example.com:5000/base/prod-osbase:1.2",
            "base/prod-osbase:1.2",
            "base/prod-osbase",
            "prod-osbase:1.2",
            "prod-osbase",
        ];
        assert_eq!(names, wanted);
        assert_eq!(base_names("alpine"), ["alpine"; 5]);
        assert!(base_names("").iter().all(|name| name.is_empty()));
    }

    #[test]
    fn a_config_is_read_as_far_as_it_is_one() {
        let said = Config::parse(
            br#"{"os":"linux","architecture":"arm64","config":{"User":"1000","Labels":{"a":"b","c":null}}}"#,
        );
        assert_eq!((said.os.as_str(), said.user.as_str(), said.labels.len()), ("linux", "1000", 2));
        for broken in [b"".as_slice(), b"{", br#"{"os":1}"#, br#"{"config":null,"os":null}"#] {
            assert_eq!(Config::parse(broken), Config::default());
        }
    }
}
