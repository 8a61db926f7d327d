//! What is refused before the router sees it, and the answers that the server gives by itself.

use std::net::IpAddr;

use axum::body::Body;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Version, header};
use wharf_context::RequestId;

use crate::server::Shared;

/// The answer to a request that is not even looked at, if it is one.
pub(super) fn judge(
    shared: &Shared,
    client: Option<IpAddr>,
    request: &Request<Body>,
    id: RequestId,
) -> Option<Response<Body>> {
    if header_bytes(request) > shared.header_size {
        let sentence = "the request's headers are too large";
        return Some(error(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "UNSUPPORTED", sentence, id));
    }
    if let Some(sentence) = ambiguity(request.version(), request.headers()) {
        return Some(error(StatusCode::BAD_REQUEST, "UNSUPPORTED", sentence, id));
    }
    let wait = shared.request_rate.as_ref()?.count(client?).err()?;
    let sentence = "too many requests; try again later";
    let mut response = error(StatusCode::TOO_MANY_REQUESTS, "TOOMANYREQUESTS", sentence, id);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait));
    Some(response)
}

fn header_bytes(request: &Request<Body>) -> usize {
    let fields = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len());
    fields.sum::<usize>() + request.uri().path().len() + request.uri().query().map_or(0, str::len)
}

/// Why two servers in a row might not understand the same by these headers (RFC 9112, sections 3.2 and 6.3).
fn ambiguity(version: Version, headers: &HeaderMap) -> Option<&'static str> {
    let hosts = headers.get_all(header::HOST).iter().count();
    if hosts > 1 {
        return Some("the request names two hosts");
    }
    if hosts == 0 && version == Version::HTTP_11 {
        return Some("the request names no host");
    }
    let has_both = headers.contains_key(header::CONTENT_LENGTH) && headers.contains_key(header::TRANSFER_ENCODING);
    has_both.then_some("the request gives its length in two ways")
}

/// An answer of the server itself, in the form that the distribution-spec gives errors.
pub(super) fn error(status: StatusCode, code: &str, message: &str, id: RequestId) -> Response<Body> {
    let detail = serde_json::json!({ "request_id": id.to_string() });
    let errors = serde_json::json!({ "errors": [{ "code": code, "message": message, "detail": detail }] });
    let mut response = Response::new(Body::from(errors.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

#[cfg(test)]
mod tests {
    use http::HeaderName;

    use super::*;

    #[test]
    fn headers_with_two_meanings_are_refused() {
        for (headers, is_ambiguous) in [
            (&[("host", "a")][..], false),
            (&[("host", "a"), ("host", "b")], true),
            (&[], true),
            (&[("host", "a"), ("content-length", "5")], false),
            (&[("host", "a"), ("transfer-encoding", "chunked")], false),
            (&[("host", "a"), ("content-length", "5"), ("transfer-encoding", "chunked")], true),
        ] {
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                map.append(HeaderName::from_static(name), HeaderValue::from_static(value));
            }
            assert_eq!(ambiguity(Version::HTTP_11, &map).is_some(), is_ambiguous, "{headers:?}");
        }
        assert_eq!(ambiguity(Version::HTTP_2, &HeaderMap::new()), None, "HTTP/2 has `:authority`");
    }
}
