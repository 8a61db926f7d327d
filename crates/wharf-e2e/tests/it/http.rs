//! HTTP/1.1 by hand: a test must be able to send what a well-behaved client library refuses to send.
//!
//! One connection per request, blocking. It logs in as Docker's clients do: it asks without credentials, follows the
//! challenge to the token endpoint, and keeps the token for the same repository and the same kind of request.

use std::collections::HashMap;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Mutex;
use std::time::Duration;

use data_encoding::BASE64;

/// How long a server may be silent.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is sent after the head.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Payload<'b> {
    /// No body; POST, PUT and PATCH say `Content-Length: 0`.
    Empty,
    /// A body with `Content-Length`.
    Sized(&'b [u8]),
    /// A body of unknown length.
    Chunked(&'b [u8]),
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Response {
    /// The header's first value; names are compared without case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub(crate) fn headers<'r>(&'r self, name: &'r str) -> impl Iterator<Item = &'r str> {
        self.headers.iter().filter(move |(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("not JSON ({error}): {}", self.text()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The codes of the errors in the body.
    pub(crate) fn codes(&self) -> Vec<String> {
        let errors = self.json()["errors"].as_array().cloned().unwrap_or_default();
        errors.iter().filter_map(|error| Some(error["code"].as_str()?.to_owned())).collect()
    }

    /// `Location` as a request target on the same server.
    pub(crate) fn location(&self) -> String {
        let location = self.header("location").expect("the answer has a Location");
        match location.split_once("://") {
            Some((_, rest)) => rest.find('/').map_or_else(|| "/".to_owned(), |slash| rest[slash..].to_owned()),
            None => location.to_owned(),
        }
    }

    /// Fails with the whole answer unless it has this status.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{:?}\n{}", self.headers, self.text());
        self
    }
}

/// A caller of one server.
#[derive(Debug)]
pub(crate) struct Client {
    address: String,
    login: Option<(String, String)>,
    /// The Authorization that was good for a repository and a kind of request.
    known: Mutex<HashMap<(String, &'static str), String>>,
}

impl Client {
    /// A caller of `host:port`, who is anonymous without a name and password.
    pub(crate) fn new(address: &str, login: Option<(&str, &str)>) -> Self {
        let login = login.map(|(name, password)| (name.to_owned(), password.to_owned()));
        Self { address: address.to_owned(), login, known: Mutex::default() }
    }

    pub(crate) fn get(&self, target: &str) -> Response {
        self.send("GET", target, &[], Payload::Empty)
    }

    pub(crate) fn head(&self, target: &str) -> Response {
        self.send("HEAD", target, &[], Payload::Empty)
    }

    pub(crate) fn delete(&self, target: &str) -> Response {
        self.send("DELETE", target, &[], Payload::Empty)
    }

    /// Sends, logs in when it is asked to, and sends again.
    #[track_caller]
    pub(crate) fn send(&self, method: &str, target: &str, headers: &[(&str, &str)], payload: Payload<'_>) -> Response {
        self.try_send(method, target, headers, payload).unwrap_or_else(|error| panic!("{method} {target}: {error}"))
    }

    /// As [`Self::send`]; a broken connection is an error and not a panic.
    pub(crate) fn try_send(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        payload: Payload<'_>,
    ) -> io::Result<Response> {
        let key = (repository(target), class(method));
        let known = self.known.lock().expect("no test panics with the lock").get(&key).cloned();
        let response = self.exchange(method, target, &with(headers, known.as_deref()), payload)?;
        if response.status != 401 || self.login.is_none() {
            return Ok(response);
        }
        let authorization = self.authorization(response.header("www-authenticate").unwrap_or_default())?;
        let response = self.exchange(method, target, &with(headers, Some(&authorization)), payload)?;
        self.known.lock().expect("no test panics with the lock").insert(key, authorization);
        Ok(response)
    }

    /// An `Authorization` with which `target` can be read.
    pub(crate) fn log_in(&self, target: &str) -> String {
        let refused = self.exchange("GET", target, &[], Payload::Empty).expect("an answer").expect(401);
        self.authorization(refused.header("www-authenticate").unwrap_or_default()).expect("a log-in")
    }

    /// What a challenge asks for: the name and password themselves, or a token for them.
    fn authorization(&self, challenge: &str) -> io::Result<String> {
        let (name, password) = self.login.as_ref().ok_or_else(|| io::Error::other("nobody to log in as"))?;
        let basic = format!("Basic {}", BASE64.encode(format!("{name}:{password}").as_bytes()));
        if challenge.starts_with("Basic") {
            Ok(basic)
        } else {
            Ok(format!("Bearer {}", self.token(challenge, &basic)?))
        }
    }

    /// Follows a `Bearer` challenge.
    fn token(&self, challenge: &str, basic: &str) -> io::Result<String> {
        let realm = parameter(challenge, "realm").ok_or_else(|| io::Error::other(format!("no realm: {challenge}")))?;
        let path = realm.split_once("://").and_then(|(_, rest)| rest.find('/').map(|slash| &rest[slash..]));
        let mut target = format!(
            "{}?service={}",
            path.unwrap_or(&realm),
            escape(&parameter(challenge, "service").unwrap_or_default())
        );
        if let Some(scope) = parameter(challenge, "scope") {
            target = format!("{target}&scope={}", escape(&scope));
        }
        let answer = self.exchange("GET", &target, &[("Authorization", basic)], Payload::Empty)?;
        let token = (answer.status == 200).then(|| answer.json()["token"].as_str().map(str::to_owned)).flatten();
        token.ok_or_else(|| io::Error::other(format!("no token: {} {}", answer.status, answer.text())))
    }

    /// One request on one connection, with nothing added.
    pub(crate) fn exchange(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        payload: Payload<'_>,
    ) -> io::Result<Response> {
        let stream = TcpStream::connect(&self.address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        // A server may answer and close before it has read a body that it refuses: what it said counts, not the pipe.
        let sent = write(&stream, &self.address, (method, target), headers, payload);
        read(stream, method == "HEAD").map_err(|error| sent.err().unwrap_or(error))
    }
}

fn write(
    mut stream: &TcpStream,
    host: &str,
    line: (&str, &str),
    headers: &[(&str, &str)],
    payload: Payload<'_>,
) -> io::Result<()> {
    let (method, target) = line;
    let mut head = format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    match payload {
        Payload::Empty if matches!(method, "POST" | "PUT" | "PATCH") => head.push_str("Content-Length: 0\r\n\r\n"),
        Payload::Empty => head.push_str("\r\n"),
        Payload::Sized(body) => head.push_str(&format!("Content-Length: {}\r\n\r\n", body.len())),
        Payload::Chunked(_) => head.push_str("Transfer-Encoding: chunked\r\n\r\n"),
    }
    stream.write_all(head.as_bytes())?;
    match payload {
        Payload::Empty => Ok(()),
        Payload::Sized(body) => stream.write_all(body),
        Payload::Chunked(body) => {
            for chunk in body.chunks(16 * 1024) {
                stream.write_all(format!("{:x}\r\n", chunk.len()).as_bytes())?;
                stream.write_all(chunk)?;
                stream.write_all(b"\r\n")?;
            }
            stream.write_all(b"0\r\n\r\n")
        }
    }
}

fn read(stream: TcpStream, is_head: bool) -> io::Result<Response> {
    let mut reader = BufReader::new(stream);
    let status = line(&mut reader)?;
    let status = status.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.ok_or_else(|| io::Error::other("not an HTTP answer"))?;
    let mut headers = Vec::new();
    loop {
        let text = line(&mut reader)?;
        if text.is_empty() {
            break;
        }
        let (name, value) = text.split_once(':').ok_or_else(|| io::Error::other("a header without colon"))?;
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
    let mut response = Response { status, headers, body: Vec::new() };
    if !is_head && status != 204 && status != 304 {
        response.body = body(&mut reader, &response)?;
    }
    Ok(response)
}

fn body(reader: &mut BufReader<TcpStream>, response: &Response) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    if response.header("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) {
        loop {
            let size = line(reader)?;
            let size = u64::from_str_radix(&size, 16).map_err(io::Error::other)?;
            reader.by_ref().take(size).read_to_end(&mut body)?;
            line(reader)?;
            if size == 0 {
                return Ok(body);
            }
        }
    }
    reader.read_to_end(&mut body)?;
    match response.header("content-length").and_then(|length| length.parse::<usize>().ok()) {
        Some(length) if length != body.len() => {
            Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the answer broke off"))
        }
        _ => Ok(body),
    }
}

fn line(reader: &mut BufReader<TcpStream>) -> io::Result<String> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(line.trim_end().to_owned())
}

fn with<'h>(headers: &[(&'h str, &'h str)], authorization: Option<&'h str>) -> Vec<(&'h str, &'h str)> {
    let authorization = authorization.map(|value| ("Authorization", value));
    headers.iter().copied().chain(authorization).collect()
}

/// The part of a `/v2/` target before the kind of thing; the target itself when it is none.
fn repository(target: &str) -> String {
    let path = target.split('?').next().unwrap_or_default();
    let ends = ["/blobs/", "/manifests/", "/tags/", "/referrers/"].iter().filter_map(|kind| path.find(kind));
    ends.min().map_or(path, |end| &path[..end]).to_owned()
}

fn class(method: &str) -> &'static str {
    match method {
        "GET" | "HEAD" => "pull",
        "DELETE" => "delete",
        _ => "push",
    }
}

/// `name="value"` of a challenge.
pub(crate) fn parameter(challenge: &str, name: &str) -> Option<String> {
    let start = challenge.find(&format!("{name}=\""))? + name.len() + 2;
    challenge[start..].split('"').next().map(str::to_owned)
}

/// Escapes a value of a query.
pub(crate) fn escape(value: &str) -> String {
    let bytes = value.bytes().map(|byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    });
    bytes.collect()
}
