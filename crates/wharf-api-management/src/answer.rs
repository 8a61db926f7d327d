//! What answers hold: a document, a new one with its place, or a page of a list.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use wharf_identity::Page;

/// 201 with the new thing, and where it is from now on.
#[derive(Debug)]
pub(crate) struct Created<T> {
    pub(crate) location: String,
    pub(crate) body: T,
}

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        let location = HeaderValue::from_str(&self.location).ok();
        let location = location.map(|location| [(header::LOCATION, location)]);
        (StatusCode::CREATED, location, Json(self.body)).into_response()
    }
}

/// A page: its entries, and what to ask for next, both in the body and as a link.
#[derive(Debug)]
pub(crate) struct Listed<T> {
    link: Option<String>,
    body: ListedBody<T>,
}

#[derive(Debug, Serialize)]
struct ListedBody<T> {
    entries: Vec<T>,
    next: Option<String>,
}

impl<T> Listed<T> {
    /// The page that answers a request for `uri`.
    pub(crate) fn of<E: Into<T>>(page: Page<E>, uri: &Uri) -> Self {
        Self::map(page, uri, Into::into)
    }

    /// The same, where an entry is made of more than what the page holds.
    pub(crate) fn map<E>(page: Page<E>, uri: &Uri, show: impl FnMut(E) -> T) -> Self {
        let link = page.next.as_ref().map(|next| link(uri, next));
        let entries = page.entries.into_iter().map(show).collect();
        Self { link, body: ListedBody { entries, next: page.next } }
    }

    /// A page of governance's.
    pub(crate) fn of_governance<E: Into<T>>(page: wharf_governance::Page<E>, uri: &Uri) -> Self {
        Self::of(Page { entries: page.entries, next: page.next }, uri)
    }

    /// A page of the registry's; `next` makes of its last entry what to ask for next.
    pub(crate) fn of_registry<E: Into<T>>(
        page: wharf_registry::Page<E>,
        uri: &Uri,
        next: impl FnOnce(&E) -> String,
    ) -> Self {
        let next = page.entries.last().filter(|_| page.has_more).map(next);
        Self::of(Page { entries: page.entries, next }, uri)
    }
}

impl<T: Serialize> IntoResponse for Listed<T> {
    fn into_response(self) -> Response {
        let link = self.link.and_then(|link| HeaderValue::from_str(&link).ok());
        (link.map(|link| [(header::LINK, link)]), Json(self.body)).into_response()
    }
}

/// The next page of the list at `uri`, with everything else that was asked for (RFC 8288).
fn link(uri: &Uri, next: &str) -> String {
    let asked = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(asked.filter(|(name, _)| name != "after")).append_pair("after", next);
    format!("<{}?{}>; rel=\"next\"", uri.path(), query.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_keeps_what_was_asked_for() {
        let uri = Uri::from_static("/api/v1/audit?after=9&resource=a%2Fb&limit=2");
        assert_eq!(link(&uri, "7"), r#"</api/v1/audit?resource=a%2Fb&limit=2&after=7>; rel="next""#);
        assert_eq!(link(&Uri::from_static("/x"), "user:a"), r#"</x?after=user%3Aa>; rel="next""#);
    }
}
