//! `/api/v1/projects/{project}/robots`.

mod body;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

pub(crate) use self::body::{CreatedRobotBody, NewRobotBody, RobotBody, RobotChangeBody, SecretBody};
use crate::answer::{Created, Listed};
use crate::api::Api;
use crate::asked::{Asked, PageQuery};
use crate::at::{self, At};
use crate::authenticate::LoggedIn;
use crate::problem::Problem;

pub(crate) async fn list(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Project>,
    Asked(query, uri): Asked<PageQuery>,
) -> Result<Listed<RobotBody>, Problem> {
    let page = api.identity.list_robots(&ctx, &at.project, &query.into()).await?;
    Ok(Listed::of(page, &uri))
}

pub(crate) async fn create(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Project>,
    crate::body::Json(new): crate::body::Json<NewRobotBody>,
) -> Result<Created<CreatedRobotBody>, Problem> {
    let (robot, secret) = api.identity.create_robot(&ctx, &at.project, &new.into()).await?;
    let location = format!("/api/v1/projects/{}/robots/{}", robot.project, robot.name);
    Ok(Created { location, body: CreatedRobotBody { robot: robot.into(), secret } })
}

pub(crate) async fn show(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Robot>,
) -> Result<Json<RobotBody>, Problem> {
    let robot = api.identity.get_robot(&ctx, &at.project, &at.robot).await?;
    Ok(Json(robot.into()))
}

pub(crate) async fn update(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Robot>,
    crate::body::Json(change): crate::body::Json<RobotChangeBody>,
) -> Result<Json<RobotBody>, Problem> {
    let robot = api.identity.update_robot(&ctx, &at.project, &at.robot, &change.into()).await?;
    Ok(Json(robot.into()))
}

pub(crate) async fn delete(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Robot>,
) -> Result<StatusCode, Problem> {
    api.identity.delete_robot(&ctx, &at.project, &at.robot).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn rotate(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Robot>,
) -> Result<Json<SecretBody>, Problem> {
    let secret = api.identity.rotate_robot_secret(&ctx, &at.project, &at.robot).await?;
    Ok(Json(SecretBody { login: format!("{}+{}", at.project, at.robot), secret }))
}
