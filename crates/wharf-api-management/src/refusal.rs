//! Refusals, for the audit log: who wanted what, and was answered 403.
//!
//! The route table's name of what was wanted is the action, and the path the object. Who is not known was only asked to log in.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};

use axum::extract::{MatchedPath, Request};
use axum::http::StatusCode;
use wharf_context::{Caller, Context, Grants, RequestId};

use crate::api::Api;
use crate::problem::Problem;
use crate::route::{ROUTES, Route};

/// Who asks, and for what; travels with the request until it is known who that is.
#[derive(Debug, Clone)]
pub(crate) struct Asker {
    request_id: RequestId,
    remote: Option<IpAddr>,
    action: &'static str,
    path: String,
    caller: Arc<OnceLock<Caller>>,
}

impl Asker {
    pub(crate) fn of(request: &Request, request_id: RequestId) -> Self {
        let matched = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
        let method = request.method();
        let is_it = |route: &&Route| Some(route.path) == matched && route.verb.method() == *method;
        Self {
            request_id,
            remote: request.extensions().get::<SocketAddr>().map(SocketAddr::ip),
            action: ROUTES.iter().find(is_it).map_or("request", |route| route.operation),
            path: request.uri().path().to_owned(),
            caller: Arc::default(),
        }
    }

    /// Now it is known who asks.
    pub(crate) fn know(&self, ctx: &Context) {
        self.caller.get_or_init(|| ctx.caller.clone());
    }

    /// Notes a refusal; other problems are none.
    pub(crate) fn note(&self, api: &Api, problem: &Problem) {
        if problem.status() != StatusCode::FORBIDDEN {
            return;
        }
        let caller = self.caller.get().cloned().unwrap_or_else(Caller::anonymous);
        let ctx = Context::new(caller, self.request_id, self.remote, Grants::default());
        api.identity.note_refusal(&ctx, self.action, &self.path, problem.status().as_u16());
    }
}
