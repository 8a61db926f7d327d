//! What lineage answers with.

use std::collections::BTreeMap;

use wharf_context::action::SeeGovernance;
use wharf_context::{ProjectId, Timestamp, Visibility, Warrant};
use wharf_oci::{Digest, EnvironmentName, RepositoryName};

use super::facts::Claim;
use super::rule::By;
use super::store::walk::ImageRow;

/// What a reference stands on, and what stands on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lineage {
    /// What the reference names.
    pub digest: Digest,
    /// The image, or those of the index; none until their layers have been looked at, or if it is no image.
    pub images: Vec<ImageLineage>,
}

/// What one image stands on, and what stands on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageLineage {
    /// The image.
    pub image: Image,
    /// How many images lie on each other, this one among them.
    pub depth: u32,
    /// What it stands on, the nearest first.
    pub bases: Vec<Base>,
    /// A base that its annotations name and that is not here.
    pub named_base: Option<NamedBase>,
    /// Other images with the very same layers.
    pub twins: Vec<Digest>,
    /// For each environment of the policy that it may not come into: why not.
    pub refused: BTreeMap<EnvironmentName, Vec<String>>,
    /// How many images stand on it, by environment; the empty name is development.
    pub standing: BTreeMap<String, i64>,
    /// Whether there are more.
    pub standing_is_cut: bool,
}

/// An image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Its digest.
    pub digest: Digest,
    /// `os/architecture[/variant]`.
    pub platform: String,
    /// How many layers it has.
    pub layers: i64,
    /// How large it is, compressed.
    pub size_bytes: i64,
    /// Whether its config's DiffIDs are those of its layers.
    pub claim: Claim,
    /// What is wrong with it: a layer that is missing or cannot be unpacked, a config that is none.
    pub problem: Option<String>,
    /// When it was made, as its author says.
    pub made_at: Option<Timestamp>,
    /// The user that its processes run as; empty for root.
    pub run_as: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
}

/// Something that an image stands on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    /// The base.
    pub image: Image,
    /// Over how many images: 1 is the one that it stands on directly.
    pub distance: u32,
    /// How that is known.
    pub by: By,
    /// Where it is.
    pub places: Places,
    /// What took its place since.
    pub newer: Vec<Newer>,
}

/// A base that an image's annotations name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedBase {
    /// By which name.
    pub name: Option<String>,
    /// By which digest.
    pub digest: Option<Digest>,
}

/// Where an image is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places {
    /// What the caller may see.
    pub seen: Vec<Place>,
    /// In how many more repositories it is.
    pub hidden: usize,
}

/// One repository that has an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Its name.
    pub repository: RepositoryName,
    /// Which environment it is the view of; empty for development.
    pub environment: String,
    /// The tags that point or pointed to it, or to an index that lists it.
    pub tags: Vec<String>,
    /// The kind of base that the policy says it is.
    pub kind: Option<String>,
}

/// What took the place of a base that is outdated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Newer {
    /// The base's repository; `None` where the caller may not see it.
    pub place: Option<NewerPlace>,
}

/// A newer manifest of a base's repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewerPlace {
    /// The repository.
    pub repository: RepositoryName,
    /// The newest tag of the line.
    pub tag: String,
    /// What it points to.
    pub digest: Digest,
}

/// Something that stands on an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stander {
    /// Its number, which pages go by.
    pub position: i64,
    /// The image.
    pub image: Image,
    /// Over how many images at least.
    pub distance: u32,
    /// Where it is.
    pub places: Places,
}

/// Which part of what stands on an image is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StandingQuery {
    /// Only what is in this environment; the empty name is development.
    pub environment: Option<String>,
    /// After this position.
    pub after: i64,
    /// How many at most.
    pub limit: usize,
}

/// A page of what stands on an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StandingPage {
    /// In the order of their arrival.
    pub entries: Vec<Stander>,
    /// Whether more follow.
    pub has_more: bool,
}

/// The newest image of a repository, which stands on something that is outdated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outdated {
    /// Where.
    pub repository: RepositoryName,
    /// The newest tag.
    pub tag: String,
    /// The image.
    pub image: Image,
    /// Its bases that are outdated, the nearest first.
    pub bases: Vec<Base>,
}

/// A page of what must be rebuilt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutdatedPage {
    /// In the order of their repositories.
    pub entries: Vec<Outdated>,
    /// What the next page begins after; `None` at the end. A page may have no entries and a next one.
    pub next: Option<RepositoryName>,
}

/// Who asks, as far as it changes the answer.
#[derive(Debug, Clone)]
pub struct Viewer<'a> {
    /// The project that is asked about, whose policy says which kinds there are.
    pub warrant: &'a Warrant<SeeGovernance>,
    /// The projects whose repositories may be named.
    pub visibility: &'a Visibility,
}

impl Viewer<'_> {
    /// Whether what lies in a project may be named.
    pub(crate) fn may_see(&self, project: ProjectId) -> bool {
        project == self.warrant.project()
            || match self.visibility {
                Visibility::All => true,
                Visibility::Projects(projects) => projects.contains(&project),
            }
    }
}

impl From<ImageRow> for Image {
    fn from(row: ImageRow) -> Self {
        Self {
            digest: row.digest,
            platform: row.platform,
            layers: row.layers,
            size_bytes: row.size_bytes,
            claim: row.claim,
            problem: row.problem,
            made_at: row.made_at,
            run_as: row.run_as,
            labels: serde_json::from_str(&row.labels).unwrap_or_default(),
        }
    }
}
