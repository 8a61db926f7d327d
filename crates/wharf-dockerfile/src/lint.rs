//! Lint: what is wrong with a Dockerfile although it builds. File in, findings out; it opens nothing and runs nothing.
//!
//! [`check`] makes a `Subject` of the tree (stages, shells in force, every RUN as commands), lets each family of rules look at it
//! (`dl`, `checks`, `sc`, `wf`), and hands over what settings, comments in the file and policy leave ([`settings`], `pragma`).
//! A rule is a constant with its id, severity and text ([`Rule`]) beside the function that finds it. `DL` ids are hadolint's, `SC` ids
//! ShellCheck's, the names without digits BuildKit's, and `WF` our own; all text and code is.

#![expect(clippy::wildcard_enum_match_arm, reason = "a rule names the instructions that it is about, and no others")]

mod checks;
mod dl;
mod finding;
pub mod format;
mod invocation;
mod packages;
mod pragma;
mod rule;
mod sc;
pub mod settings;
mod subject;
mod variables;
mod wf;

pub use finding::{Edit, Finding, Fix, apply};
pub use rule::{Rule, rule, rules};
pub use settings::Settings;

use crate::dockerfile::Dockerfile;
use crate::ignore::Ignore;
use finding::Findings;
use subject::Subject;

/// Finds what is wrong with `file`, in the order of its places.
pub fn check(file: &Dockerfile, settings: &Settings) -> Vec<Finding> {
    check_in(file, settings, None)
}

/// The same, with the ignore file of its build context.
pub fn check_in(file: &Dockerfile, settings: &Settings, ignore: Option<&Ignore>) -> Vec<Finding> {
    let pragmas = pragma::Pragmas::read(file);
    let subject = Subject::new(file, settings, pragmas.shell(), ignore);
    let mut findings = Findings::default();
    rule::syntax(&subject, &mut findings);
    dl::check(&subject, &mut findings);
    checks::check(&subject, &mut findings);
    sc::check(&subject, &mut findings);
    wf::check(&subject, &mut findings);
    pragmas.check(&mut findings);
    settings::judge(findings.into_sorted(), file, settings, &pragmas)
}
