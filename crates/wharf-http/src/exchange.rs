//! One request and its answer: whole where both are small, or as streams.

use http::{Request, Response};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use reqwest::{Body, Client};

use crate::error::Error;

/// Sends a request to an absolute URI. The answer's body is still to come, whatever its status.
pub async fn send(client: &Client, request: Request<Body>) -> Result<Response<Body>, Error> {
    let host = host(&request);
    // Where it was sent stands in our own text, and a URL may hold what is nobody's business.
    let reach = |source: reqwest::Error| Error::Reach { host: host.clone(), source: source.without_url() };
    let request = reqwest::Request::try_from(request).map_err(reach)?;
    Ok(client.execute(request).await.map_err(reach)?.into())
}

/// Sends a request to an absolute URI and reads the whole answer, whatever its status, of at most `max_bytes`.
pub async fn exchange(
    client: &Client,
    request: Request<Vec<u8>>,
    max_bytes: usize,
) -> Result<Response<Vec<u8>>, Error> {
    let host = host(&request);
    let (head, body) = send(client, request.map(Body::from)).await?.into_parts();
    Ok(Response::from_parts(head, collect(&host, body, max_bytes).await?))
}

/// Reads an answer's body to its end.
pub async fn collect(host: &str, body: Body, max_bytes: usize) -> Result<Vec<u8>, Error> {
    match Limited::new(body, max_bytes).collect().await {
        Ok(whole) => Ok(whole.to_bytes().into()),
        Err(error) if error.is::<LengthLimitError>() => Err(Error::AnswerTooLarge { host: host.to_owned(), max_bytes }),
        Err(error) => {
            let source = error.downcast::<reqwest::Error>().expect("it is the limit's error or the body's");
            Err(Error::Reach { host: host.to_owned(), source: source.without_url() })
        }
    }
}

fn host<B>(request: &Request<B>) -> String {
    request.uri().authority().map_or_else(String::new, ToString::to_string)
}
