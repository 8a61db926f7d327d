//! What may be said on the command line.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

/// What `--help` shows.
pub(crate) const USAGE: &str = "\
Wharf beside Docker's own registry (Debian: apt-get install docker-registry), in turns, on loopback addresses.

usage: cargo run --release -p wharf-bench -- [OPTIONS]

  --rounds N        how often each figure is measured on each server (5)
  --seconds S       how long one load goes on (3)
  --only WORD       only measures whose name holds WORD; may be repeated
  --wharf PATH      the program to measure; by default it is built
  --peer PATH       Docker's registry (docker-registry)
  --folder DIR      where the servers' data lie; it must be on a disk (beside the build)
  --into FILE       replaces the figures in FILE instead of printing them
  --quick           two rounds of one second: rough figures
";

/// The choices of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) rounds: usize,
    pub(crate) time: Duration,
    pub(crate) only: Vec<String>,
    pub(crate) wharf: Option<PathBuf>,
    pub(crate) peer: PathBuf,
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
            time: Duration::from_secs(3),
            only: Vec::new(),
            wharf: None,
            peer: PathBuf::from("docker-registry"),
            folder: None,
            into: None,
            words: Vec::new(),
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            if word == "--quick" {
                (options.rounds, options.time) = (2, Duration::from_secs(1));
                options.words.push(word.clone());
                continue;
            }
            let value = words.next().with_context(|| format!("`{word}` takes a value, or is unknown; see --help"))?;
            options.set(word, value)?;
        }
        Ok(options)
    }

    fn set(&mut self, word: &str, value: &str) -> Result<()> {
        let number = || value.parse().ok().filter(|number| (1..=60).contains(number));
        if matches!(word, "--rounds" | "--seconds" | "--only") {
            let shown = if value.contains(' ') { format!("'{value}'") } else { value.to_owned() };
            self.words.extend([word.to_owned(), shown]);
        }
        let bounded = || number().with_context(|| format!("`{word}` is a number from 1 to 60"));
        match word {
            "--rounds" => self.rounds = usize::try_from(bounded()?)?,
            "--seconds" => self.time = Duration::from_secs(bounded()?),
            "--only" => self.only.push(value.to_owned()),
            "--wharf" => self.wharf = Some(value.into()),
            "--peer" => self.peer = value.into(),
            "--folder" => self.folder = Some(value.into()),
            "--into" => self.into = Some(value.into()),
            _ => bail!("`{word}` is unknown; see --help"),
        }
        Ok(())
    }

    /// What stands behind the command in the report.
    pub(crate) fn told(&self) -> String {
        if self.words.is_empty() { String::new() } else { format!(" -- {}", self.words.join(" ")) }
    }

    /// Whether a measure of this name is wanted.
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
        let options = parse("--only push --rounds 7 --quick --seconds 2 --only tags").expect("valid");
        assert_eq!((options.rounds, options.time), (2, Duration::from_secs(2)));
        assert_eq!(options.told(), " -- --only push --rounds 7 --quick --seconds 2 --only tags");
        assert!(options.wants("push of 1 GiB") && options.wants("tags") && !options.wants("manifest"));
    }

    #[test]
    fn where_things_lie_is_not_told() {
        assert_eq!(parse("--wharf /a --peer b --folder /c --into d").expect("valid").told(), "");
    }

    #[test]
    fn what_is_unknown_or_unbounded_is_refused() {
        for bad in ["--rounds", "--rounds 0", "--rounds 61", "--seconds x", "--fast 1", "push"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
