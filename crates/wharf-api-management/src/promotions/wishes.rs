//! What people ask for.

use serde::Deserialize;
use utoipa::ToSchema;
use wharf_governance::promotion::{Asked, NewEmergency, NewPromotion, NewRollback, TagChoice};
use wharf_oci::{EnvironmentName, Reference, RepositoryName};

use crate::problem::Problem;
use crate::text;

/// Something that is to go on to the next environment: `repository` with `reference`, or `release`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewPromotion)]
pub(crate) struct NewPromotionBody {
    /// Its repository, by the name in development.
    #[serde(default, deserialize_with = "text::parse_if_any")]
    #[schema(value_type = Option<String>)]
    repository: Option<RepositoryName>,
    /// Its tag or digest. A tag is resolved now, and shown.
    #[serde(default, deserialize_with = "text::parse_if_any")]
    #[schema(value_type = Option<String>)]
    reference: Option<Reference>,
    /// A release, all of which moves together.
    #[serde(default)]
    release: Option<String>,
    /// Whether all its tags go along, instead of the one that was named.
    #[serde(default)]
    all_tags: bool,
    /// The environment that it is to go to.
    #[serde(deserialize_with = "text::parse")]
    #[schema(value_type = String)]
    to: EnvironmentName,
    /// Why.
    #[serde(default)]
    reason: String,
}

/// Something that is needed somewhere at once.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewEmergency)]
pub(crate) struct NewEmergencyBody {
    /// Its repository, by the name in development.
    #[serde(default, deserialize_with = "text::parse_if_any")]
    #[schema(value_type = Option<String>)]
    repository: Option<RepositoryName>,
    /// Its tag or digest.
    #[serde(default, deserialize_with = "text::parse_if_any")]
    #[schema(value_type = Option<String>)]
    reference: Option<Reference>,
    /// A release, all of which moves together.
    #[serde(default)]
    release: Option<String>,
    /// Whether all its tags go along, instead of the one that was named.
    #[serde(default)]
    all_tags: bool,
    /// Where it is taken from; the nearest environment that the policy allows where nothing is said.
    #[serde(default, deserialize_with = "text::parse_if_any")]
    #[schema(value_type = Option<String>)]
    from: Option<EnvironmentName>,
    /// The environment that it is to go to.
    #[serde(deserialize_with = "text::parse")]
    #[schema(value_type = String)]
    to: EnvironmentName,
    /// Why.
    reason: String,
}

/// What is to be as it was before.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewRollback)]
pub(crate) struct NewRollbackBody {
    /// The environment.
    #[serde(deserialize_with = "text::parse")]
    #[schema(value_type = String)]
    environment: EnvironmentName,
    /// The repository, by its name in development. With it goes all that came with the same release.
    #[serde(deserialize_with = "text::parse")]
    #[schema(value_type = String)]
    repository: RepositoryName,
    /// Why.
    #[serde(default)]
    reason: String,
}

/// What eligibility takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EligibilityQuery {
    #[serde(default, deserialize_with = "text::parse_some")]
    repository: Option<RepositoryName>,
    #[serde(default, deserialize_with = "text::parse_some")]
    reference: Option<Reference>,
    #[serde(default, deserialize_with = "text::some")]
    release: Option<String>,
    #[serde(deserialize_with = "text::parse")]
    to: EnvironmentName,
}

/// One image or one release, and nothing between.
fn asked(
    image: (Option<RepositoryName>, Option<Reference>),
    release: Option<String>,
    all_tags: bool,
) -> Result<Asked, Problem> {
    match (image, release) {
        ((Some(repository), Some(reference)), None) => {
            let tags = if all_tags { TagChoice::All } else { TagChoice::Named };
            Ok(Asked::Image { repository, reference, tags })
        }
        ((None, None), Some(version)) if !all_tags => Ok(Asked::Release { version }),
        _ => Err(Problem::invalid("name a `repository` with a `reference`, or a `release`, and not both")),
    }
}

impl TryFrom<NewPromotionBody> for NewPromotion {
    type Error = Problem;

    fn try_from(body: NewPromotionBody) -> Result<Self, Problem> {
        let NewPromotionBody { repository, reference, release, all_tags, to, reason } = body;
        Ok(Self { what: asked((repository, reference), release, all_tags)?, to, reason })
    }
}

impl TryFrom<NewEmergencyBody> for NewEmergency {
    type Error = Problem;

    fn try_from(body: NewEmergencyBody) -> Result<Self, Problem> {
        let NewEmergencyBody { repository, reference, release, all_tags, from, to, reason } = body;
        let what = asked((repository, reference), release, all_tags)?;
        Ok(Self { promotion: NewPromotion { what, to, reason }, from })
    }
}

impl From<NewRollbackBody> for NewRollback {
    fn from(body: NewRollbackBody) -> Self {
        let NewRollbackBody { environment, repository, reason } = body;
        Self { environment, repository, reason }
    }
}

impl TryFrom<EligibilityQuery> for NewPromotion {
    type Error = Problem;

    fn try_from(query: EligibilityQuery) -> Result<Self, Problem> {
        let EligibilityQuery { repository, reference, release, to } = query;
        Ok(Self { what: asked((repository, reference), release, false)?, to, reason: String::new() })
    }
}
