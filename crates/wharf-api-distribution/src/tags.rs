//! Tags: end-8.

use axum::Json;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use url::form_urlencoded;
use wharf_oci::Tag;

use crate::api::{Api, Call};
use crate::error::OciError;
use crate::headers;
use crate::route::Target;

#[derive(Serialize)]
struct TagList<'a> {
    name: &'a str,
    tags: Vec<&'a str>,
}

pub(crate) async fn list(api: &Api, call: Call<'_>) -> Result<Response, OciError> {
    let Target::Tags(name) = &call.target else { return Err(OciError::misrouted()) };
    let wanted = call.parameters.entries()?;
    let page = api.registry.list_tags(&call.ctx, name, call.parameters.get("last")?, wanted).await?;
    let tags: Vec<&str> = page.entries.iter().map(Tag::as_str).collect();
    let name = call.names.outward(name);
    let next = next(&format!("/v2/{name}/tags/list"), wanted, tags.last().copied().filter(|_| page.has_more));
    Ok((next, Json(TagList { name, tags })).into_response())
}

/// `Link` to the page after `last`. RFC 8288.
pub(crate) fn next(path: &str, wanted: Option<usize>, last: Option<&str>) -> HeaderMap {
    let mut answer = HeaderMap::new();
    if let Some(last) = last {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("last", last);
        if let Some(wanted) = wanted {
            query.append_pair("n", &wanted.to_string());
        }
        answer.insert(header::LINK, headers::value(format_args!("<{path}?{}>; rel=\"next\"", query.finish())));
    }
    answer
}
