//! Headers that several endpoints read or write.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use wharf_oci::Digest;
use wharf_oci::code::ErrorCode;
use wharf_registry::Precondition;
use wharf_registry::manifest::Accept;

use crate::error::OciError;

pub(crate) const DOCKER_CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");
pub(crate) const OCI_SUBJECT: HeaderName = HeaderName::from_static("oci-subject");
pub(crate) const OCI_TAG: HeaderName = HeaderName::from_static("oci-tag");
pub(crate) const OCI_FILTERS_APPLIED: HeaderName = HeaderName::from_static("oci-filters-applied");
pub(crate) const DOCKER_UPLOAD_UUID: HeaderName = HeaderName::from_static("docker-upload-uuid");

/// A header that may stand once, as text.
pub(crate) fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, OciError> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let bad = |what| OciError::new(ErrorCode::Unsupported, format!("header `{name}` {what}")).bad_request();
    if values.next().is_some() {
        return Err(bad("stands twice"));
    }
    value.to_str().map(Some).map_err(|_| bad("is not text"))
}

/// The value of a header that is made of names and digests only.
pub(crate) fn value(text: impl std::fmt::Display) -> HeaderValue {
    HeaderValue::from_str(&text.to_string()).unwrap_or_else(|_| HeaderValue::from_static(""))
}

pub(crate) fn blob_location(name: &str, digest: &Digest) -> HeaderValue {
    value(format_args!("/v2/{name}/blobs/{digest}"))
}

/// `Range` of an upload: the bytes that it has, both ends inclusive. An empty one has no such range; like other
/// registries we write `0-0`, which clients read as "begin at 0".
pub(crate) fn upload_range(offset_bytes: u64) -> String {
    format!("0-{}", offset_bytes.saturating_sub(1))
}

/// `Warning` as the distribution-spec has it: a sentence for whoever pushes, which clients print.
pub(crate) fn warning(sentence: Option<String>) -> Option<[(HeaderName, HeaderValue); 1]> {
    sentence.map(|sentence| [(header::WARNING, value(format_args!("299 - \"{sentence}\"")))])
}

/// The entity tag of content: its digest in quotes.
pub(crate) fn etag(digest: &Digest) -> HeaderValue {
    value(format_args!("\"{digest}\""))
}

/// Whether `If-None-Match` names the content, so that the client has it already.
pub(crate) fn has_already(headers: &HeaderMap, digest: &Digest) -> bool {
    let tag = digest.to_string();
    entity_tags(headers, &header::IF_NONE_MATCH).iter().any(|entry| entry == "*" || *entry == tag)
}

/// What `If-Match` and `If-None-Match` demand before a change.
pub(crate) fn precondition(headers: &HeaderMap) -> Result<Precondition, OciError> {
    let wanted = entity_tags(headers, &header::IF_MATCH);
    let unwanted = entity_tags(headers, &header::IF_NONE_MATCH);
    let bad = |message: &str| OciError::new(ErrorCode::Unsupported, message).bad_request();
    match (wanted.as_slice(), unwanted.as_slice()) {
        ([], []) => Ok(Precondition::None),
        ([any], []) if any == "*" => Ok(Precondition::Exists),
        ([], [any]) if any == "*" => Ok(Precondition::Absent),
        (tags, []) => {
            let digests: Option<Vec<Digest>> = tags.iter().map(|tag| tag.parse().ok()).collect();
            digests.map(Precondition::Matches).ok_or_else(|| bad("`If-Match` takes digests in quotes, or *"))
        }
        _ => Err(bad("a change takes `If-Match`, or `If-None-Match: *`, and not both")),
    }
}

/// The entity tags of a header, without quotes and weakness.
fn entity_tags(headers: &HeaderMap, name: &HeaderName) -> Vec<String> {
    let lists = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    lists
        .flat_map(|list| list.split(','))
        .map(|tag| tag.trim().trim_start_matches("W/").trim_matches('"').to_owned())
        .filter(|tag| !tag.is_empty())
        .collect()
}

/// The media types that the client takes.
pub(crate) fn accept(headers: &HeaderMap) -> Accept {
    let lists = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let types: Vec<String> = lists
        .flat_map(|list| list.split(','))
        .filter_map(|range| {
            let mut parts = range.split(';').map(str::trim);
            let media_type = parts.next().unwrap_or_default().to_ascii_lowercase();
            let refused = parts.any(|parameter| matches!(parameter, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"));
            (!media_type.is_empty() && !refused).then_some(media_type)
        })
        .collect();
    if types.is_empty() || types.iter().any(|media_type| media_type == "*/*") {
        Accept::Anything
    } else {
        Accept::Only(types)
    }
}

#[cfg(test)]
mod tests {
    use wharf_oci::Algorithm;

    use super::*;

    fn with(name: HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_str(value).expect("text"))])
    }

    #[test]
    fn preconditions_are_read_from_entity_tags() {
        let digest = Digest::of(Algorithm::Sha256, b"x");
        let read = |name, value: &str| precondition(&with(name, value)).ok();
        assert_eq!(precondition(&HeaderMap::new()).ok(), Some(Precondition::None));
        assert_eq!(read(header::IF_MATCH, &format!("\"{digest}\"")), Some(Precondition::Matches(vec![digest])));
        assert_eq!(read(header::IF_MATCH, "*"), Some(Precondition::Exists));
        assert_eq!(read(header::IF_NONE_MATCH, "*"), Some(Precondition::Absent));
        assert_eq!(read(header::IF_MATCH, "\"v1\""), None);
        assert_eq!(read(header::IF_NONE_MATCH, &format!("\"{digest}\"")), None);
    }

    #[test]
    fn accept_is_a_list_of_media_types() {
        assert_eq!(accept(&HeaderMap::new()), Accept::Anything);
        assert_eq!(accept(&with(header::ACCEPT, "a/b, */*;q=0.1")), Accept::Anything);
        let expected = Accept::Only(vec!["a/b".to_owned(), "c/d".to_owned()]);
        assert_eq!(accept(&with(header::ACCEPT, "a/b;q=1, C/D ,e/f;q=0")), expected);
    }

    #[test]
    fn one_header_is_one_header() {
        let mut headers = with(header::CONTENT_RANGE, "0-1");
        assert_eq!(single(&headers, &header::CONTENT_RANGE).expect("one"), Some("0-1"));
        headers.append(header::CONTENT_RANGE, HeaderValue::from_static("2-3"));
        assert!(single(&headers, &header::CONTENT_RANGE).is_err());
    }
}
