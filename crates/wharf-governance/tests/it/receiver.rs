//! A receiver of webhooks: keeps what it is sent and answers what it is told to.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// One request: headers by their names in lower case, and the body.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

/// What the receiver answers from now on.
#[derive(Debug, Clone)]
pub(crate) struct Behaviour {
    pub(crate) status: &'static str,
    pub(crate) headers: &'static str,
    pub(crate) after: Duration,
    pub(crate) body: &'static str,
}

impl Behaviour {
    pub(crate) fn status(status: &'static str) -> Self {
        Self { status, headers: "", after: Duration::ZERO, body: "seen" }
    }
}

#[derive(Debug)]
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
    behaviour: Arc<Mutex<Behaviour>>,
    task: JoinHandle<()>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Receiver {
    pub(crate) async fn start(behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (received, behaviour) = (Arc::new(Mutex::default()), Arc::new(Mutex::new(behaviour)));
        let (keep, behave) = (Arc::clone(&received), Arc::clone(&behaviour));
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (keep, behave) = (Arc::clone(&keep), Arc::clone(&behave));
                connections.spawn(async move { answer(stream, &keep, &behave).await });
            }
        });
        Self { address, received, behaviour, task }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    pub(crate) fn behave(&self, behaviour: Behaviour) {
        *self.behaviour.lock().expect("no panic") = behaviour;
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().expect("no panic").clone()
    }
}

async fn answer(mut stream: TcpStream, keep: &Mutex<Vec<Received>>, behaviour: &Mutex<Behaviour>) {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at;
        }
        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return;
        }
    };
    let text = String::from_utf8_lossy(&bytes[..head]).into_owned();
    let headers: BTreeMap<String, String> = text
        .lines()
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length = headers.get("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    while bytes.len() < head + 4 + length {
        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return;
        }
    }
    keep.lock().expect("no panic").push(Received { headers, body: bytes[head + 4..].to_vec() });
    let Behaviour { status, headers, after, body } = behaviour.lock().expect("no panic").clone();
    tokio::time::sleep(after).await;
    let length = body.len();
    let answer = format!("HTTP/1.1 {status}\r\n{headers}connection: close\r\ncontent-length: {length}\r\n\r\n{body}");
    stream.write_all(answer.as_bytes()).await.unwrap_or_default();
}
