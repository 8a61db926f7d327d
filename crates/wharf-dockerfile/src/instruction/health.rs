//! `HEALTHCHECK`: how one sees that a container is well.

use std::time::Duration;

use super::Reading;
use crate::command::CommandLine;
use crate::diagnostic::Diagnostic;
use crate::duration;
use crate::flag::{Flags, Takes};
use crate::span::Spanned;

/// `HEALTHCHECK NONE` or `HEALTHCHECK [flags] CMD command`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Healthcheck {
    /// There is none, whatever the base says.
    None,
    /// A command that is run again and again.
    Probe(Box<Probe>),
}

/// The command of a health check and when it runs. What is not said is left to the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// From one run to the next.
    pub interval: Option<Spanned<Duration>>,
    /// How long one run may take.
    pub timeout: Option<Spanned<Duration>>,
    /// How long failures don't count after the start.
    pub start_period: Option<Spanned<Duration>>,
    /// From one run to the next while the start takes.
    pub start_interval: Option<Spanned<Duration>>,
    /// How many failures in a row make it ill.
    pub retries: Option<Spanned<u32>>,
    /// The command.
    pub command: CommandLine,
}

/// Docker takes no shorter ones.
const SHORTEST: Duration = Duration::from_millis(1);

impl Healthcheck {
    pub(super) fn read(mut reading: Reading<'_>) -> Result<Self, Diagnostic> {
        let value = reading.arguments.as_str();
        let end = value.find(char::is_whitespace).unwrap_or(value.len());
        let rest = reading.arguments.slice(end..value.len()).trimmed();
        match value[..end].to_ascii_uppercase().as_str() {
            "NONE" if rest.is_empty() => Ok(Self::None),
            "NONE" => Err(reading.wrong("NONE takes no arguments")),
            "CMD" => {
                let flags = reading.flags(&[
                    ("interval", Takes::Value),
                    ("timeout", Takes::Value),
                    ("start-period", Takes::Value),
                    ("start-interval", Takes::Value),
                    ("retries", Takes::Value),
                ]);
                let command = CommandLine::parse(&rest)?;
                if command.is_empty() {
                    return Err(reading.wrong("CMD needs a command"));
                }
                Ok(Self::Probe(Box::new(probe(&flags, command, reading.diagnostics))))
            }
            _ => Err(reading.wrong("takes `NONE`, or `CMD` and a command")),
        }
    }
}

fn probe(flags: &Flags, command: CommandLine, diagnostics: &mut Vec<Diagnostic>) -> Probe {
    let mut time = |name: &str| match interval(flags, name) {
        Ok(time) => time,
        Err(diagnostic) => {
            diagnostics.push(diagnostic);
            None
        }
    };
    let interval = time("interval");
    let timeout = time("timeout");
    let start_period = time("start-period");
    let start_interval = time("start-interval");
    let retries = flags.value("retries").and_then(|value| match value.parse::<u32>() {
        Ok(retries) if i32::try_from(retries).is_ok() => Some(value.with(retries)),
        _ => {
            diagnostics.push(Diagnostic::error(value.span, format!("`--retries={}` is no number of retries", *value)));
            None
        }
    });
    Probe { interval, timeout, start_period, start_interval, retries, command }
}

fn interval(flags: &Flags, name: &str) -> Result<Option<Spanned<Duration>>, Diagnostic> {
    let Some(value) = flags.value(name).filter(|value| !value.is_empty()) else { return Ok(None) };
    let Some(time) = duration::parse(&value) else {
        let hint = "a time is like `30s`, `1m30s` or `500ms`".to_owned();
        return Err(Diagnostic::error(value.span, format!("`--{name}={}` is no time", *value)).hint(Some(hint)));
    };
    if !time.is_zero() && time < SHORTEST {
        return Err(Diagnostic::error(value.span, format!("`--{name}={}` is shorter than 1ms", *value)));
    }
    Ok(Some(value.with(time)))
}
