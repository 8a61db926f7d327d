//! A large index to measure on, the same for the same seed. Not part of the program (feature `seed`).

use wharf_context::{ProjectId, Timestamp};
use wharf_db::Db;
use wharf_oci::{Algorithm, Digest};

use super::Found;
use super::store::{self, Entry};
use super::term::Terms;
use crate::error::Error;

/// Images that one transaction makes.
const EACH: usize = 500;
/// 2026-01-01.
const BEGIN: i64 = 1_767_225_600_000_000;
const MINUTE: i64 = 60_000_000;

/// Makes `count` images of two hundred projects: four of five for amd64, each with a team, a base and a commit.
pub async fn fill(db: &Db, count: usize) -> Result<(), Error> {
    for first in (0..count).step_by(EACH) {
        let entries: Vec<Entry> = (first..count.min(first + EACH)).map(entry).collect();
        db.transaction(async |tx| {
            for entry in &entries {
                store::put(tx, entry).await?;
            }
            Ok::<_, Error>(())
        })
        .await?;
    }
    Ok(())
}

fn entry(number: usize) -> Entry {
    let project = number % 200;
    let repository = format!("team{project}/service{}", number / 200 % 20);
    let (tag, arch) = (format!("2026.{}", number / 4000), if number.is_multiple_of(5) { "arm64" } else { "amd64" });
    let digest = Digest::of(Algorithm::Sha256, number.to_string().as_bytes());
    let revision = digest.to_string()[7..47].to_owned();
    let id = ProjectId(i64::try_from(project).unwrap_or_default() + 1);
    let mut terms = Terms::default();
    for (field, value) in [
        ("project-id", id.0.to_string()),
        ("project", format!("team{project}")),
        ("repository", repository.clone()),
        ("digest", digest.to_string()),
        ("tag", tag.clone()),
        ("reference", format!("{repository}:{tag}")),
        ("os", "linux".to_owned()),
        ("arch", arch.to_owned()),
        ("media", "application/vnd.oci.image.manifest.v1+json".to_owned()),
        ("commit", revision.clone()),
    ] {
        terms.add(field, &value);
    }
    terms.add_words(&repository);
    terms.add_words(&tag);
    terms.add_pair("label", "team", &format!("t{}", number % 37));
    terms.add_pair("label", "tier", if number.is_multiple_of(1000) { "rare" } else { "usual" });
    let found = Found {
        repository,
        digest,
        tags: vec![tag],
        media_type: "application/vnd.oci.image.manifest.v1+json".to_owned(),
        artifact_type: None,
        platform: format!("linux/{arch}"),
        size_bytes: i64::try_from(number % 977).unwrap_or_default() * 1_000_000,
        revision: Some(revision),
        pushed_at: Timestamp(BEGIN + i64::try_from(number).unwrap_or_default() * MINUTE),
        pushed_by: "seed".to_owned(),
        is_archived: false,
    };
    Entry { project: id, found, terms: terms.to_json() }
}
