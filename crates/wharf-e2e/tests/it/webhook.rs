//! Webhooks of a running server: a real receiver, a real push, a kill between sending and writing that down.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use data_encoding::BASE64;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::image::{Algorithm, Content};
use crate::server::{Server, Settings};
use crate::specification::Repository;

/// Longer than a lane waits for a node that died.
const PATIENCE: Duration = Duration::from_secs(40);

/// One request as it arrived.
#[derive(Debug)]
struct Request {
    head: String,
    body: Vec<u8>,
}

impl Request {
    fn header(&self, name: &str) -> &str {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        let found = lines.filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value).next();
        found.unwrap_or_else(|| panic!("no `{name}` in {}", self.head))
    }
}

/// Takes requests and tells of each before it answers, `after` later.
fn receive(after: Duration) -> (SocketAddr, Receiver<Request>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let (told, requests) = channel();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let told = told.clone();
            thread::spawn(move || answer(stream, &told, after));
        }
    });
    (address, requests)
}

fn answer(mut stream: TcpStream, told: &Sender<Request>, after: Duration) {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 8192]);
    let (head, body_at) = loop {
        let count = stream.read(&mut buffer).unwrap_or(0);
        bytes.extend_from_slice(&buffer[..count]);
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break (String::from_utf8_lossy(&bytes[..end]).into_owned(), end + 4);
        }
        if count == 0 {
            return;
        }
    };
    let mut request = Request { head, body: bytes.split_off(body_at) };
    let length: usize = request.header("content-length").parse().expect("a number");
    while request.body.len() < length {
        let count = stream.read(&mut buffer).unwrap_or(0);
        if count == 0 {
            return;
        }
        request.body.extend_from_slice(&buffer[..count]);
    }
    drop(told.send(request));
    thread::sleep(after);
    drop(stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 5\r\n\r\ntaken"));
}

/// Whether a request is signed as Standard Webhooks says, by our own arithmetic.
fn is_signed(request: &Request, secret: &str) -> bool {
    let key = BASE64.decode(secret.trim_start_matches("whsec_").as_bytes()).expect("base64");
    let head = format!("{}.{}.", request.header("webhook-id"), request.header("webhook-timestamp"));
    let message = [head.as_bytes(), &request.body].concat();
    let padded: Vec<u8> = key.iter().copied().chain(std::iter::repeat(0)).take(64).collect();
    let hash = |pad: u8, message: &[u8]| {
        let key: Vec<u8> = padded.iter().map(|byte| byte ^ pad).collect();
        Sha256::digest([&key, message].concat()).to_vec()
    };
    let tag = hash(0x5c, &hash(0x36, &message));
    request.header("webhook-signature") == format!("v1,{}", BASE64.encode(&tag))
}

fn server() -> Server {
    let variables =
        vec![("WHARF_WEBHOOKS_ALLOW_NETWORKS", "127.0.0.0/8".to_owned()), ("WHARF_WEBHOOKS_TIMEOUT", "2s".to_owned())];
    Server::with(Settings { variables, ..Settings::default() })
}

/// Makes a webhook for project `demo`; its secret.
fn add(server: &Server, address: SocketAddr) -> String {
    server.manage("POST", "projects", &json!({ "name": "demo" }));
    let new = json!({ "name": "ci", "url": format!("http://{address}/hook"), "events": ["manifest.pushed"] });
    let made = server.manage("POST", "projects/demo/webhooks", &new);
    made["secret"].as_str().expect("a secret").to_owned()
}

/// Pushes a small image; its digest.
fn push(server: &Server) -> String {
    let client = server.administrator();
    let repository = Repository::new(&client, "demo/app");
    let mut content = Content::new(Algorithm::Sha256);
    let image = content.image();
    content.blobs.iter().for_each(|(digest, bytes)| repository.push(digest, bytes));
    for document in &content.documents {
        repository.put("v1", &document.media_type, &document.bytes).expect(201);
    }
    image["digest"].as_str().expect("a digest").to_owned()
}

#[test]
fn a_push_is_told_to_a_receiver_with_a_signature_that_holds() {
    let (address, requests) = receive(Duration::ZERO);
    let server = server();
    let secret = add(&server, address);
    let digest = push(&server);
    let request = requests.recv_timeout(PATIENCE).expect("a request");
    assert!(is_signed(&request, &secret), "{}", request.head);
    let event: Value = serde_json::from_slice(&request.body).expect("JSON");
    assert_eq!((&event["specversion"], &event["type"]), (&json!("1.0"), &json!("dev.wharf.manifest.pushed.v1")));
    assert_eq!(event["data"]["digest"], digest);
    let deliveries = server.manage("GET", "projects/demo/webhooks/ci/deliveries", &Value::Null);
    assert_eq!(deliveries["entries"].as_array().map(Vec::len), Some(1), "{deliveries}");
}

#[test]
fn an_event_that_was_sent_when_the_server_was_killed_arrives_again_under_its_id() {
    let (address, requests) = receive(Duration::from_millis(1500));
    let mut server = server();
    add(&server, address);
    push(&server);
    let first = requests.recv_timeout(PATIENCE).expect("a request");
    server.kill();
    server.restart();
    let second = requests.recv_timeout(PATIENCE).expect("the same again");
    assert_eq!(first.header("webhook-id"), second.header("webhook-id"));
    assert_eq!(first.body, second.body);
}

#[test]
fn a_webhook_that_aims_at_the_server_itself_is_refused_and_one_that_gets_there_by_name_fails() {
    let server = Server::start();
    server.manage("POST", "projects", &json!({ "name": "demo" }));
    let port = server.address.rsplit(':').next().expect("a port").to_owned();
    let by_name = json!({ "name": "own", "url": format!("http://localhost:{port}/api/v1/projects") });
    server.manage("POST", "projects/demo/webhooks", &by_name);
    let sent = server.manage("POST", "projects/demo/webhooks/own/test", &Value::Null);
    let path = format!("projects/demo/webhooks/own/deliveries/{}", sent["id"]);
    let begun = std::time::Instant::now();
    loop {
        let delivery = server.manage("GET", &path, &Value::Null)["delivery"].take();
        if delivery["attempts"] != 0 {
            let failure = delivery["failure"].as_str().expect("it failed");
            assert!(failure.contains("loopback"), "{failure}");
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "{delivery}");
        thread::sleep(Duration::from_millis(50));
    }
}
