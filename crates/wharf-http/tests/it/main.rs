//! The client against servers of its own: certificate authorities, redirects and whole answers.

mod outside;

use std::net::TcpListener;
use std::sync::Arc;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::PrivatePkcs8KeyDer;
use wharf_http::{Error, Settings};

/// Answers requests one after the other, each with the next of `answers`, over what `wrap` makes of a connection.
fn serve<S: std::io::Read + std::io::Write>(
    answers: Vec<String>,
    wrap: impl Fn(std::net::TcpStream) -> S + Send + 'static,
) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for answer in answers {
            let Ok((stream, _)) = listener.accept() else { return };
            let mut stream = wrap(stream);
            let mut request = [0; 4096];
            if stream.read(&mut request).is_ok() && stream.write_all(answer.as_bytes()).is_ok() {
                stream.flush().unwrap_or_default();
            }
        }
    });
    address
}

fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

fn redirect(to: &str) -> String {
    format!("HTTP/1.1 302 Found\r\nconnection: close\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n")
}

fn install_provider() {
    // Every test may be the first.
    drop(rustls::crypto::ring::default_provider().install_default());
}

#[tokio::test]
async fn a_redirect_within_the_server_is_followed_and_one_to_another_is_not() {
    install_provider();
    let client = wharf_http::client(&Settings::default()).expect("a client");
    let other = serve(vec![ok("stolen")], |stream| stream);
    let address = serve(vec![redirect("/next"), ok("here"), redirect(&format!("http://{other}/"))], |stream| stream);

    let answer = client.get(format!("http://{address}/")).send().await.expect("an answer");
    assert_eq!(answer.text().await.expect("text"), "here");
    let answer = client.get(format!("http://{address}/")).send().await.expect("an answer");
    assert_eq!(answer.status(), 302, "the caller judges it");
}

#[tokio::test]
async fn a_server_is_believed_when_its_authority_is_named() {
    install_provider();
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(vec!["localhost".to_owned()]).expect("made");
    let key = PrivatePkcs8KeyDer::from(signing_key.serialize_der()).into();
    let config = rustls::ServerConfig::builder().with_no_client_auth().with_single_cert(vec![cert.der().clone()], key);
    let config = Arc::new(config.expect("a server"));
    let address = serve(vec![ok("secret"), ok("secret")], move |stream| {
        let connection = rustls::ServerConnection::new(Arc::clone(&config)).expect("a connection");
        rustls::StreamOwned::new(connection, stream)
    });
    let url = format!("https://localhost:{}/", address.port());

    let stranger = wharf_http::client(&Settings::default()).expect("a client");
    assert!(stranger.get(&url).send().await.is_err(), "nobody vouches for it");

    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("authority.pem");
    std::fs::write(&path, cert.pem()).expect("written");
    let friend = wharf_http::client(&Settings { authorities: vec![path], ..Settings::default() }).expect("a client");
    let answer = friend.get(&url).send().await.expect("an answer");
    assert_eq!(answer.text().await.expect("text"), "secret");
}

#[test]
fn a_file_without_authorities_is_refused_by_name() {
    install_provider();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("empty.pem");
    std::fs::write(&path, "").expect("written");
    let refused = wharf_http::client(&Settings { authorities: vec![path], ..Settings::default() });
    assert!(matches!(refused, Err(Error::ParseAuthorities { .. })));
    let refused = wharf_http::client(&Settings { authorities: vec!["/nowhere".into()], ..Settings::default() });
    assert!(matches!(refused, Err(Error::ReadAuthorities { .. })));
}

#[tokio::test]
async fn a_whole_answer_has_its_status_and_a_limit() {
    install_provider();
    let client = wharf_http::client(&Settings::default()).expect("a client");
    let address = serve(vec![ok("12345678"), redirect("http://127.0.0.1:1/"), ok("123456789")], |stream| stream);
    let ask = async || {
        let request = http::Request::get(format!("http://{address}/")).body(Vec::new()).expect("a request");
        wharf_http::exchange(&client, request, 8).await
    };
    assert_eq!(ask().await.expect("an answer").body(), b"12345678");
    assert_eq!(ask().await.expect("an answer").status(), 302);
    assert!(matches!(ask().await, Err(Error::AnswerTooLarge { max_bytes: 8, .. })));
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named() {
    install_provider();
    let client = wharf_http::client(&Settings::default()).expect("a client");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let request = http::Request::get(format!("http://{address}/?secret")).body(Vec::new()).expect("a request");
    let error = wharf_http::exchange(&client, request, 8).await.expect_err("nobody listens");
    assert_eq!(error.to_string(), format!("cannot reach `{address}`"));
}
