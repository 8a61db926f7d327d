//! The client's side of HTTP/1.1 on one kept connection, made to cost as little as possible.
//!
//! It knows what the two servers answer and no more: lengths, chunks, two headers. Bytes that nobody looks at are
//! dropped in the kernel (`MSG_TRUNC`, tcp(7)), so that a download measures the server and not our copying.

mod head;

use std::net::SocketAddr;

use anyhow::{Context as _, Result, bail, ensure};
use rustix::net::RecvFlags;
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, Interest};
use tokio::net::TcpStream;

use crate::content::{LargeBlob, render as render_digest};
use head::{Head, Length};

/// What is asked for at once when bytes are dropped.
const DROPPED_AT_ONCE: usize = 1 << 20;

/// What to do with the bytes of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Body {
    /// There are none: it is an answer to HEAD.
    None,
    /// They are kept.
    Keep,
    /// They are counted.
    Drop,
}

/// An answer that has ended.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// `Location`, without scheme and host.
    pub(crate) location: Option<String>,
    /// The address of the next page, out of `Link`.
    pub(crate) next: Option<String>,
    pub(crate) body: Vec<u8>,
    pub(crate) body_bytes: u64,
}

impl Answer {
    /// The answer, if it is the one that was expected.
    pub(crate) fn expect(self, status: u16) -> Result<Self> {
        ensure!(self.status == status, "answered {} instead of {status}: {}", self.status, self.text());
        Ok(self)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// A connection that is kept.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    address: SocketAddr,
    /// What has been received and not been looked at.
    received: Vec<u8>,
    request: Vec<u8>,
    dropped: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await.with_context(|| format!("connect to {address}"))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, address, received: Vec::with_capacity(16 << 10), request: Vec::new(), dropped: Vec::new() })
    }

    /// Sends a request without a body.
    pub(crate) async fn ask(&mut self, method: &str, path: &str, body: Body) -> Result<Answer> {
        self.send(method, path, "content-length: 0\r\n", &[]).await?;
        self.receive(body).await
    }

    /// Sends a request with these bytes. Small ones go out in one write with the headers.
    pub(crate) async fn give(&mut self, method: &str, path: &str, media_type: &str, bytes: &[u8]) -> Result<Answer> {
        let fields = format!("content-type: {media_type}\r\ncontent-length: {}\r\n", bytes.len());
        self.send(method, path, &fields, bytes).await?;
        self.receive(Body::Keep).await
    }

    /// Sends a large blob block by block.
    pub(crate) async fn give_large(&mut self, method: &str, path: &str, blob: &LargeBlob<'_>) -> Result<Answer> {
        let length = blob.size_bytes();
        let fields = format!("content-type: application/octet-stream\r\ncontent-length: {length}\r\n");
        self.send(method, path, &fields, &[]).await?;
        for block in blob.blocks() {
            self.stream.write_all(block).await.context("send a blob")?;
        }
        self.receive(Body::Keep).await
    }

    /// Sends a request that was rendered before, and drops what comes.
    pub(crate) async fn repeat(&mut self, request: &[u8], body: Body) -> Result<Answer> {
        self.stream.write_all(request).await.context("send a request")?;
        self.receive(body).await
    }

    /// What the bytes hash to that a request is answered with.
    pub(crate) async fn digest_of(&mut self, request: &[u8]) -> Result<String> {
        self.stream.write_all(request).await.context("send a request")?;
        let head = self.receive_head().await?;
        let Length::Known(mut left) = head.length else { bail!("a blob without a length") };
        let mut hasher = Sha256::new();
        while left > 0 {
            if self.received.is_empty() {
                self.receive_more().await?;
            }
            let here = self.received.len().min(usize::try_from(left)?);
            hasher.update(&self.received[..here]);
            self.received.drain(..here);
            left -= here as u64;
        }
        Ok(render_digest(&hasher.finalize()))
    }

    async fn send(&mut self, method: &str, path: &str, fields: &str, bytes: &[u8]) -> Result<()> {
        let mut request = std::mem::take(&mut self.request);
        render(&mut request, self.address, &format!("{method} {path}"), fields);
        request.extend_from_slice(bytes);
        let sent = self.stream.write_all(&request).await.context("send a request");
        self.request = request;
        sent
    }

    async fn receive(&mut self, wanted: Body) -> Result<Answer> {
        let head = self.receive_head().await?;
        let mut answer =
            Answer { status: head.status, location: head.location, next: head.next, body: Vec::new(), body_bytes: 0 };
        match head.length {
            _ if wanted == Body::None => {}
            Length::Known(length) if wanted == Body::Keep || answer.status >= 400 => {
                self.keep(length, &mut answer.body).await?;
                answer.body_bytes = length;
            }
            Length::Known(length) => {
                self.drop_bytes(length).await?;
                answer.body_bytes = length;
            }
            Length::Chunked => {
                self.keep_chunks(&mut answer.body).await?;
                answer.body_bytes = answer.body.len() as u64;
            }
        }
        Ok(answer)
    }

    async fn receive_head(&mut self) -> Result<Head> {
        loop {
            if let Some((head, bytes)) = Head::parse(&self.received)? {
                self.received.drain(..bytes);
                // "100 Continue" is not the answer yet.
                if head.status >= 200 {
                    return Ok(head);
                }
                continue;
            }
            ensure!(self.received.len() < 64 << 10, "the answer's headers do not end");
            self.receive_more().await?;
        }
    }

    async fn receive_more(&mut self) -> Result<()> {
        let count = self.stream.read_buf(&mut self.received).await.context("receive an answer")?;
        if count == 0 {
            bail!("the server closed the connection in the middle of an answer");
        }
        Ok(())
    }

    async fn keep(&mut self, length: u64, body: &mut Vec<u8>) -> Result<()> {
        let length = usize::try_from(length)?;
        while self.received.len() < length {
            self.receive_more().await?;
        }
        body.extend(self.received.drain(..length));
        Ok(())
    }

    async fn keep_chunks(&mut self, body: &mut Vec<u8>) -> Result<()> {
        loop {
            let line = loop {
                match self.received.windows(2).position(|pair| pair == b"\r\n") {
                    Some(end) => break end,
                    None => self.receive_more().await?,
                }
            };
            let size = std::str::from_utf8(&self.received[..line])?;
            let size = u64::from_str_radix(size, 16).with_context(|| format!("`{size}` as a chunk's size"))?;
            self.received.drain(..line + 2);
            self.keep(size, body).await?;
            self.keep(2, &mut Vec::new()).await?;
            if size == 0 {
                return Ok(());
            }
        }
    }

    /// Lets the kernel drop what comes.
    async fn drop_bytes(&mut self, length: u64) -> Result<()> {
        let have = self.received.len().min(usize::try_from(length)?);
        self.received.drain(..have);
        let mut left = length - have as u64;
        self.dropped.resize(DROPPED_AT_ONCE, 0);
        while left > 0 {
            let wanted = usize::try_from(left)?.min(DROPPED_AT_ONCE);
            let count = self.drop_some(wanted).await?;
            ensure!(count > 0, "the server closed the connection in the middle of a blob");
            left -= count as u64;
        }
        Ok(())
    }

    async fn drop_some(&mut self, wanted: usize) -> Result<usize> {
        let (stream, dropped) = (&self.stream, &mut self.dropped[..wanted]);
        let receive = || Ok(rustix::net::recv(stream, &mut *dropped, RecvFlags::TRUNC)?.1);
        let mut receive = receive;
        Ok(stream.async_io(Interest::READABLE, &mut receive).await?)
    }
}

/// A request as it goes over the line.
pub(crate) fn render(request: &mut Vec<u8>, address: SocketAddr, line: &str, fields: &str) {
    request.clear();
    for part in [line, " HTTP/1.1\r\nhost: ", &address.to_string(), "\r\nuser-agent: wharf-bench\r\n", fields, "\r\n"] {
        request.extend_from_slice(part.as_bytes());
    }
}
