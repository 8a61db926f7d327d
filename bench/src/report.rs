//! The figures as Markdown.

mod inside;
mod table;

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::machine;
use crate::options::Options;
use crate::server::{Maker, Program};
pub(crate) use inside::Count;
pub(crate) use table::{Line, Table};

/// Where in a document figures stand, between two lines.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    begin: &'static str,
    end: &'static str,
}

const FIGURES: Place = Place { begin: "<!-- figures: written by wharf-bench -->", end: "<!-- end of figures -->" };

/// Those of a large catalog.
pub(crate) const SEEDED: Place =
    Place { begin: "<!-- seeded: written by wharf-bench -->", end: "<!-- end of seeded -->" };

/// Everything that was found.
#[derive(Debug)]
pub(crate) struct Report {
    command: String,
    versions: Vec<String>,
    absent: Vec<String>,
    commit: Option<String>,
    date: String,
    how: String,
    load_before: String,
    pub(crate) load_after: String,
    pub(crate) machine: Vec<String>,
    pub(crate) tables: Vec<Table>,
    pub(crate) counts: Result<Vec<Count>>,
}

/// Those of two nodes.
pub(crate) const NODES: Place = Place { begin: "<!-- nodes: written by wharf-bench -->", end: "<!-- end of nodes -->" };

/// Those of a pair.
pub(crate) const STANDBY: Place =
    Place { begin: "<!-- standby: written by wharf-bench -->", end: "<!-- end of standby -->" };

impl Report {
    pub(crate) fn begin(options: &Options, programs: &[Program], absent: Vec<String>) -> Self {
        Self {
            command: format!("cargo xtask bench registry{}", options.told()),
            versions: programs
                .iter()
                .filter(|program| program.maker != Maker::Sealed)
                .map(|program| program.version.clone())
                .collect(),
            absent,
            // Of a program that was brought along, we know no commit.
            commit: options.wharf.is_none().then(machine::commit).flatten(),
            date: jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M UTC").to_string(),
            how: format!(
                "{} rounds of {} s each, in turns: median (least–most)",
                options.rounds,
                options.time.as_secs_f64()
            ),
            load_before: machine::load_average(),
            load_after: String::new(),
            machine: Vec::new(),
            tables: Vec::new(),
            counts: Ok(Vec::new()),
        }
    }

    fn render(&self) -> String {
        let mut text = self.head();
        push(&mut text, &table::goals(&self.tables));
        self.tables.iter().for_each(|table| push(&mut text, &table.render()));
        match &self.counts {
            Ok(counts) if counts.is_empty() => {}
            Ok(counts) => push(&mut text, &inside::render(counts)),
            Err(error) => push(&mut text, &format!("\nWhat an operation costs inside was not counted: {error:#}.")),
        }
        text
    }

    fn head(&self) -> String {
        let commit =
            self.commit.as_deref().map(|commit| format!("; Wharf at {commit}, release build")).unwrap_or_default();
        let mut lines =
            vec![format!("`{}`, {}", self.command, self.date), format!("{}{commit}", self.versions.join("; "))];
        lines.extend(self.absent.iter().cloned());
        lines.extend(self.machine.iter().cloned());
        lines.push(format!("load average {} before, {} after", self.load_before, self.load_after));
        lines.push(self.how.clone());
        lines.iter().map(|line| format!("- {line}\n")).collect()
    }
}

fn push(text: &mut String, line: &str) {
    writeln!(text, "{line}").expect("a String takes everything");
}

fn capital(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// Prints the report, or puts it where the last one stands.
pub(crate) fn publish(options: &Options, report: &Report) -> Result<()> {
    FIGURES.put(options.into.as_deref(), &report.render())
}

impl Place {
    /// Puts figures here in a document, or prints them where there is none.
    #[expect(clippy::print_stdout, reason = "the figures are for whoever runs this")]
    pub(crate) fn put(self, document: Option<&Path>, figures: &str) -> Result<()> {
        match document {
            Some(path) => self.replace(path, figures),
            None => {
                println!("{figures}");
                Ok(())
            }
        }
    }

    fn replace(self, path: &Path, figures: &str) -> Result<()> {
        let Self { begin, end } = self;
        let text = std::fs::read_to_string(path).with_context(|| format!("read `{}`", path.display()))?;
        let (before, rest) = text.split_once(begin).with_context(|| format!("`{begin}` in `{}`", path.display()))?;
        let (_, after) = rest.split_once(end).with_context(|| format!("`{end}` in `{}`", path.display()))?;
        std::fs::write(path, format!("{before}{begin}\n{figures}{end}{after}")).context("write the figures")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_figures_take_the_place_of_the_old() {
        let (file, Place { begin, end }) = (tempfile::NamedTempFile::new().expect("a file"), SEEDED);
        std::fs::write(file.path(), format!("a\n{begin}\nold\n{end}\nb\n")).expect("is written");
        SEEDED.replace(file.path(), "new\n").expect("has both marks");
        let text = std::fs::read_to_string(file.path()).expect("is there");
        assert_eq!(text, format!("a\n{begin}\nnew\n{end}\nb\n"));
    }
}
