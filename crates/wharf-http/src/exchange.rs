//! One request and its whole answer, where both are small: what a client of an API needs.
//!
//! What streams, or is retried, is not for here.

use http::{Request, Response};
use reqwest::Client;

use crate::error::Error;

/// Sends a request to an absolute URI and reads the whole answer, whatever its status, of at most `max_bytes`.
pub async fn exchange(
    client: &Client,
    request: Request<Vec<u8>>,
    max_bytes: usize,
) -> Result<Response<Vec<u8>>, Error> {
    let host = request.uri().authority().map_or_else(String::new, ToString::to_string);
    // Where it was sent stands in our own text, and a URL may hold what is nobody's business.
    let reach = |source: reqwest::Error| Error::Reach { host: host.clone(), source: source.without_url() };
    let request = reqwest::Request::try_from(request).map_err(reach)?;
    let mut answer = client.execute(request).await.map_err(reach)?;
    let mut body = Vec::new();
    while let Some(piece) = answer.chunk().await.map_err(reach)? {
        if body.len() + piece.len() > max_bytes {
            return Err(Error::AnswerTooLarge { host, max_bytes });
        }
        body.extend_from_slice(&piece);
    }
    let mut response = Response::new(body);
    *response.status_mut() = answer.status();
    *response.headers_mut() = std::mem::take(answer.headers_mut());
    Ok(response)
}
