//! Seed: a large graph to measure on, the same for the same seed. Not part of the program (feature `seed`).
//!
//! Images are put in their places by the functions that jobs use; only their bytes and the registry's rows are missing.

use std::time::{Duration, Instant};

use wharf_context::{ProjectId, Visibility, Warrant};
use wharf_oci::{Algorithm, Digest, RepositoryName};

use super::answer::{StandingQuery, Viewer};
use super::facts::{Claim, Facts, Sort};
use super::job::enter;
use super::store;
use super::store::place::{PlaceNote, TagNote};
use crate::error::Error;
use crate::governance::Governance;

/// Repositories of bases of operating systems, and versions of each.
const OSES: (usize, usize) = (10, 12);
/// The same of runtimes.
const RUNTIMES: (usize, usize) = (100, 20);
/// Versions of each application.
const APP_VERSIONS: usize = 50;
/// How many images one transaction makes.
const AT_ONCE: usize = 500;
/// The project of all of it.
const PROJECT: ProjectId = ProjectId(1);

/// One image of the seed.
struct Seeded {
    repository: String,
    version: usize,
    layers: Vec<Digest>,
    /// Environments that it was promoted into, as many of them as this says.
    promoted: usize,
}

/// The layers of an image of the seed, by its number: operating systems, then runtimes, then applications.
fn seeded(seed: u64, number: usize) -> Seeded {
    let oses = OSES.0 * OSES.1;
    let runtimes = RUNTIMES.0 * RUNTIMES.1;
    let own = |count: usize| (0..count).map(move |layer| digest(&format!("{seed}/{number}/{layer}")));
    if number < oses {
        let (repository, version) = (number / OSES.1, number % OSES.1);
        return Seeded { repository: format!("base/os{repository}"), version, layers: own(1).collect(), promoted: 0 };
    }
    if number < oses + runtimes {
        let index = number - oses;
        let below = seeded(seed, random(seed, number) % oses).layers;
        let repository = format!("base/runtime{}", index / RUNTIMES.1);
        return Seeded {
            repository,
            version: index % RUNTIMES.1,
            layers: below.into_iter().chain(own(3)).collect(),
            promoted: 0,
        };
    }
    let index = number - oses - runtimes;
    let below = seeded(seed, oses + random(seed, number) % runtimes).layers;
    let layers = below.into_iter().chain(own(4)).collect();
    Seeded {
        repository: format!("seed/app{}", index / APP_VERSIONS),
        version: index % APP_VERSIONS,
        layers,
        promoted: index % 4,
    }
}

fn digest(text: &str) -> Digest {
    Digest::of(Algorithm::Sha256, text.as_bytes())
}

fn random(seed: u64, number: usize) -> usize {
    let hash = digest(&format!("{seed}:{number}"));
    let bytes: [u8; 8] = hash.hash()[..8].try_into().expect("a hash has 32 bytes");
    usize::try_from(u64::from_le_bytes(bytes) >> 16).expect("48 bits")
}

fn manifest(seed: u64, number: usize) -> Digest {
    digest(&format!("manifest {seed}/{number}"))
}

/// Makes `images` images, unless that was done before.
pub async fn fill(governance: &Governance, seed: u64, images: usize) -> Result<(), Error> {
    if store::image::is_known(&governance.db, &manifest(seed, 0)).await? {
        return Ok(());
    }
    for begin in (0..images).step_by(AT_ONCE) {
        governance
            .db
            .transaction(async |tx| {
                for number in begin..images.min(begin + AT_ONCE) {
                    let one = seeded(seed, number);
                    let image = enter(tx, &manifest(seed, number), &facts(&one)).await?;
                    for (repository, place) in places(&one, number) {
                        store::place::put(tx, image, &repository, &place).await?;
                    }
                }
                Ok::<_, Error>(())
            })
            .await?;
    }
    Ok(())
}

fn facts(one: &Seeded) -> Facts {
    Facts {
        sort: Sort::Image,
        layers: i64::try_from(one.layers.len()).unwrap_or(i64::MAX),
        diff_ids: one.layers.clone(),
        size_bytes: 100_000_000,
        claim: Claim::Right,
        problem: None,
        platform: "linux/amd64".to_owned(),
        made_at: None,
        run_as: String::new(),
        labels: std::iter::once(("team".to_owned(), one.repository.clone())).collect(),
        base_digest: None,
        base_name: None,
    }
}

fn places(one: &Seeded, number: usize) -> Vec<(RepositoryName, PlaceNote)> {
    let moment = i64::try_from(number).unwrap_or(i64::MAX);
    let note = |environment: &str| PlaceNote {
        project: PROJECT,
        environment: environment.to_owned(),
        tags: vec![TagNote { tag: format!("v{}", one.version), since: moment, now: true }],
        pushed_at: wharf_context::Timestamp(moment),
    };
    let promoted = ["t", "s1", "p"]
        .iter()
        .take(one.promoted)
        .map(|name| ((*name).to_owned(), format!("{name}/{}", one.repository)));
    let all = std::iter::once((String::new(), one.repository.clone())).chain(promoted);
    all.map(|(environment, name)| (name.parse().expect("a name"), note(&environment))).collect()
}

/// How long one question took, the middle of `times`, and how much the answer holds.
#[derive(Debug)]
pub struct Measured {
    /// What was asked.
    pub question: &'static str,
    /// The middle of all times.
    pub middle: Duration,
    /// The longest.
    pub longest: Duration,
    /// How many entries the last answer has.
    pub entries: usize,
}

/// Asks each question `times` times about images all over the seed.
pub async fn measure(governance: &Governance, seed: u64, images: usize, times: usize) -> Result<Vec<Measured>, Error> {
    let warrant = Warrant::granted(PROJECT, "seed".parse().expect("a name"));
    let viewer = Viewer { warrant: &warrant, visibility: &Visibility::All };
    let apps = OSES.0 * OSES.1 + RUNTIMES.0 * RUNTIMES.1;
    let app = |time: usize| manifest(seed, apps + random(seed ^ 1, time) % images.saturating_sub(apps).max(1));
    let os = |time: usize| manifest(seed, random(seed ^ 2, time) % (OSES.0 * OSES.1));
    let mut measured = Vec::new();
    let mut note = |question, times: Vec<(Duration, usize)>| measured.push(summary(question, times));
    let mut found = Vec::new();
    for time in 0..times {
        let begun = Instant::now();
        let lineage = governance.lineage_of(&viewer, app(time)).await?;
        found.push((begun.elapsed(), lineage.images.iter().map(|image| image.bases.len()).sum()));
    }
    note("what an application stands on, outdated bases among it", std::mem::take(&mut found));
    for time in 0..times {
        let begun = Instant::now();
        let lineage = governance.lineage_of(&viewer, os(time)).await?;
        let standing = lineage.images.iter().flat_map(|image| image.standing.values()).sum::<i64>();
        found.push((begun.elapsed(), usize::try_from(standing).unwrap_or(0)));
    }
    note("how much stands on an operating system, by environment", std::mem::take(&mut found));
    for time in 0..times {
        let begun = Instant::now();
        let query = StandingQuery { environment: Some("p".to_owned()), after: 0, limit: 100 };
        let page = governance.standing_on(&viewer, os(time), &query).await?;
        found.push((begun.elapsed(), page.entries.len()));
    }
    note("a page of what stands on it in production", std::mem::take(&mut found));
    for time in 0..times {
        let begun = Instant::now();
        let after: RepositoryName = format!("seed/app{}", random(seed ^ 3, time) % 900).parse().expect("a name");
        let page = governance.list_outdated(&viewer, Some(&after), 100).await?;
        found.push((begun.elapsed(), page.entries.len()));
    }
    note("a page of what must be rebuilt, of 100 repositories", found);
    Ok(measured)
}

fn summary(question: &'static str, mut times: Vec<(Duration, usize)>) -> Measured {
    let entries = times.last().map_or(0, |(_, entries)| *entries);
    times.sort();
    let at = |place: usize| times.get(place).map_or(Duration::ZERO, |(time, _)| *time);
    Measured { question, middle: at(times.len() / 2), longest: at(times.len().saturating_sub(1)), entries }
}
