//! Who may read `/metrics`, what stands in it, ids and the access log.

use super::server::{Server, ask, connect, eventually};

#[test]
fn metrics_are_for_callers_on_this_machine() {
    let server = Server::start(&[]);
    server.get("/livez");
    eventually("the request is counted", || {
        let text = server.get("/metrics");
        text.contains(r#"wharf_http_requests_total{route="/livez",method="GET",code="200"} "#)
    });
    let text = server.get("/metrics");
    for name in ["wharf_http_request_duration_seconds_bucket", "wharf_http_sent_bytes_total", "wharf_http_connections "]
    {
        assert!(text.contains(name), "{name}: {text}");
    }
    let request = "/metrics HTTP/1.1\r\nx-forwarded-for: 192.0.2.1\r\nx:";
    assert!(server.get(request).starts_with("HTTP/1.1 404"), "not through a proxy");
}

#[test]
fn metrics_are_closed_behind_a_public_url_and_open_on_their_own_address() {
    let server = Server::start(&["--public-url", "https://registry.example.com"]);
    assert!(server.get("/metrics").starts_with("HTTP/1.1 404"));

    let server = Server::start_with(&[], |command| {
        command.env("WHARF_METRICS_LISTEN", "127.0.0.1:0");
    });
    assert!(server.get("/metrics").starts_with("HTTP/1.1 404"));
    let address = server.welcome_of("(metrics)").expect("told in the welcome");
    assert!(ask(connect(address), "/metrics").contains("wharf_http_connections"));
    assert!(ask(connect(address), "/livez").starts_with("HTTP/1.1 404"), "nothing else stands there");
}

#[test]
fn every_answer_has_an_id_that_stands_in_the_log_and_secrets_do_not() {
    let server = Server::start_with(&["--log-format", "json"], |_| {});
    let answer =
        server.get("/nowhere?password=s3cret&n=5&_state=s3cret HTTP/1.1\r\nauthorization: Bearer s3cret\r\nx:");
    let id = answer.lines().find_map(|line| line.strip_prefix("x-request-id: ")).expect("an id").to_owned();
    eventually("the request is logged", || server.log().contains(&id));
    let log = server.log();
    let line = log.lines().find(|line| line.contains(&id)).expect("a line");
    assert!(line.starts_with('{') && line.contains(r#""url.query":"password=-&n=5&_state=-""#), "{line}");
    assert!(!log.contains("s3cret"), "{log}");
}

#[test]
fn an_id_that_a_client_sends_is_not_taken_over() {
    let server = Server::start(&[]);
    let answer = server.get("/livez HTTP/1.1\r\nx-request-id: mine\r\nx:");
    assert!(answer.contains("x-request-id: ") && !answer.contains("mine"), "{answer}");
}
