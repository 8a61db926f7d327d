//! The process's log: where lines go, how they look, and what a panic leaves there.
//!
//! What is logged is decided where it happens, with `tracing`. Secrets are never given to it in the first place.

mod writer;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::Config;
use crate::config::log::Format;
use writer::Writer;

/// Starts logging.
pub(crate) fn start(config: &Config) -> anyhow::Result<()> {
    let writer = Writer::start()?;
    let filter = EnvFilter::try_new(&config.log.level)?;
    let registry = tracing_subscriber::registry().with(filter);
    match config.log.format {
        Format::Text => {
            registry.with(tracing_subscriber::fmt::layer().with_ansi(false).with_writer(writer)).try_init()?
        }
        Format::Json => {
            let layer = tracing_subscriber::fmt::layer().json().flatten_event(true).with_span_list(false);
            registry.with(layer.with_writer(writer)).try_init()?;
        }
    }
    log_panics();
    Ok(())
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
