//! What may be said on the command line.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

/// What `--help` shows.
pub(crate) const USAGE: &str = "\
Wharf beside Docker's own registry and nginx, in turns, on loopback addresses.

usage: cargo xtask bench registry [OPTIONS]
       cargo xtask bench nodes --database URL [--versitygw PATH] [--into FILE]
       cargo xtask bench standby [--wharf PATH] [--into FILE]
       cargo xtask seed [--manifests N] [--databases FULL-URL EMPTY-URL] [--into FILE]

  --quick           three short rounds: rough figures within ten minutes
  --rounds N        how often each figure is measured on each server (5)
  --seconds S       how long one load goes on (1.5)
  --only ROW        only rows whose name holds ROW; may be repeated
  --into FILE       replaces the figures in FILE instead of printing them
  --wharf PATH      the program to measure; by default it is built
  --peer PATH       Docker's registry; by default version 3 by `go install`, else Debian's docker-registry
  --folder DIR      where the servers' data lie; it must be on a disk (beside the build)

`nodes` measures two nodes beside one, on an empty database of PostgreSQL that you have made and a bucket of versitygw.
`standby` measures a server alone beside one with an asynchronous and one with a synchronous standby.
`seed` measures Wharf alone, on a catalog of N manifests (1000000) beside an almost empty one: on SQLite, or on two
empty databases of PostgreSQL that you have made.
";

/// The choices of one run.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Options {
    pub(crate) rounds: usize,
    pub(crate) time: Duration,
    pub(crate) is_quick: bool,
    pub(crate) only: Vec<String>,
    pub(crate) wharf: Option<PathBuf>,
    pub(crate) peer: Option<PathBuf>,
    pub(crate) folder: Option<PathBuf>,
    pub(crate) into: Option<PathBuf>,
    /// The words that say what was measured, for the report. Where things lie on one machine is nobody's business.
    words: Vec<String>,
}

impl Options {
    /// Reads the words after the program's name.
    pub(crate) fn parse(words: &[String]) -> Result<Self> {
        let mut options = Self {
            rounds: 5,
            time: Duration::from_millis(1500),
            is_quick: false,
            only: Vec::new(),
            wharf: None,
            peer: None,
            folder: None,
            into: None,
            words: Vec::new(),
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            if word == "--quick" {
                (options.rounds, options.time, options.is_quick) = (3, Duration::from_millis(500), true);
                options.words.push(word.clone());
                continue;
            }
            let value = words.next().with_context(|| format!("`{word}` takes a value, or is unknown; see --help"))?;
            options.set(word, value)?;
        }
        Ok(options)
    }

    fn set(&mut self, word: &str, value: &str) -> Result<()> {
        if matches!(word, "--rounds" | "--seconds" | "--only") {
            let shown = if value.contains(' ') { format!("'{value}'") } else { value.to_owned() };
            self.words.extend([word.to_owned(), shown]);
        }
        match word {
            "--rounds" => {
                let rounds = value.parse().ok().filter(|rounds| (1..=60).contains(rounds));
                self.rounds = rounds.context("`--rounds` is a number from 1 to 60")?;
            }
            "--seconds" => {
                let seconds = value.parse().ok().filter(|seconds| (0.1..=60.0).contains(seconds));
                self.time = Duration::from_secs_f64(seconds.context("`--seconds` is a number from 0.1 to 60")?);
            }
            "--only" => self.only.push(value.to_owned()),
            "--wharf" => self.wharf = Some(value.into()),
            "--peer" => self.peer = Some(value.into()),
            "--folder" => self.folder = Some(value.into()),
            "--into" => self.into = Some(value.into()),
            _ => bail!("`{word}` is unknown; see --help"),
        }
        Ok(())
    }

    /// What stands behind the command in the report.
    pub(crate) fn told(&self) -> String {
        self.words.iter().map(|word| format!(" {word}")).collect()
    }

    /// Whether a row of this name is wanted.
    pub(crate) fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|word| name.contains(word.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Options> {
        Options::parse(&text.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn options_are_read_in_any_order() {
        let options = parse("--only push --rounds 7 --quick --seconds 2.5 --only tags").expect("valid");
        assert_eq!((options.rounds, options.time), (3, Duration::from_millis(2500)));
        assert_eq!(options.told(), " --only push --rounds 7 --quick --seconds 2.5 --only tags");
        assert!(options.wants("push of 1 GiB") && options.wants("tags") && !options.wants("manifest"));
    }

    #[test]
    fn where_things_lie_is_not_told() {
        assert_eq!(parse("--wharf /a --peer b --folder /c --into d").expect("valid").told(), "");
    }

    #[test]
    fn what_is_unknown_or_unbounded_is_refused() {
        for bad in ["--rounds", "--rounds 0", "--rounds 61", "--seconds x", "--seconds 0", "--fast 1", "push"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
