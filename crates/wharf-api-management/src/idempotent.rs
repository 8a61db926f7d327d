//! `Idempotency-Key`: a request that is sent again gets the first answer. A layer around the handlers of routes that the
//! table marks; see [`wharf_governance::idempotency`] for what is remembered, and for how long.

use axum::body::{Body, to_bytes};
use axum::extract::{FromRequestParts as _, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use wharf_governance::idempotency::{Answered, Begun, MAX_ANSWER_BYTES};
use wharf_oci::{Algorithm, Digest};

use crate::api::Api;
use crate::authenticate::LoggedIn;
use crate::body::SMALL_BYTES;
use crate::problem::Problem;

/// The header.
pub(crate) const HEADER: &str = "idempotency-key";
/// The longest key.
const MAX_KEY_BYTES: usize = 128;

/// Answers what was answered before; lets through what is new.
pub(crate) async fn replay(State(api): State<Api>, request: Request, next: Next) -> Response {
    match key(request.headers()) {
        Ok(None) => next.run(request).await,
        Ok(Some(key)) => once(&api, request, (key, next)).await.unwrap_or_else(IntoResponse::into_response),
        Err(problem) => problem.into_response(),
    }
}

async fn once(api: &Api, request: Request, (key, next): (String, Next)) -> Result<Response, Problem> {
    let (mut parts, body) = request.into_parts();
    let LoggedIn(ctx) = LoggedIn::from_request_parts(&mut parts, api).await?;
    let too_large = || Problem::new(StatusCode::PAYLOAD_TOO_LARGE, format!("the body has at most {SMALL_BYTES} bytes"));
    let body = to_bytes(body, SMALL_BYTES).await.map_err(|_| too_large())?;
    let target = format!("{} {}\n", parts.method, parts.uri);
    let fingerprint = Digest::of(Algorithm::Sha256, &[target.as_bytes(), &body].concat());
    match api.governance.begin_request(&ctx, &key, &fingerprint).await? {
        Begun::First => {}
        Begun::Answered(answered) => return Ok(again(answered)),
        Begun::Other => {
            return Err(Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "this `Idempotency-Key` came with another request; take a new key for a new request",
            ));
        }
        Begun::Running => {
            return Err(Problem::new(
                StatusCode::CONFLICT,
                "the first request with this `Idempotency-Key` has no answer yet, or its server ended; look whether it was done",
            ));
        }
    }
    let response = next.run(Request::from_parts(parts, Body::from(body))).await;
    if !response.status().is_success() {
        api.governance.forget_request(&ctx, &key).await?;
        return Ok(response);
    }
    let (parts, body) = response.into_parts();
    let unreadable = |_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the answer is too large to be remembered");
    let body = to_bytes(body, MAX_ANSWER_BYTES).await.map_err(unreadable)?;
    let location = parts.headers.get(header::LOCATION).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let document = String::from_utf8_lossy(&body).into_owned();
    let answered = Answered { status: parts.status.as_u16(), location, document };
    api.governance.finish_request(&ctx, &key, &answered).await?;
    Ok(Response::from_parts(parts, Body::from(body)))
}

fn again(answered: Answered) -> Response {
    let status = StatusCode::from_u16(answered.status).unwrap_or(StatusCode::OK);
    let mut response = (status, answered.document).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(location) = answered.location.and_then(|location| HeaderValue::from_str(&location).ok()) {
        headers.insert(header::LOCATION, location);
    }
    response
}

/// The key, where there is one.
fn key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut values = headers.get_all(HEADER).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let text = value.to_str().ok().map(|text| text.trim().trim_matches('"'));
    let is_key =
        |text: &&str| (1..=MAX_KEY_BYTES).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    match text.filter(is_key) {
        Some(text) if values.next().is_none() => Ok(Some(text.to_owned())),
        _ => Err(Problem::invalid(format!(
            "`Idempotency-Key` stands once and has 1 to {MAX_KEY_BYTES} printable characters of ASCII"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_stands_once_and_is_printable() {
        let read = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(HEADER, HeaderValue::from_str(value).expect("text"));
            }
            key(&headers).ok()
        };
        assert_eq!(
            (read(&[]), read(&["a-1"]), read(&["\"a-1\""])),
            (Some(None), Some(Some("a-1".to_owned())), Some(Some("a-1".to_owned())))
        );
        let long = "a".repeat(MAX_KEY_BYTES + 1);
        for bad in [&["a", "b"][..], &[""], &["\"\""], &["a b"], &[long.as_str()]] {
            assert_eq!(read(bad), None, "{bad:?}");
        }
    }
}
