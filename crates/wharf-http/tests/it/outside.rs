//! Going out to addresses that strangers chose: names that change their meaning, redirects, answers without an end.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::Request;
use wharf_http::outside::{Forbidden, Looking, Names, Outside, SystemNames};
use wharf_http::{Error, Networks, Settings};

use crate::{install_provider, ok, redirect, serve};

/// Answers each question about a name with the next list, and the last one for ever.
#[derive(Debug)]
struct Rebinding {
    answers: Vec<Vec<IpAddr>>,
    asked: AtomicUsize,
}

impl Rebinding {
    fn new(answers: &[&[&str]]) -> Arc<Self> {
        let parse = |list: &&[&str]| list.iter().map(|text| text.parse().expect("an address")).collect();
        Arc::new(Self { answers: answers.iter().map(parse).collect(), asked: AtomicUsize::new(0) })
    }
}

impl Names for Rebinding {
    fn lookup(&self, _: &str) -> Looking {
        let at = self.asked.fetch_add(1, Ordering::SeqCst).min(self.answers.len() - 1);
        let answer = self.answers[at].clone();
        Box::pin(async move { Ok(answer) })
    }
}

fn networks(allow: &[&str]) -> Networks {
    let allow = allow.iter().map(|text| text.parse().expect("a network")).collect();
    Networks { allow, deny: Vec::new() }
}

fn outside(allow: &[&str], names: Arc<dyn Names>) -> Outside {
    install_provider();
    Outside::new(&Settings::default(), networks(allow), names).expect("a client")
}

fn post(url: &str) -> Request<Vec<u8>> {
    Request::post(url).body(b"{}".to_vec()).expect("a request")
}

#[tokio::test]
async fn a_name_that_means_another_address_a_moment_later_gains_nothing() {
    let address = serve(vec![ok("secret")], |stream| stream);
    // 127.0.0.2 stands for an address that is open; the second answer is the trap.
    let names = Rebinding::new(&[&["127.0.0.2"], &["127.0.0.1"]]);
    let outside = outside(&["127.0.0.2/32"], Arc::clone(&names) as _);
    let url = format!("http://rebind.example:{}/", address.port());
    let first = outside.exchange(post(&url), 100).await;
    assert!(matches!(first, Err(Error::Reach { .. })), "nobody listens there: {first:?}");
    let second = outside.exchange(post(&url), 100).await;
    assert!(matches!(second, Err(Error::Forbidden { why: Forbidden::Loopback, .. })), "{second:?}");
}

#[tokio::test]
async fn a_name_with_one_closed_address_among_others_is_closed() {
    let outside = outside(&[], Rebinding::new(&[&["192.0.2.7", "::ffff:169.254.169.254"]]));
    let answer = outside.exchange(post("http://both.example/"), 100).await;
    assert!(matches!(answer, Err(Error::Forbidden { why: Forbidden::LinkLocal, .. })), "{answer:?}");
}

#[tokio::test]
async fn an_address_in_the_url_is_judged_in_every_spelling() {
    let outside = outside(&[], Arc::new(SystemNames));
    for url in [
        "http://127.0.0.1/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://0177.0.0.1/",
        "http://[::1]/",
        "http://[::ffff:7f00:1]/",
        "http://0/",
        "http://localhost:1/",
        "http://169.254.169.254/latest/meta-data/",
    ] {
        let url: url::Url = url.parse().expect("a URL");
        let answer = outside.exchange(post(url.as_str()), 100).await;
        assert!(matches!(answer, Err(Error::Forbidden { .. })), "{url}: {answer:?}");
    }
}

#[tokio::test]
async fn no_redirect_is_followed_and_only_the_first_bytes_are_read() {
    let other = serve(vec![ok("stolen")], |stream| stream);
    let answers = vec![redirect(&format!("http://{other}/")), ok(&"x".repeat(5000))];
    let address = serve(answers, |stream| stream);
    let outside = outside(&["127.0.0.0/8"], Arc::new(SystemNames));
    let url = format!("http://{address}/");
    assert_eq!(outside.exchange(post(&url), 100).await.expect("an answer").status(), 302);
    let answer = outside.exchange(post(&url), 100).await.expect("an answer");
    assert_eq!((answer.status().as_u16(), answer.body().len()), (200, 100));
}
