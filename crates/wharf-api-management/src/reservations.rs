//! `/api/v1/projects/{project}/reservations`: repositories that only members of one role pull.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wharf_identity::{Reservation, RoleName};
use wharf_oci::RepositoryPattern;

use crate::answer::Listed;
use crate::api::Api;
use crate::asked::{Asked, PageQuery, PatternQuery};
use crate::at::{self, At};
use crate::authenticate::LoggedIn;
use crate::moment::Moment;
use crate::problem::Problem;
use crate::{body, text};

/// Repositories that only members of a role pull.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Reservation)]
pub(crate) struct ReservationBody {
    /// The repositories, by their names in development.
    pattern: String,
    role: String,
    since: Moment,
}

/// Which repositories are reserved, and for whom.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewReservation)]
pub(crate) struct NewReservationBody {
    /// `bases/compile-*`, `bases/**`.
    #[serde(deserialize_with = "text::parse")]
    #[schema(value_type = String)]
    pattern: RepositoryPattern,
    /// Built-in or custom.
    #[serde(deserialize_with = "text::parse")]
    #[schema(value_type = String)]
    role: RoleName,
}

pub(crate) async fn list(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Project>,
    Asked(query, uri): Asked<PageQuery>,
) -> Result<Listed<ReservationBody>, Problem> {
    Ok(Listed::of(api.identity.list_reservations(&ctx, &at.project, &query.into()).await?, &uri))
}

pub(crate) async fn put(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Project>,
    body::Json(new): body::Json<NewReservationBody>,
) -> Result<Json<ReservationBody>, Problem> {
    let reservation = api.identity.put_reservation(&ctx, &at.project, (&new.pattern, &new.role)).await?;
    Ok(Json(reservation.into()))
}

pub(crate) async fn delete(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Project>,
    Asked(query, _): Asked<PatternQuery>,
) -> Result<StatusCode, Problem> {
    api.identity.delete_reservation(&ctx, &at.project, &query.pattern).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl From<Reservation> for ReservationBody {
    fn from(reservation: Reservation) -> Self {
        let Reservation { pattern, role, since } = reservation;
        Self { pattern: pattern.to_string(), role: role.to_string(), since: Moment(since) }
    }
}
