//! The id that stands in every answer, log line and error of one request.
//!
//! Ids are ours: one that a client sends is not believed, for it would stand in the audit log.

use http::{HeaderName, HeaderValue, Request, Response};
use wharf_context::RequestId;

/// The header that carries the id to the client.
pub(crate) const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// Gives a request its id.
pub(crate) fn assign<B>(request: &mut Request<B>) -> RequestId {
    let id = RequestId::generate();
    request.extensions_mut().insert(id);
    id
}

/// Tells the client which id its request had.
pub(crate) fn stamp<B>(response: &mut Response<B>, id: RequestId) {
    if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
        response.headers_mut().insert(HEADER, value);
    }
}
