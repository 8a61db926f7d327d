//! How a copy goes on: bars on a terminal, plain lines elsewhere, nothing for scripts that read JSON.

use std::collections::HashMap;
use std::io::IsTerminal as _;
use std::sync::{Mutex, PoisonError};

use indicatif::{HumanBytes, MultiProgress, ProgressBar, ProgressStyle};
use wharf_client::Event;
use wharf_oci::ports::Arrival;
use wharf_oci::{Descriptor, Digest};

const BLOB: &str = "{prefix} {bar:30} {bytes:>10} / {total_bytes:10} {bytes_per_sec:>12}";
const ALL: &str = "{prefix} {bar:30} {bytes:>10} / {total_bytes:10} {eta:>12}";
/// How much of a digest tells it from others.
const DIGITS: usize = 12;

/// Shows what a copy tells.
#[derive(Debug)]
pub(crate) enum Progress {
    Bars { bars: MultiProgress, open: Mutex<Open> },
    Lines,
    Nothing,
}

#[derive(Debug)]
pub(crate) struct Open {
    all: ProgressBar,
    blobs: HashMap<Digest, ProgressBar>,
}

impl Progress {
    /// What suits standard error.
    pub(crate) fn new(is_json: bool) -> Self {
        if is_json {
            return Self::Nothing;
        }
        if !std::io::stderr().is_terminal() {
            return Self::Lines;
        }
        let bars = MultiProgress::new();
        let all = bars.add(ProgressBar::new(0).with_style(style(ALL)).with_prefix(format!("{:DIGITS$}", "all")));
        Self::Bars { bars, open: Mutex::new(Open { all, blobs: HashMap::new() }) }
    }

    pub(crate) fn show(&self, event: Event<'_>) {
        match self {
            Self::Bars { bars, open } => open.lock().unwrap_or_else(PoisonError::into_inner).show(bars, event),
            Self::Lines => line(event),
            Self::Nothing => {}
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Self::Bars { bars, .. } = self {
            // A terminal that is gone has nothing to be cleared.
            drop(bars.clear());
        }
    }
}

impl Open {
    fn show(&mut self, bars: &MultiProgress, event: Event<'_>) {
        match event {
            Event::Planned { bytes, .. } => self.all.set_length(bytes),
            Event::Begun(blob) => {
                let bar = ProgressBar::new(blob.size).with_style(style(BLOB)).with_prefix(short(&blob.digest));
                self.blobs.insert(blob.digest, bars.insert_before(&self.all, bar));
            }
            Event::Moved(blob, position) => {
                if let Some(bar) = self.blobs.get(&blob.digest) {
                    let before = bar.position();
                    bar.set_position(position);
                    let all = self.all.position().saturating_add(position).saturating_sub(before);
                    self.all.set_position(all);
                }
            }
            Event::Arrived(blob, _) => {
                if let Some(bar) = self.blobs.remove(&blob.digest) {
                    self.all.inc(blob.size.saturating_sub(bar.position()));
                    bar.finish_and_clear();
                    bars.remove(&bar);
                }
            }
            Event::Stored(_) => {}
        }
    }
}

fn line(event: Event<'_>) {
    match event {
        Event::Planned { manifests, blobs, bytes } => {
            eprintln!("manifests: {manifests}; blobs: {blobs}, {}", HumanBytes(bytes));
        }
        Event::Arrived(blob, arrival) => eprintln!("blob {}: {}", short(&blob.digest), arrived(blob, arrival)),
        Event::Stored(manifest) => eprintln!("manifest {}: stored", short(&manifest.digest)),
        Event::Begun(_) | Event::Moved(..) => {}
    }
}

fn arrived(blob: &Descriptor, arrival: Arrival) -> String {
    let size = HumanBytes(blob.size);
    match arrival {
        Arrival::Existed => format!("{size}, there already"),
        Arrival::Mounted => format!("{size}, mounted"),
        Arrival::Copied => format!("{size}, copied"),
    }
}

/// The beginning of a digest, as people tell digests apart.
pub(crate) fn short(digest: &Digest) -> String {
    digest.hex().chars().take(DIGITS).collect()
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the template is well-formed")
}
