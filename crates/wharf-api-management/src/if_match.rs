//! `If-Match`: a change that counts on what was read before (RFC 9110, section 13.1.1).

use axum::extract::FromRequestParts;
use axum::http::header::IF_MATCH;
use axum::http::request::Parts;

use crate::problem::Problem;

/// The revision that must still be in force; `None`: whichever is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct IfMatch(pub(crate) Option<i64>);

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut values = parts.headers.get_all(IF_MATCH).iter();
        let malformed =
            || Problem::invalid("`If-Match` is one entity tag as an answer's ETag gave it: `\"7\"`, or `*`");
        match (values.next(), values.next()) {
            (None, _) => Ok(Self(None)),
            (Some(value), None) => match value.to_str().map_err(|_| malformed())?.trim() {
                "*" => Ok(Self(None)),
                tag => {
                    let digits = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"')).ok_or_else(malformed)?;
                    digits.parse().map(|revision| Self(Some(revision))).map_err(|_| malformed())
                }
            },
            (Some(_), Some(_)) => Err(malformed()),
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    async fn read(values: &[&str]) -> Option<Option<i64>> {
        let request = values.iter().fold(Request::builder(), |request, value| request.header(IF_MATCH, *value));
        let mut parts = request.body(()).expect("a request").into_parts().0;
        IfMatch::from_request_parts(&mut parts, &()).await.ok().map(|IfMatch(revision)| revision)
    }

    #[tokio::test]
    async fn an_entity_tag_is_a_revision_in_quotes() {
        assert_eq!(
            (read(&[]).await, read(&["*"]).await, read(&["\"7\""]).await),
            (Some(None), Some(None), Some(Some(7)))
        );
        for bad in [&["7"][..], &["\"x\""], &["W/\"7\""], &["\"7\"", "\"8\""], &["\""]] {
            assert_eq!(read(bad).await, None, "{bad:?}");
        }
    }
}
