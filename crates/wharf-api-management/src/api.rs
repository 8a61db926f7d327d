//! The router, made from the route table.

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use url::Url;
use wharf_archive::Archives;
use wharf_context::RequestId;
use wharf_governance::Governance;
use wharf_identity::Identity;
use wharf_oci::{ProjectName, RepositoryName};
use wharf_registry::Registry;

use crate::authenticate::Origin;
use crate::cross_site;
use crate::problem::Problem;
use crate::refusal::Asker;
use crate::route::{PREFIX, ROUTES};

/// What an operator may choose.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The URL that clients know the server by; without it, the one that they used.
    pub public_url: Option<Url>,
    /// The program's version.
    pub version: String,
    /// How many bytes a check of the registry reads in a second at most, unless it is told otherwise; 0 is no limit.
    pub fsck_bytes_per_second: u64,
}

/// What every handler needs.
#[derive(Debug, Clone)]
pub(crate) struct Api {
    pub(crate) identity: Identity,
    pub(crate) registry: Registry,
    pub(crate) governance: Governance,
    pub(crate) archives: Archives,
    pub(crate) settings: Settings,
}

impl Api {
    /// A repository's one name: `d/pay/app` is `pay/app`.
    pub(crate) fn one_name(&self, written: &RepositoryName) -> RepositoryName {
        self.identity.settings().environments.canonical(written)
    }
}

impl Api {
    /// A repository of a project, by the one spelling of its name.
    pub(crate) fn own_repository(
        &self,
        project: &ProjectName,
        repository: &RepositoryName,
    ) -> Result<RepositoryName, Problem> {
        let environments = &self.identity.settings().environments;
        if environments.project(repository) != *project {
            return Err(Problem::invalid(format!("repository `{repository}` is not one of project `{project}`")));
        }
        Ok(environments.canonical(repository))
    }
}

/// `/api/v1/…`.
pub fn router(identity: Identity, registry: Registry, parts: (Governance, Archives), settings: Settings) -> Router {
    let (governance, archives) = parts;
    let api = Api { identity, registry, governance, archives, settings };
    let elsewhere = [PREFIX.to_owned(), format!("{PREFIX}/"), format!("{PREFIX}/{{*path}}")];
    let empty = elsewhere.iter().fold(Router::new(), |router, path| router.route(path, any(unknown)));
    let routes = ROUTES.iter().fold(empty, |router, route| router.route(route.path, route.method_router(&api)));
    routes.method_not_allowed_fallback(not_allowed).layer(from_fn_with_state(api.clone(), frame)).with_state(api)
}

/// What every request goes through on its way in and every answer on its way out.
async fn frame(State(api): State<Api>, mut request: Request, next: Next) -> Response {
    let request_id = request.extensions().get().copied().unwrap_or_else(RequestId::generate);
    let origin = Origin::of(&api, &request);
    let asker = Asker::of(&request, request_id);
    request.extensions_mut().insert(asker.clone());
    let mut response = match cross_site::refuse(&api.settings, &request) {
        Some(problem) => problem.into_response(),
        None => next.run(with_id(request, request_id)).await,
    };
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        asker.note(&api, &problem);
        problem.render(&mut response, &origin, request_id);
    }
    let headers = response.headers_mut();
    // Answers are about accounts, and some hold a secret.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

fn with_id(mut request: Request, id: RequestId) -> Request {
    request.extensions_mut().insert(id);
    request
}

async fn unknown() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "there is no such path; /api/v1/openapi.json lists them all")
}

async fn not_allowed() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "this path does not have this method; the Allow header lists those it has",
    )
}
