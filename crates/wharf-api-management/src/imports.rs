//! `/api/v1/imports`: users from elsewhere.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wharf_identity::{Imported, Secret, UserName};

use crate::api::Api;
use crate::authenticate::LoggedIn;
use crate::body::{self, FILE_BYTES};
use crate::problem::Problem;

/// An htpasswd file.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Htpasswd)]
pub(crate) struct HtpasswdBody {
    /// Its text, of at most a mebibyte. Only bcrypt hashes (`htpasswd -B`) are taken.
    #[schema(value_type = String, format = Password)]
    htpasswd: Secret,
}

/// What an import did.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Imported)]
pub(crate) struct ImportedBody {
    /// Users that were made.
    created: Vec<String>,
    /// Users that existed and were left as they are.
    existing: Vec<String>,
}

pub(crate) async fn htpasswd(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    body::Json(file): body::Json<HtpasswdBody, FILE_BYTES>,
) -> Result<Json<ImportedBody>, Problem> {
    let imported = api.identity.import_htpasswd(&ctx, file.htpasswd.expose()).await?;
    Ok(Json(imported.into()))
}

impl From<Imported> for ImportedBody {
    fn from(imported: Imported) -> Self {
        let names = |names: Vec<UserName>| names.iter().map(UserName::to_string).collect();
        Self { created: names(imported.created), existing: names(imported.existing) }
    }
}
