//! What the process tells about itself while it runs: its log and its traces, and what a panic leaves there.
//!
//! What is logged is decided where it happens, with `tracing`. Secrets are never given to it in the first place.

#[cfg_attr(not(feature = "otel"), path = "telemetry/no_traces.rs")]
mod traces;
mod writer;

use tracing_subscriber::fmt::layer;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Registry};

use crate::config::Config;
use crate::config::log::Format;
use traces::Traces;
pub(crate) use traces::{request_ended, request_span};
use writer::Writer;

/// Log and traces, started.
pub(crate) struct Telemetry {
    traces: Option<Traces>,
}

impl Telemetry {
    /// Starts logging, and traces where a collector is configured. Needs to be inside of the runtime.
    pub(crate) fn start(config: &Config) -> anyhow::Result<Self> {
        let writer = Writer::start()?;
        let traces = Traces::start(&config.telemetry)?;
        let lines = match config.log.format {
            Format::Text => layer().with_ansi(false).with_writer(writer).boxed(),
            Format::Json => layer().json().flatten_event(true).with_span_list(false).with_writer(writer).boxed(),
        };
        let subscriber = Registry::default().with(lines).with(traces.as_ref().map(Traces::layer));
        subscriber.with(EnvFilter::try_new(&config.log.level)?).try_init()?;
        log_panics();
        Ok(Self { traces })
    }

    /// Waits until what was told is written and sent.
    pub(crate) fn finish(self) {
        if let Some(traces) = self.traces {
            traces.finish();
        }
        flush();
    }
}

/// Whether `level` can be understood.
pub(crate) fn check_level(level: &str) -> Result<(), String> {
    let refused = |error| format!("`log.level` is neither a level such as `info` nor directives: {error}");
    EnvFilter::builder().parse(level).map(drop).map_err(refused)
}

/// Waits until what was logged is written.
pub(crate) fn flush() {
    writer::flush();
}

/// A panic becomes a log line like any other, with its place.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let text = panic.payload_as_str().unwrap_or("(no text)");
        tracing::error!(place, text, "a panic: a broken invariant, please report it");
    }));
}
