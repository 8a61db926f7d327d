//! One connection from its first byte to its last: plain or TLS, HTTP/1.1 or HTTP/2, and its orders.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use http::uri::Scheme;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::Shared;
use super::connection::{Connection, Order};
use super::connections::{Admitted, Refusal};
use super::exchange::{self, Entrance};
use super::limits::is_trusted;
use super::listener::{self, Accepted, Listener};
use super::metered::{Metered, Transport};
use super::tls::Tls;

/// How long to wait after accepting failed, most likely for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The first byte of a TLS handshake record (RFC 8446, section 5.1). No HTTP method begins with it.
const TLS_HANDSHAKE: u8 = 0x16;

/// What a client gets that speaks plain HTTP where TLS is spoken.
const SPEAK_TLS: &[u8] = b"HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain\r\nconnection: close\r\n\r\n\
    This address speaks HTTPS, and the request came as plain HTTP.\n";

/// How HTTP is spoken.
pub(crate) fn http(header_size: u64) -> auto::Builder<TokioExecutor> {
    let mut http = auto::Builder::new(TokioExecutor::new());
    // Time limits are the sweeper's business. The buffer also bounds what is queued of an answer: one piece of 256 KiB,
    // while the socket's own buffer keeps the line busy.
    let buffer_bytes = usize::try_from(header_size).unwrap_or(usize::MAX).max(256 << 10);
    http.http1().header_read_timeout(None).max_buf_size(buffer_bytes);
    http.http2()
        .max_header_list_size(u32::try_from(header_size).unwrap_or(u32::MAX))
        .max_concurrent_streams(256)
        // What a connection may send ahead of us: enough for a fast line of some length, and no danger from thousands.
        .initial_stream_window_size(2 << 20)
        .initial_connection_window_size(4 << 20)
        .max_frame_size(256 << 10)
        .max_send_buf_size(1 << 20);
    http
}

/// What stands behind one listening socket.
#[derive(Clone)]
pub(crate) struct Door {
    pub(crate) shared: Arc<Shared>,
    pub(crate) tls: Option<Tls>,
    pub(crate) router: Router,
}

impl Door {
    /// Accepts until told to stop. The socket is closed then.
    pub(crate) async fn accept_all(self, listener: Listener, mut stopped: watch::Receiver<bool>) {
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                _ = stopped.changed() => return,
            };
            match accepted {
                Ok(accepted) => self.admit(accepted),
                Err(error) if is_the_connections_own(&error) => {}
                Err(error) => {
                    tracing::warn!(address = listener.address(), %error, "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    /// Serves a connection, or turns it away by closing it.
    fn admit(&self, accepted: Accepted) {
        let peer = match &accepted {
            Accepted::Tcp(_, peer) => Some(*peer),
            Accepted::Unix(_) => None,
        };
        match self.shared.connections.admit(peer, self.counted(peer)) {
            Ok(admitted) => {
                self.shared.metrics.accepted();
                tokio::spawn(self.clone().serve(accepted, admitted));
            }
            Err(refusal) => {
                self.shared.metrics.refused(match refusal {
                    Refusal::Full => "full",
                    Refusal::TooManyOfOne => "too_many_of_one_address",
                    Refusal::Stopping => "stopping",
                });
                tracing::debug!(?peer, ?refusal, "a connection was turned away");
            }
        }
    }

    /// Under whom a connection counts.
    fn counted(&self, peer: Option<SocketAddr>) -> Option<super::connections::Neighbour> {
        let address = peer?.ip().to_canonical();
        (!is_trusted(address, &self.shared.trusted_proxies)).then(|| address.into())
    }

    /// Speaks with one client until either has enough.
    async fn serve(self, accepted: Accepted, admitted: Admitted) {
        let connection = Arc::clone(admitted.connection());
        let opened = tokio::select! {
            opened = self.open(accepted, &connection) => opened,
            // Nothing has been asked yet, so even a gentle order ends it.
            _ = connection.order_above(Order::Serve) => return,
        };
        match opened {
            Ok(Some((transport, scheme))) => self.speak(transport, scheme, connection).await,
            Ok(None) => {}
            Err(error) => tracing::debug!(peer = ?connection.peer(), %error, "a connection did not get as far as HTTP"),
        }
    }

    /// Finds out what is spoken and does the TLS handshake. None: it was answered already.
    async fn open(&self, accepted: Accepted, connection: &Arc<Connection>) -> io::Result<Option<(Transport, Scheme)>> {
        let metered = |stream| Metered::new(stream, Arc::clone(connection));
        let stream = match accepted {
            Accepted::Tcp(stream, _) => stream,
            Accepted::Unix(stream) => {
                let transport = Transport::Unix(Metered::new(stream, Arc::clone(connection)));
                return Ok(Some((transport, Scheme::HTTP)));
            }
        };
        listener::tune(&stream)?;
        let Some(tls) = &self.tls else { return Ok(Some((Transport::Tcp(metered(stream)), Scheme::HTTP))) };
        match first_byte(&stream).await? {
            Some(TLS_HANDSHAKE) => {
                let stream = tls.acceptor().accept(metered(stream)).await?;
                Ok(Some((Transport::Tls(Box::new(stream)), Scheme::HTTPS)))
            }
            Some(_) if tls.also_plain => Ok(Some((Transport::Tcp(metered(stream)), Scheme::HTTP))),
            Some(_) => refuse_plain(stream).await.map(|()| None),
            None => Ok(None),
        }
    }

    /// HTTP, until it ends or is ordered to.
    async fn speak(self, transport: Transport, scheme: Scheme, connection: Arc<Connection>) {
        let Self { shared, router, .. } = self;
        let entrance = Entrance { connection: Arc::clone(&connection), router, scheme };
        let service = {
            let shared = Arc::clone(&shared);
            service_fn(move |request| exchange::answer(Arc::clone(&shared), entrance.clone(), request))
        };
        let mut http = pin!(shared.http.serve_connection(TokioIo::new(transport), service));
        let mut obeyed = Order::Serve;
        loop {
            tokio::select! {
                biased;
                ended = http.as_mut() => {
                    if let Err(error) = ended {
                        tracing::debug!(peer = ?connection.peer(), error = %chain(&*error), "a connection broke");
                    }
                    return;
                }
                order = connection.order_above(obeyed) => match order {
                    Order::Serve => {}
                    Order::Close => http.as_mut().graceful_shutdown(),
                    Order::Cut => return,
                },
            }
            obeyed = Order::Close;
        }
    }
}

/// Whether accepting failed because of the connection that was to be accepted, and the next one may be fine.
fn is_the_connections_own(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// The first byte, which stays unread. None: the client left.
async fn first_byte(stream: &TcpStream) -> io::Result<Option<u8>> {
    let mut byte = [0];
    Ok((stream.peek(&mut byte).await? > 0).then_some(byte[0]))
}

async fn refuse_plain(mut stream: TcpStream) -> io::Result<()> {
    stream.write_all(SPEAK_TLS).await?;
    stream.shutdown().await?;
    // Closing with unread bytes would reset the connection, and the client might never see the answer.
    let mut rest = [0; 4096];
    for _ in 0..16 {
        if tokio::io::AsyncReadExt::read(&mut stream, &mut rest).await? == 0 {
            break;
        }
    }
    Ok(())
}

/// An error with its causes.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    std::iter::successors(Some(error), |error| error.source()).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
