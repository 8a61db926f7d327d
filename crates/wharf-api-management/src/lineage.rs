//! `/api/v1/projects/{project}/lineage`: what images stand on, what stands on them, and what is outdated.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use wharf_governance::lineage::{
    Base, By, Claim, Image, ImageLineage, Lineage, NamedBase, Newer, Outdated, Place, Places, Stander, StandingQuery,
    Viewer,
};
use wharf_identity::Page;

use crate::answer::Listed;
use crate::api::Api;
use crate::asked::{Asked, LineageQuery, PageQuery, StandingAsked};
use crate::at::{self, At};
use crate::authenticate::LoggedIn;
use crate::moment::Moment;
use crate::problem::Problem;

/// How many entries a page has where nothing is said, and at most.
const ENTRIES: (usize, usize) = (100, 1_000);

/// What a reference stands on, and how much stands on it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Lineage)]
pub(crate) struct LineageBody {
    /// What the reference names.
    digest: String,
    /// The image, or those of the index. None until their layers were read, a moment after the push, or if it is no image.
    images: Vec<ImageLineageBody>,
}

/// What one image stands on, and how much stands on it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ImageLineage)]
pub(crate) struct ImageLineageBody {
    image: ImageBody,
    /// How many images lie on each other, this one among them.
    depth: u32,
    /// The nearest first.
    bases: Vec<BaseBody>,
    /// A base that its annotations name and that is not here.
    named_base: Option<NamedBaseBody>,
    /// Other images with the very same layers.
    twins: Vec<String>,
    /// For each environment of the policy that it may not come into: why not.
    refused: BTreeMap<String, Vec<String>>,
    /// How many images stand on it, by environment; the empty name is development.
    standing: BTreeMap<String, i64>,
    /// Whether there are more than were counted.
    standing_is_cut: bool,
}

/// An image.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LineageImage)]
pub(crate) struct ImageBody {
    digest: String,
    /// `os/architecture[/variant]`.
    platform: String,
    layers: i64,
    /// Compressed.
    size_bytes: i64,
    /// Whether the DiffIDs that its config claims are those of its layers: `right`, `wrong` or `unknown`. A wrong claim is never used.
    claim: ClaimWord,
    /// What is wrong with it.
    problem: Option<String>,
    /// As its author says.
    made_at: Option<Moment>,
    /// The user that its processes run as; empty for root.
    run_as: String,
    labels: BTreeMap<String, String>,
}

/// Whether a config says the truth about its layers.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = LineageClaim)]
pub(crate) enum ClaimWord {
    Right,
    Wrong,
    Unknown,
}

/// How it is known that an image stands on another.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = LineageBy)]
pub(crate) enum ByWord {
    /// Its layers begin with all of the other's.
    Layers,
    /// Its annotations say so.
    Annotation,
    /// Both.
    Both,
}

/// Something that an image stands on.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LineageBase)]
pub(crate) struct BaseBody {
    image: ImageBody,
    /// 1 is what it stands on directly.
    distance: u32,
    by: ByWord,
    places: Vec<PlaceBody>,
    /// In how many more repositories it is, which the caller may not see.
    hidden_places: usize,
    /// Whether something newer has taken its place.
    is_outdated: bool,
    /// What, as far as the caller may see it.
    newer: Vec<NewerBody>,
}

/// A base that an image's annotations name.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NamedBase)]
pub(crate) struct NamedBaseBody {
    name: Option<String>,
    digest: Option<String>,
}

/// One repository that has an image.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LineagePlace)]
pub(crate) struct PlaceBody {
    repository: String,
    /// Tags that point or pointed to it, or to an index that lists it.
    tags: Vec<String>,
    /// The kind of base that the project's policy says it is.
    kind: Option<String>,
}

/// What has taken the place of an outdated base.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NewerBase)]
pub(crate) struct NewerBody {
    repository: String,
    tag: String,
    digest: String,
}

/// Something that stands on an image.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LineageStander)]
pub(crate) struct StanderBody {
    image: ImageBody,
    /// Over how many images at least.
    distance: u32,
    places: Vec<PlaceBody>,
    /// In how many more repositories it is, which the caller may not see.
    hidden_places: usize,
}

/// The newest image of a repository, which stands on something outdated and must be rebuilt.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OutdatedImage)]
pub(crate) struct OutdatedBody {
    repository: String,
    tag: String,
    image: ImageBody,
    /// The outdated ones among its bases, the nearest first.
    bases: Vec<BaseBody>,
}

pub(crate) async fn show(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Project>,
    Asked(query, _): Asked<LineageQuery>,
) -> Result<Json<LineageBody>, Problem> {
    let warrant = api.identity.warrant(&ctx, &at.project).await?;
    let visibility = api.identity.visibility(&ctx).await?;
    let viewer = Viewer { warrant: &warrant, visibility: &visibility };
    Ok(Json(api.governance.get_lineage(&viewer, &query.repository, &query.reference).await?.into()))
}

pub(crate) async fn list_standing(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Project>,
    Asked(query, uri): Asked<StandingAsked>,
) -> Result<Listed<StanderBody>, Problem> {
    let warrant = api.identity.warrant(&ctx, &at.project).await?;
    let visibility = api.identity.visibility(&ctx).await?;
    let viewer = Viewer { warrant: &warrant, visibility: &visibility };
    let wanted =
        StandingQuery { environment: query.environment, after: query.after.unwrap_or(0), limit: entries(query.limit) };
    let page = api.governance.list_standing(&viewer, (&query.repository, &query.reference), &wanted).await?;
    let next = page.entries.last().filter(|_| page.has_more).map(|last| last.position.to_string());
    Ok(Listed::of(Page { entries: page.entries, next }, &uri))
}

pub(crate) async fn list_outdated(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Project>,
    Asked(query, uri): Asked<PageQuery>,
) -> Result<Listed<OutdatedBody>, Problem> {
    let warrant = api.identity.warrant(&ctx, &at.project).await?;
    let visibility = api.identity.visibility(&ctx).await?;
    let viewer = Viewer { warrant: &warrant, visibility: &visibility };
    let after = query.after.as_deref().map(str::parse).transpose();
    let after = after.map_err(|_| Problem::invalid("`after` is not what a page gave as `next`"))?;
    let page = api.governance.list_outdated(&viewer, after.as_ref(), entries(query.limit)).await?;
    let next = page.next.map(|next| next.to_string());
    Ok(Listed::of(Page { entries: page.entries, next }, &uri))
}

pub(crate) fn entries(wanted: Option<usize>) -> usize {
    wanted.unwrap_or(ENTRIES.0).clamp(1, ENTRIES.1)
}

impl From<Lineage> for LineageBody {
    fn from(lineage: Lineage) -> Self {
        Self { digest: lineage.digest.to_string(), images: lineage.images.into_iter().map(Into::into).collect() }
    }
}

impl From<ImageLineage> for ImageLineageBody {
    fn from(lineage: ImageLineage) -> Self {
        Self {
            image: lineage.image.into(),
            depth: lineage.depth,
            bases: lineage.bases.into_iter().map(Into::into).collect(),
            named_base: lineage.named_base.map(Into::into),
            twins: lineage.twins.iter().map(ToString::to_string).collect(),
            refused: lineage.refused.into_iter().map(|(name, reasons)| (name.to_string(), reasons)).collect(),
            standing: lineage.standing,
            standing_is_cut: lineage.standing_is_cut,
        }
    }
}

impl From<Image> for ImageBody {
    fn from(image: Image) -> Self {
        Self {
            digest: image.digest.to_string(),
            platform: image.platform,
            layers: image.layers,
            size_bytes: image.size_bytes,
            claim: match image.claim {
                Claim::Right => ClaimWord::Right,
                Claim::Wrong => ClaimWord::Wrong,
                Claim::Unknown => ClaimWord::Unknown,
            },
            problem: image.problem,
            made_at: image.made_at.map(Moment),
            run_as: image.run_as,
            labels: image.labels,
        }
    }
}

impl From<Base> for BaseBody {
    fn from(base: Base) -> Self {
        let Places { seen, hidden } = base.places;
        Self {
            image: base.image.into(),
            distance: base.distance,
            by: match base.by {
                By::Layers => ByWord::Layers,
                By::Annotation => ByWord::Annotation,
                By::Both => ByWord::Both,
            },
            places: seen.into_iter().map(Into::into).collect(),
            hidden_places: hidden,
            is_outdated: !base.newer.is_empty(),
            newer: base.newer.into_iter().filter_map(shown).collect(),
        }
    }
}

fn shown(newer: Newer) -> Option<NewerBody> {
    let place = newer.place?;
    Some(NewerBody { repository: place.repository.to_string(), tag: place.tag, digest: place.digest.to_string() })
}

impl From<NamedBase> for NamedBaseBody {
    fn from(base: NamedBase) -> Self {
        Self { name: base.name, digest: base.digest.map(|digest| digest.to_string()) }
    }
}

impl From<Place> for PlaceBody {
    fn from(place: Place) -> Self {
        Self { repository: place.repository.to_string(), tags: place.tags, kind: place.kind }
    }
}

impl From<Stander> for StanderBody {
    fn from(stander: Stander) -> Self {
        let Places { seen, hidden } = stander.places;
        Self {
            image: stander.image.into(),
            distance: stander.distance,
            places: seen.into_iter().map(Into::into).collect(),
            hidden_places: hidden,
        }
    }
}

impl From<Outdated> for OutdatedBody {
    fn from(outdated: Outdated) -> Self {
        Self {
            repository: outdated.repository.to_string(),
            tag: outdated.tag,
            image: outdated.image.into(),
            bases: outdated.bases.into_iter().map(Into::into).collect(),
        }
    }
}
