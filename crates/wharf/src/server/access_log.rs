//! One line per request, when its answer has ended.
//!
//! Nothing secret gets in: headers are not logged but the user agent, and of the query only parameters that are known
//! to be harmless keep their values.

use std::time::Duration;

use http::{HeaderValue, Method, StatusCode, Uri, Version};
use std::net::IpAddr;
use wharf_context::RequestId;

/// Query parameters whose values may be read by whoever reads the log.
const HARMLESS: [&str; 14] = [
    "account",
    "artifactType",
    "client_id",
    "digest",
    "from",
    "last",
    "mount",
    "n",
    "offline_token",
    "scope",
    "service",
    "tag",
    "digest-algorithm",
    "limit",
];

/// What is known of a request when its answer has ended.
#[derive(Debug)]
pub(crate) struct Entry<'a> {
    pub(crate) id: RequestId,
    pub(crate) client: Option<IpAddr>,
    pub(crate) method: &'a Method,
    pub(crate) uri: &'a Uri,
    pub(crate) version: Version,
    pub(crate) user_agent: Option<&'a HeaderValue>,
    /// The answer's code; without one, the client left before there was an answer.
    pub(crate) status: Option<StatusCode>,
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
    pub(crate) duration: Duration,
    /// Whether the whole answer was handed over.
    pub(crate) is_complete: bool,
}

/// Writes the line. Field names are OpenTelemetry's where it has one.
pub(crate) fn write(entry: &Entry<'_>) {
    tracing::info!(
        target: "access",
        request_id = %entry.id,
        client.address = entry.client.map(tracing::field::display),
        http.request.method = %entry.method,
        url.path = entry.uri.path(),
        url.query = entry.uri.query().map(redact),
        network.protocol.version = protocol(entry.version),
        http.response.status_code = entry.status.map(|status| status.as_u16()),
        http.request.body.size = entry.bytes_in,
        http.response.body.size = entry.bytes_out,
        duration_ms = entry.duration.as_secs_f64() * 1000.0,
        complete = entry.is_complete,
        user_agent.original = entry.user_agent.map(|agent| tracing::field::display(agent.as_bytes().escape_ascii())),
    );
}

/// The query with the values of all but harmless parameters left out.
pub(crate) fn redact(query: &str) -> String {
    let parts = query.split('&').map(|part| match part.split_once('=') {
        Some((name, _)) if !HARMLESS.contains(&name) => format!("{name}=-"),
        Some(_) => part.to_owned(),
        // A bare word may be a secret that lost its name.
        None => "-".to_owned(),
    });
    parts.collect::<Vec<_>>().join("&")
}

fn protocol(version: Version) -> &'static str {
    match version {
        Version::HTTP_2 => "2",
        Version::HTTP_10 => "1.0",
        _ => "1.1",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_harmless_parameters_keep_their_values() {
        for (query, shown) in [
            ("n=5&last=v1", "n=5&last=v1"),
            (
                "service=wharf&password=s3cret&scope=repository:a/b:pull",
                "service=wharf&password=-&scope=repository:a/b:pull",
            ),
            ("_state=abc&digest=sha256:00", "_state=-&digest=sha256:00"),
            ("s3cret", "-"),
            ("refresh_token=x", "refresh_token=-"),
        ] {
            assert_eq!(redact(query), shown);
        }
    }
}
