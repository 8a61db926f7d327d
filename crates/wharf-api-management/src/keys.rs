//! `/api/v1/keys`: the keys that sign tokens. What they verify with is public and elsewhere.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wharf_identity::Key;

use crate::api::Api;
use crate::authenticate::LoggedIn;
use crate::body;
use crate::moment::Moment;
use crate::problem::Problem;
use crate::words::RetirementWord;

/// A signing key.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Key)]
pub(crate) struct KeyBody {
    /// `kid` in the header of its tokens.
    id: String,
    created_at: Moment,
    /// Since when another has taken its place.
    retired_at: Option<Moment>,
}

/// All signing keys; there are few.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Keys)]
pub(crate) struct KeysBody {
    entries: Vec<KeyBody>,
}

/// How to rotate.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Rotation)]
pub(crate) struct RotationBody {
    retirement: RetirementWord,
}

/// A key that was just made.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NewKey)]
pub(crate) struct NewKeyBody {
    /// `kid` in the header of its tokens.
    id: String,
}

pub(crate) async fn list(State(api): State<Api>, LoggedIn(ctx): LoggedIn) -> Result<Json<KeysBody>, Problem> {
    let keys = api.identity.list_keys(&ctx).await?;
    Ok(Json(KeysBody { entries: keys.into_iter().map(Into::into).collect() }))
}

pub(crate) async fn rotate(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    body::Json(rotation): body::Json<RotationBody>,
) -> Result<Json<NewKeyBody>, Problem> {
    let id = api.identity.rotate_keys(&ctx, rotation.retirement.into()).await?;
    Ok(Json(NewKeyBody { id }))
}

impl From<Key> for KeyBody {
    fn from(key: Key) -> Self {
        Self { id: key.id, created_at: Moment(key.created_at), retired_at: key.retired_at.map(Moment) }
    }
}
