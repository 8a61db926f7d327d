//! The figures as Markdown.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::durability::Counts;
use crate::figure::{Rounds, Unit, digits, ratio};
use crate::machine;
use crate::options::Options;
use crate::server::Program;

/// Between these lines of a document stand the figures.
const BEGIN: &str = "<!-- figures: written by wharf-bench -->";
const END: &str = "<!-- end of figures -->";

/// One quantity on both servers: Wharf, then Docker's registry.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) name: &'static str,
    pub(crate) unit: Unit,
    pub(crate) sides: [Rounds; 2],
}

/// The quantities of one measure.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) lines: Vec<Line>,
}

/// What one operation costs inside.
#[derive(Debug)]
pub(crate) struct Count {
    pub(crate) name: String,
    pub(crate) sides: [Counts; 2],
}

/// Everything that was found.
#[derive(Debug)]
pub(crate) struct Report {
    command: String,
    versions: [String; 2],
    commit: Option<String>,
    date: String,
    rounds: usize,
    load_before: String,
    pub(crate) load_after: String,
    pub(crate) machine: Vec<String>,
    pub(crate) tables: Vec<Table>,
    pub(crate) counts: Result<Vec<Count>>,
    pub(crate) memory_after: [f64; 2],
}

impl Line {
    fn ratio(&self) -> Option<f64> {
        ratio(self.unit, &self.sides[0], &self.sides[1])
    }

    /// For whoever watches.
    pub(crate) fn plain(&self) -> String {
        let [wharf, peer] = self.sides.each_ref().map(Rounds::render);
        let ratio = self.ratio().map(|ratio| format!("  {ratio:.2} ×")).unwrap_or_default();
        format!("{} [{}]: {wharf} | {peer}{ratio}", self.name, self.unit.name())
    }

    fn markdown(&self) -> String {
        let [wharf, peer] = self.sides.each_ref().map(Rounds::render);
        let name = match self.unit.name() {
            "" => self.name.to_owned(),
            unit => format!("{}, {unit}", self.name),
        };
        format!("| {name} | {wharf} | {peer} | {} |", verdict(self.ratio()))
    }
}

/// How much better Wharf is; what is worse stands out.
fn verdict(ratio: Option<f64>) -> String {
    match ratio {
        None => "–".to_owned(),
        Some(ratio) if ratio < 0.995 => format!("**{ratio:.2} ×**"),
        Some(ratio) if ratio < 10.0 => format!("{ratio:.2} ×"),
        Some(ratio) => format!("{ratio:.0} ×"),
    }
}

impl Report {
    pub(crate) fn begin(options: &Options, programs: &[Program; 2]) -> Self {
        Self {
            command: format!("cargo run --release -p wharf-bench{}", options.told()),
            versions: programs.each_ref().map(|program| program.version.clone()),
            // Of a program that was brought along, we know no commit.
            commit: options.wharf.is_none().then(machine::commit).flatten(),
            date: jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M UTC").to_string(),
            rounds: options.rounds,
            load_before: machine::load_average(),
            load_after: String::new(),
            machine: Vec::new(),
            tables: Vec::new(),
            counts: Ok(Vec::new()),
            memory_after: [0.0; 2],
        }
    }

    fn render(&self) -> String {
        let mut text = self.head();
        for table in &self.tables {
            push(
                &mut text,
                &format!(
                    "\n### {}\n\n| | Wharf | Docker's registry | Wharf is better by |\n|---|---|---|---|",
                    capital(&table.name)
                ),
            );
            table.lines.iter().for_each(|line| push(&mut text, &line.markdown()));
        }
        let [wharf, peer] = self.memory_after.map(digits);
        push(&mut text, &format!("\nResident memory after all of this: {wharf} MiB and {peer} MiB."));
        match &self.counts {
            Ok(counts) if counts.is_empty() => {}
            Ok(counts) => push(&mut text, &inside(counts)),
            Err(error) => push(&mut text, &format!("\nWhat an operation costs inside was not counted: {error:#}.")),
        }
        text
    }

    fn head(&self) -> String {
        let [wharf, peer] = &self.versions;
        let commit = self.commit.as_deref().map(|commit| format!(" ({commit})")).unwrap_or_default();
        let mut lines =
            vec![format!("`{}`, {}", self.command, self.date), format!("{wharf}{commit}, release build; {peer}")];
        lines.extend(self.machine.iter().cloned());
        lines.push(format!("load average {} before, {} after", self.load_before, self.load_after));
        lines.push(format!("{} rounds each, in turns: median (least–most)", self.rounds));
        lines.iter().map(|line| format!("- {line}\n")).collect()
    }
}

fn inside(counts: &[Count]) -> String {
    let mut text = "\n### Inside: for one operation\n\n| | Wharf: syncs | peer: syncs | Wharf: system calls | peer: system calls | \
        Wharf: point reads, transactions, commits |\n|---|---|---|---|---|---|\n"
        .to_owned();
    for Count { name, sides: [wharf, peer] } in counts {
        let catalog = wharf.catalog.map(|counts| counts.map(digits).join(", ")).unwrap_or_default();
        let [wharf_syncs, peer_syncs, wharf_calls, peer_calls] =
            [wharf.syncs, peer.syncs, wharf.calls, peer.calls].map(digits);
        push(
            &mut text,
            &format!("| {name} | {wharf_syncs} | {peer_syncs} | {wharf_calls} | {peer_calls} | {catalog} |"),
        );
    }
    text.truncate(text.trim_end().len());
    text
}

fn push(text: &mut String, line: &str) {
    writeln!(text, "{line}").expect("a String takes everything");
}

fn capital(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// Prints the report, or puts it where the last one stands.
#[expect(clippy::print_stdout, reason = "the figures are for whoever runs this")]
pub(crate) fn publish(options: &Options, report: &Report) -> Result<()> {
    let figures = report.render();
    match &options.into {
        Some(path) => replace(path, &figures),
        None => {
            println!("{figures}");
            Ok(())
        }
    }
}

fn replace(path: &Path, figures: &str) -> Result<()> {
    let text = std::fs::read_to_string(path).with_context(|| format!("read `{}`", path.display()))?;
    let (before, rest) = text.split_once(BEGIN).with_context(|| format!("`{BEGIN}` in `{}`", path.display()))?;
    let (_, after) = rest.split_once(END).with_context(|| format!("`{END}` in `{}`", path.display()))?;
    std::fs::write(path, format!("{before}{BEGIN}\n{figures}{END}{after}")).context("write the figures")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_worse_stands_out() {
        assert_eq!([None, Some(0.5), Some(2.0), Some(31.4)].map(verdict), ["–", "**0.50 ×**", "2.00 ×", "31 ×"]);
    }

    #[test]
    fn new_figures_take_the_place_of_the_old() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), format!("a\n{BEGIN}\nold\n{END}\nb\n")).expect("is written");
        replace(file.path(), "new\n").expect("has both marks");
        let text = std::fs::read_to_string(file.path()).expect("is there");
        assert_eq!(text, format!("a\n{BEGIN}\nnew\n{END}\nb\n"));
    }
}
