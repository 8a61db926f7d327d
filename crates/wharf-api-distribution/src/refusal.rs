//! Which answers are refusals that the audit log has, and what it calls them.
//!
//! A 401 is a question, not a refusal: clients ask without a token first, and come back. Only who wants to change something without
//! a name, and does not come back, is told of.

use std::net::IpAddr;

use axum::http::{Method, StatusCode};
use wharf_context::{Caller, Context, Grants, RequestId};

use crate::api::Api;
use crate::error::OciError;
use crate::route::{Endpoint, Operation};

/// Who asked, kept until an answer turns out to be a refusal.
pub(crate) struct Asker {
    caller: Caller,
    request_id: RequestId,
    remote: Option<IpAddr>,
    is_change: bool,
}

impl Asker {
    pub(crate) fn of(ctx: &Context, method: &Method) -> Self {
        Self {
            caller: ctx.caller.clone(),
            request_id: ctx.request_id,
            remote: ctx.remote,
            is_change: !method.is_safe(),
        }
    }

    /// Notes a refusal of this caller; other failures are none.
    pub(crate) fn note(self, api: &Api, endpoint: &Endpoint, object: &str, error: &OciError) {
        let is_nameless_change =
            error.status() == StatusCode::UNAUTHORIZED && self.is_change && self.caller.is_anonymous();
        if error.is_refusal() || is_nameless_change {
            let ctx = Context::new(self.caller, self.request_id, self.remote, Grants::default());
            api.identity.note_refusal(&ctx, action(endpoint.operation), object, error.status().as_u16());
        }
    }
}

/// What the log calls it: as it does where it was done.
fn action(operation: Operation) -> &'static str {
    match operation {
        Operation::Ping => "registry.ping",
        Operation::PullBlob => "blob.pull",
        Operation::PullManifest => "manifest.pull",
        Operation::OpenUpload | Operation::AppendUpload | Operation::CommitUpload => "blob.put",
        Operation::GetUpload | Operation::DeleteUpload => "upload.delete",
        Operation::PutManifest => "manifest.put",
        Operation::ListTags => "tag.list",
        Operation::DeleteManifest => "manifest.delete",
        Operation::DeleteBlob => "blob.delete",
        Operation::ListReferrers => "referrer.list",
        Operation::ListRepositories => "repository.list",
    }
}
