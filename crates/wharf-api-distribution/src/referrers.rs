//! Referrers: end-12a and end-12b.

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use url::form_urlencoded;
use wharf_oci::code::ErrorCode;
use wharf_oci::media_type::MediaType;
use wharf_oci::{Digest, index};
use wharf_registry::ReferrersQuery;

use crate::api::{Api, Call};
use crate::error::OciError;
use crate::headers::{self, OCI_FILTERS_APPLIED};
use crate::route::Target;

pub(crate) async fn list(api: &Api, call: Call<'_>) -> Result<Response, OciError> {
    let Target::Referrers(name, subject) = &call.target else { return Err(OciError::misrouted()) };
    let subject: Digest =
        subject.parse().map_err(|error| OciError::new(ErrorCode::DigestInvalid, format!("{error}")))?;
    let artifact_type = call.parameters.get("artifactType")?.filter(|text| !text.is_empty()).map(str::to_owned);
    let (last, wanted) = (last(call.parameters.get("last")?)?, call.parameters.entries()?);
    let asked = ReferrersQuery { subject, artifact_type, last, wanted };
    let page = api.registry.list_referrers(&call.ctx, name, &asked).await?;
    let kind = [(header::CONTENT_TYPE, HeaderValue::from_static(MediaType::OciIndex.as_str()))];
    let mut response = (kind, index::referrers(&page.descriptors)).into_response();
    if asked.artifact_type.is_some() {
        response.headers_mut().insert(OCI_FILTERS_APPLIED, HeaderValue::from_static("artifactType"));
    }
    if let Some(next) = page.next {
        let query = query(&asked, next);
        let name = call.names.outward(name);
        let link = format!("</v2/{name}/referrers/{subject}?{query}>; rel=\"next\"");
        response.headers_mut().insert(header::LINK, headers::value(link));
    }
    Ok(response)
}

/// The position that a `Link` of ours named.
fn last(text: Option<&str>) -> Result<i64, OciError> {
    let Some(text) = text else { return Ok(0) };
    let position = text.parse::<i64>().ok().filter(|position| *position >= 0);
    position.ok_or_else(|| OciError::new(ErrorCode::PaginationNumberInvalid, "`last` is not from a Link of this list"))
}

fn query(asked: &ReferrersQuery, next: i64) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    if let Some(artifact_type) = &asked.artifact_type {
        query.append_pair("artifactType", artifact_type);
    }
    if let Some(wanted) = asked.wanted {
        query.append_pair("n", &wanted.to_string());
    }
    query.append_pair("last", &next.to_string());
    query.finish()
}
