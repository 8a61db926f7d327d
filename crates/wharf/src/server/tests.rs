//! What no client of the real program can bring about: a request that panics.

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use prometheus_client::registry::Registry;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::listener::{Listener, Purpose};
use super::{Answers, Server, health, serve};
use crate::config::Config;
use crate::config::address::ListenAddress;

async fn ask(address: std::net::SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("it accepts");
    let request = format!("GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    answer
}

#[tokio::test]
async fn a_request_that_panics_is_answered_and_the_server_goes_on() {
    let panics = || async {
        assert!(std::hint::black_box(false), "a broken invariant");
    };
    let health = health::Health::default();
    let router = Router::new().route("/panic", get(panics)).merge(health.clone().router());
    let answers = Answers { router, health, figures: Registry::default() };
    let address = ListenAddress::Tcp { host: "127.0.0.1".to_owned(), port: 0 };
    let listener = Listener::bind(&address, Purpose::Registry).expect("a port");
    let address = listener.tcp_address().expect("a TCP address");
    let server = Server::new(&Config::default(), vec![listener], None, answers);
    let door = serve::Door { shared: Arc::clone(&server.shared), tls: None, router: server.router.clone() };
    let (_stop, stopped) = watch::channel(false);
    for listener in server.listeners {
        tokio::spawn(door.clone().accept_all(listener, stopped.clone()));
    }

    let answer = ask(address, "/panic").await;
    assert!(answer.starts_with("HTTP/1.1 500") && answer.contains("x-request-id: "), "{answer}");
    assert!(answer.contains(r#""errors":[{"code":"UNKNOWN""#) && !answer.contains("invariant"), "{answer}");
    assert!(ask(address, "/livez").await.starts_with("HTTP/1.1 200"));
}
