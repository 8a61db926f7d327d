//! `wharf lint`: what is wrong with Dockerfiles although they build. Needs no server, no registry and no daemon.

use std::io::Write as _;
use std::path::PathBuf;

use clap::Args;
use wharf_dockerfile::Severity;
use wharf_dockerfile::lint::format::{Format, Report};

pub(crate) use wharf_lint::Error;

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
        let mut set = wharf_lint::read(self.config.as_deref(), policy.as_deref(), self.environment.as_deref())?;
        set.settings.ignored.extend(self.ignore.iter().cloned());
        set.settings.trusted_registries.extend(self.trusted_registry.iter().cloned());
        let threshold = set.threshold(self.fail_on.as_deref())?;
        if self.lsp {
            return wharf_lint::serve(&set.settings);
        }
        let inputs = wharf_lint::find(&self.places)?;
        let (reports, unreadable) = wharf_lint::check(&inputs, &set.settings, self.fix);
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
