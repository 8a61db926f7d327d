//! Requests that another site's page made a browser send.
//!
//! The API knows no cookies, and a page of another site cannot set `Authorization`; but a browser whose user has once
//! typed a password for this server may add it by itself. So what changes something is refused when the browser says
//! that it comes from elsewhere. Clients that are no browsers send neither header.

use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use url::{Origin, Url};

use crate::api::Settings;
use crate::authenticate::host;
use crate::problem::Problem;

/// The answer to a request that comes from another site.
pub(crate) fn refuse(settings: &Settings, request: &Request) -> Option<Problem> {
    let is_foreign =
        !request.method().is_safe() && (is_declared(request.headers()) || has_foreign_origin(settings, request));
    is_foreign.then(|| Problem::new(StatusCode::FORBIDDEN, "requests of other sites' pages may not change anything"))
}

/// `Sec-Fetch-Site`: the browser's own word.
fn is_declared(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-site").is_some_and(|site| site != "same-origin" && site != "none")
}

/// `Origin`, for browsers that do not send the other.
fn has_foreign_origin(settings: &Settings, request: &Request) -> bool {
    let Some(origin) = request.headers().get(header::ORIGIN) else { return false };
    let origin = origin.to_str().ok().and_then(|text| Url::parse(text).ok());
    // `null` is a page without an origin, such as a sandboxed frame.
    let Some(origin) = origin.as_ref().map(Url::origin).filter(Origin::is_tuple) else { return true };
    let is_public = settings.public_url.as_ref().is_some_and(|url| url.origin() == origin);
    !is_public && !is_of_host(&origin, host(request))
}

fn is_of_host(origin: &Origin, host: Option<&str>) -> bool {
    let Origin::Tuple(scheme, ..) = origin else { return false };
    let url = host.and_then(|host| Url::parse(&format!("{scheme}://{host}")).ok());
    url.is_some_and(|url| url.origin() == *origin)
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    /// Method, headers, and whether the request is refused.
    type Row = (&'static str, &'static [(&'static str, &'static str)], bool);

    fn is_refused(method: &str, headers: &[(&str, &str)]) -> bool {
        let settings = Settings { public_url: Url::parse("https://registry.example.org").ok(), ..Settings::default() };
        let request = Request::builder().method(method).uri("/api/v1/keys").header("host", "127.0.0.1:5000");
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        refuse(&settings, &request.body(Body::empty()).expect("a request")).is_some()
    }

    #[test]
    fn changes_come_from_our_own_pages_or_from_no_page() {
        let table: [Row; 10] = [
            ("POST", &[], false),
            ("POST", &[("sec-fetch-site", "same-origin")], false),
            ("POST", &[("sec-fetch-site", "none")], false),
            ("POST", &[("sec-fetch-site", "cross-site")], true),
            ("POST", &[("sec-fetch-site", "same-site")], true),
            ("GET", &[("sec-fetch-site", "cross-site")], false),
            ("DELETE", &[("origin", "https://registry.example.org")], false),
            ("DELETE", &[("origin", "http://127.0.0.1:5000")], false),
            ("DELETE", &[("origin", "https://evil.example.org")], true),
            ("DELETE", &[("origin", "null")], true),
        ];
        for (method, headers, refused) in table {
            assert_eq!(is_refused(method, headers), refused, "{method} {headers:?}");
        }
    }
}
