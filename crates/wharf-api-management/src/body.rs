//! What a request's body holds: one JSON object, small, with known members that stand once.

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use wharf_oci::json;

use crate::problem::Problem;

/// The largest body of most requests.
pub(crate) const SMALL_BYTES: usize = 64 * 1024;
/// The largest body that holds a file: an htpasswd file of a mebibyte, with its line ends escaped.
pub(crate) const FILE_BYTES: usize = 2 * 1024 * 1024;

/// A request's body, read into what the route takes.
#[derive(Debug)]
pub(crate) struct Json<T, const MAX_BYTES: usize = SMALL_BYTES>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync, const MAX_BYTES: usize> FromRequest<S> for Json<T, MAX_BYTES> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        check_media_type(request.headers())?;
        let bytes = read(request.into_body(), MAX_BYTES).await?;
        parse(&bytes).map(Self)
    }
}

/// A page of another site can send a form or plain text without asking the browser, but not this.
fn check_media_type(headers: &HeaderMap) -> Result<(), Problem> {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = value.split(';').next().unwrap_or_default().trim();
    if media_type.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "the body is JSON, with `Content-Type: application/json`"))
}

pub(crate) async fn read(body: Body, max_bytes: usize) -> Result<Vec<u8>, Problem> {
    match Limited::new(body, max_bytes).collect().await {
        Ok(body) => Ok(body.to_bytes().to_vec()),
        Err(error) if error.is::<LengthLimitError>() => {
            Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, format!("the body has at most {max_bytes} bytes")))
        }
        Err(_) => Err(Problem::invalid("the body broke off")),
    }
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let text = json::check(bytes).map_err(|error| Problem::invalid(error.to_string()))?;
    // A reader of structs takes arrays, too.
    if !text.trim_start().starts_with('{') {
        return Err(Problem::invalid("the body is a JSON object"));
    }
    serde_json::from_str(text).map_err(|error| Problem::invalid(sentence(&error)))
}

/// What is wrong, without the place: bodies are short, and most are made by programs.
fn sentence(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    text.strip_suffix(&place).unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Eq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Taken {
        name: String,
    }

    #[test]
    fn a_body_is_one_object_with_known_members_that_stand_once() {
        assert_eq!(parse(br#" {"name":"a"} "#).ok(), Some(Taken { name: "a".to_owned() }));
        for bad in [
            "",
            "{}",
            r#"["a"]"#,
            r#"{"name":"a","x":1}"#,
            r#"{"name":"a","name":"b"}"#,
            r#"{"name":1}"#,
            "{\"name\":\"\u{0}\"}",
        ] {
            assert!(parse::<Taken>(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(parse::<Taken>(b"{\"name\":\"\xff\"}").is_err());
    }

    #[tokio::test]
    async fn a_body_is_json_by_its_own_word_and_not_too_large() {
        let take = async |media_type: &str, body: String| {
            let request = Request::builder().header(header::CONTENT_TYPE, media_type).body(Body::from(body));
            Json::<Taken>::from_request(request.expect("a request"), &()).await.map(|Json(taken)| taken.name)
        };
        let good = r#"{"name":"a"}"#;
        assert!(take("application/json; charset=utf-8", good.to_owned()).await.is_ok());
        for bad in ["", "text/plain", "application/x-www-form-urlencoded", "text/json"] {
            assert!(take(bad, good.to_owned()).await.is_err(), "{bad}");
        }
        assert!(take("application/json", format!("{good}{}", " ".repeat(SMALL_BYTES))).await.is_err());
    }
}
