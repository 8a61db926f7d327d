//! Linting a checkout: find files → read settings → check → mend; and the same for an editor. What a rule finds is decided by
//! [`wharf_dockerfile::lint`] alone; here are the files that it is not to know of. Flags and output are the program's.

mod error;
mod files;
mod lsp;
mod settings;

use std::sync::atomic::{AtomicUsize, Ordering};

use wharf_dockerfile::lint::format::Report;
use wharf_dockerfile::lint::{self, Settings};
use wharf_dockerfile::parse_bytes;

pub use error::Error;
pub use files::{Input, find};
pub use lsp::serve;
pub use settings::{Set, read};

/// Checks all files, on as many threads as there are processors, and mends them first where `mends`. Answers the reports in the order of
/// the files, and the first failure to read or write one.
pub fn check(inputs: &[Input], settings: &Settings, mends: bool) -> (Vec<Report>, Option<Error>) {
    let next = AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(inputs.len().max(1));
    let work = || {
        let mut done = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(input) = inputs.get(index) else { return done };
            done.push((index, check_one(input, settings, mends)));
        }
    };
    let mut outcomes: Vec<(usize, Result<Report, Error>)> = std::thread::scope(|scope| {
        let handles: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        handles.into_iter().flat_map(|handle| handle.join().expect("a rule does not panic")).collect()
    });
    outcomes.sort_by_key(|(index, _)| *index);
    let mut reports = Vec::with_capacity(outcomes.len());
    let mut failed = None;
    for (_, outcome) in outcomes {
        match outcome {
            Ok(report) => reports.push(report),
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    (reports, failed)
}

fn check_one(input: &Input, settings: &Settings, mends: bool) -> Result<Report, Error> {
    let bytes = input.read()?;
    let ignore = input.ignore();
    let mut file = parse_bytes(&bytes);
    let mut findings = lint::check_in(&file, settings, ignore.as_ref());
    if mends {
        let (text, count) = lint::apply(file.source(), &findings);
        if count > 0 {
            input.write(&text)?;
            file = parse_bytes(text.as_bytes());
            findings = lint::check_in(&file, settings, ignore.as_ref());
        }
    }
    Ok(Report { name: input.name(), file, findings })
}
