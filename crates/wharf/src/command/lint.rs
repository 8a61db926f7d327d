//! `wharf lint`: what is wrong with Dockerfiles although they build. Needs no server, no registry and no daemon.

mod error;
mod files;
mod lsp;
mod settings;

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use clap::Args;
use wharf_dockerfile::lint::format::{Format, Report};
use wharf_dockerfile::lint::{self, Settings};
use wharf_dockerfile::{Severity, parse_bytes};

pub(crate) use error::Error;
use files::Input;

/// `wharf lint`.
#[derive(Debug, Args)]
pub(crate) struct Lint {
    /// Dockerfiles, folders in which to look for them, or `-` for standard input. Without one: the Dockerfile of this folder.
    #[arg(value_name = "FILE|FOLDER|-")]
    places: Vec<PathBuf>,
    /// How findings are written.
    #[arg(long, short, default_value = "text", value_parser = clap::builder::PossibleValuesParser::new(Format::NAMES.map(|(name, _)| name)))]
    format: String,
    /// End with 0 whatever was found.
    #[arg(long)]
    no_fail: bool,
    /// The mildest finding that makes the exit code 10: `error`, `warning`, `info`, `style`, or `none`.
    #[arg(long, short = 't', visible_alias = "failure-threshold", value_name = "LEVEL")]
    fail_on: Option<String>,
    /// Mend what can be mended safely, in place, and report the rest.
    #[arg(long)]
    fix: bool,
    /// The settings, in hadolint's form. Without one: `.hadolint.yaml` or `.hadolint.yml` of this folder or one above.
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,
    /// What no file, comment or other setting can change: settings in the same form, with `enforced`. Else: WHARF_LINT_POLICY.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// The environment that the image is for: which approved bases count.
    #[arg(long, value_name = "ENVIRONMENT")]
    environment: Option<String>,
    /// Speak the language server protocol on standard input and output: findings and fixes in an editor.
    #[arg(long, conflicts_with_all = ["places", "format", "fix"])]
    lsp: bool,
    /// Rules that are not looked for.
    #[arg(long, value_name = "RULE")]
    ignore: Vec<String>,
    /// Registries that bases may come from.
    #[arg(long, value_name = "REGISTRY")]
    trusted_registry: Vec<String>,
}

impl Lint {
    pub(crate) fn run(self) -> Result<(), Error> {
        let policy = self.policy.clone().or_else(policy_of_environment);
        let mut set = settings::read(self.config.as_deref(), policy.as_deref(), self.environment.as_deref())?;
        set.settings.ignored.extend(self.ignore.iter().cloned());
        set.settings.trusted_registries.extend(self.trusted_registry.iter().cloned());
        let threshold = set.threshold(self.fail_on.as_deref())?;
        if self.lsp {
            return lsp::serve(&set.settings);
        }
        let inputs = files::find(&self.places)?;
        let (mut reports, unreadable) = check_all(&inputs, &set.settings, self.fix);
        reports.sort_by_key(|(index, _)| *index);
        let reports: Vec<Report> = reports.into_iter().map(|(_, report)| report).collect();
        print(&self.format, &reports)?;
        if let Some(error) = unreadable {
            return Err(error);
        }
        let fails = |severity: Severity| threshold.is_some_and(|threshold| severity >= threshold);
        let count =
            reports.iter().flat_map(|report| &report.findings).filter(|finding| fails(finding.severity)).count();
        if count == 0 || self.no_fail || set.has_no_fail { Ok(()) } else { Err(Error::Found { count }) }
    }
}

#[expect(clippy::disallowed_methods, reason = "a verb of the program reads the program's environment")]
fn policy_of_environment() -> Option<PathBuf> {
    std::env::var_os("WHARF_LINT_POLICY").map(PathBuf::from)
}

fn print(format: &str, reports: &[Report]) -> Result<(), Error> {
    let format = Format::NAMES.into_iter().find(|(name, _)| *name == format).map_or(Format::Text, |(_, format)| format);
    let text = format.render(reports);
    std::io::stdout().write_all(text.as_bytes()).map_err(|source| Error::Print { source })
}

/// Checks all files, on as many threads as there are processors. Also answers the first failure to read or write one.
fn check_all(inputs: &[Input], settings: &Settings, fixes: bool) -> (Vec<(usize, Report)>, Option<Error>) {
    let next = AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(inputs.len().max(1));
    let work = || {
        let mut done = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(input) = inputs.get(index) else { return done };
            done.push((index, check_one(input, settings, fixes)));
        }
    };
    let outcomes: Vec<_> = std::thread::scope(|scope| {
        let handles: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        handles.into_iter().flat_map(|handle| handle.join().expect("a rule does not panic")).collect()
    });
    let mut reports = Vec::with_capacity(outcomes.len());
    let mut failed: Option<(usize, Error)> = None;
    for (index, outcome) in outcomes {
        match outcome {
            Ok(report) => reports.push((index, report)),
            Err(error) if failed.as_ref().is_none_or(|(first, _)| index < *first) => failed = Some((index, error)),
            Err(_) => {}
        }
    }
    (reports, failed.map(|(_, error)| error))
}

fn check_one(input: &Input, settings: &Settings, fixes: bool) -> Result<Report, Error> {
    let bytes = input.read()?;
    let ignore = input.ignore();
    let mut file = parse_bytes(&bytes);
    let mut findings = lint::check_in(&file, settings, ignore.as_ref());
    if fixes {
        let (text, count) = lint::apply(file.source(), &findings);
        if count > 0 {
            input.write(&text)?;
            file = parse_bytes(text.as_bytes());
            findings = lint::check_in(&file, settings, ignore.as_ref());
        }
    }
    Ok(Report { name: input.name(), file, findings })
}
