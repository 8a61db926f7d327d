//! Instructions that change the config and no file. Texts of the history are as BuildKit writes them.

use std::time::Duration;

use wharf_dockerfile::expand::{Ports, Step};
use wharf_dockerfile::instruction::{Healthcheck, Probe};
use wharf_dockerfile::{CommandLine, Spanned};
use wharf_oci::config::{self, Nothing};

use super::stage::State;
use crate::error::Error;

const DEFAULT_SHELL: [&str; 2] = ["/bin/sh", "-c"];

/// Changes the config as the instruction says.
pub(super) fn apply(state: &mut State, step: Step) -> Result<(), Error> {
    match step {
        Step::Arg(arguments) => {
            let shown = |(name, value): (String, Option<String>)| match value {
                Some(value) => format!(" {name}={value}"),
                None => format!(" {name}"),
            };
            let arguments: String = arguments.into_iter().map(shown).collect();
            state.note(format!("ARG{arguments}"));
        }
        Step::Cmd(line) => cmd(state, &line),
        Step::Entrypoint(line) => entrypoint(state, &line),
        Step::Env(pairs) => env(state, &pairs),
        Step::Expose(ports) => expose(state, &ports),
        Step::Healthcheck(check) => healthcheck(state, &check),
        Step::Label(pairs) => {
            let text: String = pairs.iter().map(|(name, value)| format!(" {name}={value}")).collect();
            state.note(format!("LABEL{text}"));
            state.config.config.labels.extend(pairs);
        }
        Step::Maintainer(author) => {
            state.note(format!("MAINTAINER {author}"));
            state.config.author = author;
        }
        Step::Onbuild(trigger) => state.config.config.on_build.push(trigger),
        Step::Shell(shell) => {
            state.note(format!("SHELL [{}]", shell.join(" ")));
            state.config.config.shell = shell;
        }
        Step::Stopsignal(signal) => {
            state.note(format!("STOPSIGNAL {signal}"));
            state.config.config.stop_signal = signal;
        }
        Step::User(user) => {
            state.note(format!("USER {user}"));
            state.config.config.user = user;
        }
        Step::Volume(paths) => volumes(state, paths)?,
        // What changes files is planned elsewhere.
        Step::Add(_) | Step::Copy(_) | Step::Run(_) | Step::Workdir(_) => {}
    }
    Ok(())
}

/// The words that run a command; a text is run by the shell of the moment.
pub(super) fn words(state: &State, line: &CommandLine) -> Vec<String> {
    match line {
        CommandLine::Exec(words) => words.iter().map(|word| word.value.clone()).collect(),
        CommandLine::Shell(text) => in_shell(state, text.as_str()),
    }
}

/// A text as the shell of the moment runs it.
pub(super) fn in_shell(state: &State, text: &str) -> Vec<String> {
    let mut shell = state.config.config.shell.clone();
    if shell.is_empty() {
        shell = DEFAULT_SHELL.map(str::to_owned).to_vec();
    }
    shell.push(text.to_owned());
    shell
}

/// `["a" "b"]`, as Go shows a list of texts.
fn shown(words: &[String]) -> String {
    let words: Vec<String> = words.iter().map(|word| format!("{word:?}")).collect();
    format!("[{}]", words.join(" "))
}

fn cmd(state: &mut State, line: &CommandLine) {
    let words = words(state, line);
    state.note(format!("CMD {}", shown(&words)));
    let config = &mut state.config.config;
    config.cmd = words;
    config.args_escaped = true;
    state.is_cmd_set = true;
}

fn entrypoint(state: &mut State, line: &CommandLine) {
    let words = words(state, line);
    state.note(format!("ENTRYPOINT {}", shown(&words)));
    state.config.config.entrypoint = words;
    // What the base runs are arguments for another program.
    if !state.is_cmd_set {
        state.config.config.cmd.clear();
    }
}

fn env(state: &mut State, pairs: &[(String, String)]) {
    let mut text = "ENV".to_owned();
    for (name, value) in pairs {
        let line = format!("{name}={value}");
        text.push(' ');
        text.push_str(&line);
        let known = state.config.config.env.iter_mut().find(|known| known.split('=').next() == Some(name));
        match known {
            Some(known) => *known = line,
            None => state.config.config.env.push(line),
        }
    }
    state.note(text);
}

fn expose(state: &mut State, ports: &[Ports]) {
    let mut exposed: Vec<String> = ports.iter().flat_map(Ports::keys).collect();
    exposed.sort();
    exposed.dedup();
    let shown: Vec<String> = exposed.iter().map(|port| format!("{port}:{{}}")).collect();
    state.note(format!("EXPOSE map[{}]", shown.join(" ")));
    state.config.config.exposed_ports.extend(exposed.into_iter().map(|port| (port, Nothing {})));
}

fn volumes(state: &mut State, paths: Vec<String>) -> Result<(), Error> {
    if paths.iter().any(String::is_empty) {
        return Err(Error::Invalid("VOLUME has an empty path".to_owned()));
    }
    state.note(format!("VOLUME [{}]", paths.join(" ")));
    state.config.config.volumes.extend(paths.into_iter().map(|path| (path, Nothing {})));
    Ok(())
}

fn healthcheck(state: &mut State, check: &Healthcheck) {
    let check = match check {
        Healthcheck::None => config::Healthcheck { test: vec!["NONE".to_owned()], ..Default::default() },
        Healthcheck::Probe(probe) => probed(probe),
    };
    let time = |nanos: i64| format!("{:?}", go_duration(nanos));
    let retries = match check.retries {
        0 => "'\\x00'".to_owned(),
        number => u32::try_from(number).ok().and_then(char::from_u32).map_or_else(String::new, |c| match c {
            c if c < ' ' => format!("'\\x{:02x}'", u32::from(c)),
            c => format!("{c:?}"),
        }),
    };
    let times = [check.interval, check.timeout, check.start_period, check.start_interval].map(time).join(" ");
    state.note(format!("HEALTHCHECK &{{{} {times} {retries}}}", shown(&check.test)));
    state.config.config.healthcheck = Some(check);
}

fn probed(probe: &Probe) -> config::Healthcheck {
    let nanos = |time: &Option<Spanned<Duration>>| {
        time.as_ref().map_or(0, |time| i64::try_from(time.as_nanos()).unwrap_or(i64::MAX))
    };
    let test = match &probe.command {
        CommandLine::Exec(words) => {
            std::iter::once("CMD".to_owned()).chain(words.iter().map(|word| word.value.clone())).collect()
        }
        CommandLine::Shell(text) => vec!["CMD-SHELL".to_owned(), text.as_str().to_owned()],
    };
    config::Healthcheck {
        test,
        interval: nanos(&probe.interval),
        timeout: nanos(&probe.timeout),
        start_period: nanos(&probe.start_period),
        start_interval: nanos(&probe.start_interval),
        retries: probe.retries.as_ref().map_or(0, |retries| i64::from(retries.value)),
    }
}

/// A time as Go shows it: `1m30s`, `500ms`, `0s`.
fn go_duration(nanos: i64) -> String {
    let (hours, minutes) = (nanos / 3_600_000_000_000, nanos / 60_000_000_000 % 60);
    let rest = nanos % 60_000_000_000;
    if nanos > 0 && nanos < 1_000_000_000 {
        return format!("{}ms", decimal(nanos, 1_000_000));
    }
    let seconds = decimal(rest, 1_000_000_000);
    match (hours, minutes) {
        (0, 0) => format!("{seconds}s"),
        (0, minutes) => format!("{minutes}m{seconds}s"),
        (hours, minutes) => format!("{hours}h{minutes}m{seconds}s"),
    }
}

fn decimal(number: i64, unit: i64) -> String {
    let digits = unit.to_string().len() - 1;
    let text = format!("{}.{:0digits$}", number / unit, number % unit);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::go_duration;

    #[test]
    fn times_are_shown_as_go_shows_them() {
        for (nanos, text) in [
            (0, "0s"),
            (500_000_000, "500ms"),
            (1_500_000_000, "1.5s"),
            (90_000_000_000, "1m30s"),
            (3_600_000_000_000, "1h0m0s"),
        ] {
            assert_eq!(go_duration(nanos), text);
        }
    }
}
