//! A closed loop: so many connections, each asking again as soon as it was answered, for so long.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use futures_util::future::try_join_all;

use crate::http::Connection;
use crate::process;
use crate::server::Server;

/// How much longer a load takes that is warmed up: a sixth.
const WARM_UP: u32 = 6;

/// Nobody waits longer than this for one answer.
const PATIENCE: Duration = Duration::from_secs(120);

/// How much is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) connections: usize,
    /// Who began earlier is waited for; each connection does its work once at least.
    pub(crate) time: Duration,
    /// Whether a part of it is done before, and not counted.
    pub(crate) is_warmed_up: bool,
}

/// One operation among many.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Turn {
    /// Which connection it is, from 0.
    pub(crate) connection: usize,
}

/// What was measured.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Sorted.
    latencies: Vec<Duration>,
    elapsed: Duration,
    server_cpu: Duration,
    client_cpu: Duration,
}

impl Load {
    /// Repeats `operation` on `server`.
    pub(crate) async fn run<F>(self, server: &Server, operation: F) -> Result<Outcome>
    where
        F: AsyncFn(&mut Connection, Turn) -> Result<()>,
    {
        let opening = (0..self.connections).map(|_| Connection::open(server.address));
        let mut connections = try_join_all(opening).await?;
        if self.is_warmed_up {
            let warm_up = Self { time: self.time / WARM_UP, ..self };
            warm_up.turns(&mut connections, &operation).await?;
        }
        let cpu_before = (server.cpu_time()?, process::own_cpu_time()?);
        let start = Instant::now();
        let mut latencies = self.turns(&mut connections, &operation).await?;
        let elapsed = start.elapsed();
        let (server_cpu, client_cpu) = (server.cpu_time()? - cpu_before.0, process::own_cpu_time()? - cpu_before.1);
        latencies.sort_unstable();
        Ok(Outcome { latencies, elapsed, server_cpu, client_cpu })
    }

    async fn turns<F>(self, connections: &mut [Connection], operation: &F) -> Result<Vec<Duration>>
    where
        F: AsyncFn(&mut Connection, Turn) -> Result<()>,
    {
        let end = Instant::now() + self.time;
        let running = connections.iter_mut().enumerate().map(async |(number, connection)| {
            let mut latencies = Vec::new();
            let mut start = Instant::now();
            while start < end {
                let answered = tokio::time::timeout(PATIENCE, operation(connection, Turn { connection: number })).await;
                answered.context("the server did not answer in time")??;
                let now = Instant::now();
                latencies.push(now - start);
                start = now;
            }
            anyhow::Ok(latencies)
        });
        Ok(try_join_all(running).await?.concat())
    }
}

impl Outcome {
    /// Operations in a second.
    pub(crate) fn rate(&self) -> f64 {
        self.operations() / self.elapsed.as_secs_f64()
    }

    /// The time within which this share of operations was answered, in milliseconds.
    pub(crate) fn percentile(&self, share: usize) -> f64 {
        let place = (self.latencies.len() * share).div_ceil(100).max(1) - 1;
        self.latencies.get(place).map_or(f64::NAN, |latency| latency.as_secs_f64() * 1e3)
    }

    /// The server's time on the processor for one operation, in microseconds.
    pub(crate) fn server_micros(&self) -> f64 {
        self.server_cpu.as_secs_f64() * 1e6 / self.operations()
    }

    /// Our own share of one core.
    pub(crate) fn client_share(&self) -> f64 {
        self.client_cpu.as_secs_f64() / self.elapsed.as_secs_f64()
    }

    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    fn operations(&self) -> f64 {
        self.latencies.len() as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_latencies_that_happened() {
        let latencies = (1..=200).map(Duration::from_millis).collect();
        let time = Duration::from_secs(2);
        let outcome = Outcome { latencies, elapsed: time, server_cpu: time / 4, client_cpu: time / 2 };
        assert_eq!((outcome.percentile(50), outcome.percentile(99)), (100.0, 198.0));
        assert_eq!((outcome.rate(), outcome.server_micros(), outcome.client_share()), (100.0, 2500.0, 0.5));
    }
}
