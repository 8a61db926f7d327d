//! `/api/v1/data-keys`: the keys that secrets in the catalog and blobs are sealed under. The keys themselves stay inside.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wharf_identity::DataKey;

use crate::api::Api;
use crate::authenticate::LoggedIn;
use crate::body;
use crate::moment::Moment;
use crate::problem::Problem;
use crate::words::PurposeWord;

/// A data key.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DataKey)]
pub(crate) struct DataKeyBody {
    id: String,
    purpose: PurposeWord,
    /// The fingerprint of the master key that wraps it.
    master_key: String,
    created_at: Moment,
    /// Since when another one seals what is new.
    retired_at: Option<Moment>,
}

/// All data keys; there are few.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DataKeys)]
pub(crate) struct DataKeysBody {
    entries: Vec<DataKeyBody>,
}

/// Which key to rotate.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DataKeyRotation)]
pub(crate) struct DataKeyRotationBody {
    purpose: PurposeWord,
}

/// A data key that was just made.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NewDataKey)]
pub(crate) struct NewDataKeyBody {
    id: String,
}

/// What became of the data keys.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Rewrapped)]
pub(crate) struct RewrappedBody {
    /// The fingerprint of the master key that wraps all of them now.
    master_key: String,
    /// How many were wrapped by another one.
    rewrapped: u64,
}

pub(crate) async fn list(State(api): State<Api>, LoggedIn(ctx): LoggedIn) -> Result<Json<DataKeysBody>, Problem> {
    let keys = api.identity.list_data_keys(&ctx).await?;
    Ok(Json(DataKeysBody { entries: keys.into_iter().map(Into::into).collect() }))
}

pub(crate) async fn rotate(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    body::Json(rotation): body::Json<DataKeyRotationBody>,
) -> Result<Json<NewDataKeyBody>, Problem> {
    let id = api.identity.rotate_data_key(&ctx, rotation.purpose.into()).await?;
    Ok(Json(NewDataKeyBody { id }))
}

pub(crate) async fn rewrap(State(api): State<Api>, LoggedIn(ctx): LoggedIn) -> Result<Json<RewrappedBody>, Problem> {
    let rewrapped = api.identity.rewrap_data_keys(&ctx).await?;
    Ok(Json(RewrappedBody { master_key: api.identity.master_key()?.to_owned(), rewrapped }))
}

impl From<DataKey> for DataKeyBody {
    fn from(key: DataKey) -> Self {
        Self {
            id: key.id.to_string(),
            purpose: key.purpose.into(),
            master_key: key.master,
            created_at: Moment(key.created_at),
            retired_at: key.retired_at.map(Moment),
        }
    }
}
