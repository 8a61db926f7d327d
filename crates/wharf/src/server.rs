//! Requests in, answers out: listeners, TLS, HTTP, limits, figures, and a graceful end.
//!
//! What a request means is the router's business. Reading order: [`listener`] and [`tls`] bring a connection,
//! [`connections`] lets it in, [`serve`] speaks HTTP on it, [`exchange`] answers each request, [`sweep`] cuts who is
//! too slow, [`graceful`] ends it all.

pub(crate) mod access_log;
pub(crate) mod body;
pub(crate) mod connection;
pub(crate) mod connections;
pub(crate) mod exchange;
pub(crate) mod graceful;
pub(crate) mod health;
pub(crate) mod limits;
pub(crate) mod listener;
pub(crate) mod metered;
pub(crate) mod metrics;
pub(crate) mod mode;
pub(crate) mod notify;
pub(crate) mod request_id;
pub(crate) mod serve;
pub(crate) mod sweep;
pub(crate) mod tls;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::TokioExecutor;
use hyper_util::server::conn::auto;
use ipnet::IpNet;
use prometheus_client::registry::Registry;
use tokio::sync::watch;

use crate::config::Config;
use connections::Connections;
use graceful::Signals;
use health::Health;
use limits::RequestRate;
use listener::{Listener, Purpose};
use metrics::{Metrics, Readers};
use notify::Supervisor;
use sweep::Patience;
use tls::Tls;

/// How often clients that have gone quiet are forgotten by the request rate.
const FORGET: Duration = Duration::from_secs(60);

/// What all connections share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) http: auto::Builder<TokioExecutor>,
    pub(crate) connections: Arc<Connections>,
    pub(crate) metrics: Metrics,
    pub(crate) patience: Patience,
    pub(crate) header_size: usize,
    pub(crate) request_rate: Option<RequestRate>,
    pub(crate) trusted_proxies: Vec<IpNet>,
    pub(crate) logs_access: bool,
}

/// What the server answers with.
pub(crate) struct Answers {
    /// All routes but `/metrics`.
    pub(crate) router: Router,
    /// Whether requests should come here.
    pub(crate) health: Health,
    /// Figures of the parts; the server adds its own.
    pub(crate) figures: Registry,
}

/// The server, ready to accept.
pub(crate) struct Server {
    shared: Arc<Shared>,
    listeners: Vec<Listener>,
    tls: Option<Tls>,
    router: Router,
    metrics_router: Router,
    health: Health,
    shutdown_delay: Duration,
    shutdown_timeout: Duration,
}

impl Server {
    /// A server on `listeners` that gives `answers`.
    pub(crate) fn new(config: &Config, listeners: Vec<Listener>, tls: Option<Tls>, answers: Answers) -> Self {
        let Answers { router, health, mut figures } = answers;
        let limits = &config.limits;
        let connections =
            Arc::new(Connections::new(limits::connections(limits.connections), limits.connections_per_address));
        let shared = Arc::new(Shared {
            http: serve::http(limits.header_size.0),
            metrics: Metrics::register(&mut figures, &connections),
            connections,
            patience: limits::patience(limits),
            header_size: usize::try_from(limits.header_size.0).unwrap_or(usize::MAX),
            request_rate: RequestRate::new(limits),
            trusted_proxies: config.server.trusted_proxies.clone(),
            logs_access: config.log.access,
        });
        let figures = Arc::new(figures);
        let mut router = router;
        if reads_metrics_on_main_address(config, &listeners) {
            router = router.merge(metrics::router(Arc::clone(&figures), Readers::ThisMachine));
        }
        Self {
            shared,
            listeners,
            tls,
            router,
            metrics_router: metrics::router(figures, Readers::Everyone),
            health,
            shutdown_delay: config.server.shutdown_delay.0,
            shutdown_timeout: config.server.shutdown_timeout.0,
        }
    }

    /// Serves until the process is asked to end, and ends gracefully.
    pub(crate) async fn run(self, supervisor: &Supervisor) -> std::io::Result<()> {
        let mut signals = Signals::listen()?;
        let (stop, stopped) = watch::channel(false);
        tokio::spawn(sweep::run(Arc::clone(&self.shared.connections), self.shared.patience));
        tokio::spawn(forget_quiet_clients(Arc::clone(&self.shared)));
        if let Some(tls) = &self.tls {
            tokio::spawn(tls.clone().watch());
        }
        for listener in self.listeners {
            let (tls, router) = match listener.purpose {
                Purpose::Registry => (self.tls.clone(), self.router.clone()),
                Purpose::Metrics => (None, self.metrics_router.clone()),
            };
            let door = serve::Door { shared: Arc::clone(&self.shared), tls, router };
            tokio::spawn(door.accept_all(listener, stopped.clone()));
        }
        supervisor.ready();
        let reload = || self.tls.iter().for_each(Tls::reload);
        signals.until_asked_to_end(reload).await;
        signals.end_at_next();

        tracing::info!("asked to end: waiting for transfers");
        supervisor.stopping();
        self.health.set_stopping();
        tokio::time::sleep(self.shutdown_delay).await;
        stop.send_replace(true);
        match graceful::drain(&self.shared.connections, self.shutdown_timeout).await {
            0 => tracing::info!("ended; all transfers completed"),
            cut => tracing::warn!(cut, "ended; connections were cut after `server.shutdown_timeout`"),
        }
        Ok(())
    }
}

/// Whether `/metrics` stands beside the registry. Not when it has an address of its own, and not behind a proxy on this
/// machine, whose requests all look as if they were made here.
fn reads_metrics_on_main_address(config: &Config, listeners: &[Listener]) -> bool {
    let has_own = listeners.iter().any(|listener| listener.purpose == Purpose::Metrics);
    !has_own && !config.server.is_public()
}

async fn forget_quiet_clients(shared: Arc<Shared>) {
    let mut ticks = tokio::time::interval(FORGET);
    while let Some(rate) = &shared.request_rate {
        ticks.tick().await;
        rate.forget_quiet_clients();
    }
}

#[cfg(test)]
mod tests;
