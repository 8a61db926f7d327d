//! A small HTTP server whose answers the test writes: one request per connection, and faults in all places.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use wharf_oci::RegistryHost;

/// What was asked.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) target: String,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(given, _)| given.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// `GET /v2/…`, for matching.
    pub(crate) fn line(&self) -> String {
        format!("{} {}", self.method, self.target)
    }
}

/// What is answered.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    /// The length that is promised, when it is not the body's.
    length: Option<u64>,
}

impl Reply {
    pub(crate) fn new(status: u16) -> Self {
        Self { status, ..Self::default() }
    }

    pub(crate) fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.headers.push((name.to_owned(), value.to_string()));
        self
    }

    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Promises more than comes.
    pub(crate) fn promising(mut self, length: u64) -> Self {
        self.length = Some(length);
        self
    }
}

type Handler = dyn Fn(&Asked) -> Reply + Send + Sync;
/// How much of a request's body is read before the connection breaks.
type Patience = dyn Fn(&Asked) -> Option<usize> + Send + Sync;

/// A running server; its threads end with the process.
pub(crate) struct Server {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    /// Answers `GET /v2/` with 200, and all else as `handler` says.
    pub(crate) fn start(handler: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        Self::breaking(|_| None, handler)
    }

    /// The same, but connections break after so many bytes of a request as `patience` says; what came is shown to the
    /// handler, whose answer is not sent.
    pub(crate) fn breaking(
        patience: impl Fn(&Asked) -> Option<usize> + Send + Sync + 'static,
        handler: impl Fn(&Asked) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (patience, handler, log): (Arc<Patience>, Arc<Handler>, _) =
            (Arc::new(patience), Arc::new(handler), Arc::clone(&asked));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (patience, handler, log) = (Arc::clone(&patience), Arc::clone(&handler), Arc::clone(&log));
                std::thread::spawn(move || answer(stream, &*patience, &*handler, &log));
            }
        });
        Self { address, asked }
    }

    pub(crate) fn host(&self) -> RegistryHost {
        self.address.to_string().parse().expect("an address is a host")
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// All that was asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("no thread of the server panics").clone()
    }

    /// How often a request's line begins so.
    pub(crate) fn count(&self, line: &str) -> usize {
        self.asked().iter().filter(|asked| asked.line().starts_with(line)).count()
    }
}

fn answer(stream: TcpStream, patience: &Patience, handler: &Handler, log: &Mutex<Vec<Asked>>) {
    let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
    let Some(mut asked) = read_head(&mut reader) else { return };
    let length = asked.header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    let limit = patience(&asked);
    asked.body = vec![0; limit.unwrap_or(length).min(length)];
    if reader.read_exact(&mut asked.body).is_err() {
        return;
    }
    log.lock().expect("no thread of the server panics").push(asked.clone());
    let reply = if asked.line() == "GET /v2/" && asked.header("authorization").is_none() {
        let reply = handler(&asked);
        if reply.status == 404 { Reply::new(200) } else { reply }
    } else {
        handler(&asked)
    };
    if limit.is_none() {
        write(stream, &asked, &reply);
    }
}

fn write(mut stream: TcpStream, asked: &Asked, reply: &Reply) {
    let mut head = format!("HTTP/1.1 {} x\r\nconnection: close\r\n", reply.status);
    for (name, value) in &reply.headers {
        head += &format!("{name}: {value}\r\n");
    }
    if !reply.headers.iter().any(|(name, _)| name == "content-length") {
        head += &format!("content-length: {}\r\n", reply.length.unwrap_or(reply.body.len() as u64));
    }
    let body: &[u8] = if asked.method == "HEAD" { &[] } else { &reply.body };
    // A client that has seen enough is its own business.
    drop(stream.write_all(&[head.as_bytes(), b"\r\n", body].concat()));
}

fn read_head(reader: &mut BufReader<TcpStream>) -> Option<Asked> {
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        match line.trim_end().split_once(':') {
            Some((name, value)) => headers.push((name.to_owned(), value.trim().to_owned())),
            None => return Some(Asked { method, target, headers, body: Vec::new() }),
        }
    }
}
