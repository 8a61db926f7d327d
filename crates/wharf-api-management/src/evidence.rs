//! `/api/v1/projects/{project}/history/{digest}/evidence`: the history of a digest, signed and attached to it.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use wharf_governance::evidence::Evidence;
use wharf_oci::RepositoryName;

use crate::answer::Created;
use crate::api::Api;
use crate::at::{self, At};
use crate::authenticate::LoggedIn;
use crate::problem::Problem;
use crate::{body, text};

/// Evidence that is to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewEvidence)]
pub(crate) struct NewEvidenceBody {
    /// The repository that the digest is in, by its name in development.
    #[serde(deserialize_with = "text::parse")]
    #[schema(value_type = String)]
    repository: RepositoryName,
}

/// Evidence as it was made and attached.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Evidence)]
pub(crate) struct EvidenceBody {
    /// Where it is attached.
    repository: String,
    /// The manifest that holds it.
    manifest: String,
    /// The DSSE envelope with the in-toto statement in it.
    #[schema(value_type = Object)]
    envelope: Value,
}

pub(crate) async fn make(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::History>,
    body::Json(new): body::Json<NewEvidenceBody>,
) -> Result<Created<EvidenceBody>, Problem> {
    let warrant = api.identity.warrant(&ctx, &at.project).await?;
    let Evidence { repository, manifest, envelope } =
        api.governance.make_evidence(&ctx, &warrant, &new.repository, &at.digest).await?;
    let location = format!("/v2/{repository}/manifests/{manifest}");
    let envelope = serde_json::from_slice(&envelope.render()).unwrap_or_default();
    let (repository, manifest) = (repository.to_string(), manifest.to_string());
    Ok(Created { location, body: EvidenceBody { repository, manifest, envelope } })
}
