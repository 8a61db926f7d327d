//! Traces: sent to a collector with the feature `otel`, refused by name without it.

#[cfg(not(feature = "otel"))]
#[test]
fn a_collector_needs_a_build_that_can_reach_it() {
    let (code, _, problem) = super::server::run(|command| {
        command.args(["config", "check"]).env("WHARF_TELEMETRY_OTLP_ENDPOINT", "http://127.0.0.1:4318/v1/traces");
    });
    assert!(code == 3 && problem.contains("feature `otel`"), "{problem}");
}

#[cfg(feature = "otel")]
#[test]
fn a_request_becomes_a_span_under_the_clients_own() {
    use std::io::{Read as _, Write as _};

    use super::server::{SOON, Server};

    let collector = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let endpoint = format!("http://{}/v1/traces", collector.local_addr().expect("an address"));
    let mut server = Server::start_with(&[], |command| {
        command.env("WHARF_TELEMETRY_OTLP_ENDPOINT", endpoint);
    });
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    server.get(&format!("/livez HTTP/1.1\r\ntraceparent: {parent}\r\nx:"));
    server.signal("TERM");

    let (mut stream, _) = collector.accept().expect("the last batch");
    stream.set_read_timeout(Some(SOON)).expect("a timeout");
    let mut sent = Vec::new();
    let mut bytes = [0; 8192];
    while !sent.windows(10).any(|part| part == b"GET /livez") {
        let count = stream.read(&mut bytes).expect("a batch");
        assert!(count > 0, "{}", String::from_utf8_lossy(&sent));
        sent.extend_from_slice(&bytes[..count]);
    }
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").expect("answered");
    let text = String::from_utf8_lossy(&sent);
    assert!(text.starts_with("POST /v1/traces") && text.contains("application/x-protobuf"), "{text}");
    let trace = [0x0a, 0xf7, 0x65, 0x19, 0x16, 0xcd, 0x43, 0xdd, 0x84, 0x48, 0xeb, 0x21, 0x1c, 0x80, 0x31, 0x9c];
    assert!(sent.windows(16).any(|part| part == trace), "the client's trace goes on");
    assert_eq!(server.wait().code(), Some(0));
}
