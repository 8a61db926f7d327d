//! `/api/v1/persons`: whom identities belong to.

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wharf_identity::{LinkedAccount, Person, PersonName};

use crate::answer::{Created, Listed};
use crate::api::Api;
use crate::asked::{Asked, PageQuery};
use crate::at::{self, At};
use crate::authenticate::LoggedIn;
use crate::moment::Moment;
use crate::problem::Problem;
use crate::{body, text};

/// A person, with what they log in as and the robots that they answer for.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Person)]
pub(crate) struct PersonBody {
    name: String,
    created_at: Moment,
    accounts: Vec<LinkedAccountBody>,
}

/// One identity of a person.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LinkedAccount)]
pub(crate) struct LinkedAccountBody {
    /// `NAME` or `PROJECT+NAME`.
    account: String,
    /// The administrator who made sure that it is theirs.
    linked_by: String,
    linked_at: Moment,
}

/// A person to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewPerson)]
pub(crate) struct NewPersonBody {
    /// Kept in lower case; never changes.
    #[serde(deserialize_with = "text::parse")]
    #[schema(value_type = String, max_length = 128, pattern = "^[A-Za-z0-9][A-Za-z0-9._@-]*$")]
    name: PersonName,
}

pub(crate) async fn list(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    Asked(query, uri): Asked<PageQuery>,
) -> Result<Listed<PersonBody>, Problem> {
    Ok(Listed::of(api.identity.list_persons(&ctx, &query.into()).await?, &uri))
}

pub(crate) async fn create(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    body::Json(new): body::Json<NewPersonBody>,
) -> Result<Created<PersonBody>, Problem> {
    let person = api.identity.create_person(&ctx, &new.name).await?;
    Ok(Created { location: format!("/api/v1/persons/{}", person.name), body: person.into() })
}

pub(crate) async fn delete(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Person>,
) -> Result<StatusCode, Problem> {
    api.identity.delete_person(&ctx, &at.person).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn link(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::PersonAccount>,
) -> Result<StatusCode, Problem> {
    api.identity.link_account(&ctx, &at.person, &at.account).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn unlink(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::PersonAccount>,
) -> Result<StatusCode, Problem> {
    api.identity.unlink_account(&ctx, &at.person, &at.account).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl From<Person> for PersonBody {
    fn from(person: Person) -> Self {
        Self {
            name: person.name.to_string(),
            created_at: Moment(person.created_at),
            accounts: person.accounts.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<LinkedAccount> for LinkedAccountBody {
    fn from(account: LinkedAccount) -> Self {
        let LinkedAccount { login, linked_by, linked_at } = account;
        Self { account: login, linked_by, linked_at: Moment(linked_at) }
    }
}
