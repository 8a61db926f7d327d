//! One run: both servers side by side, measured in turns, so that what else the machine does meets both alike.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use crate::durability::{COUNTED, Counts};
use crate::figure::{Rounds, Sample};
use crate::measure::{CASES, Case, Side, mebibytes_of};
use crate::options::Options;
use crate::report::{Count, Line, Report, Table};
use crate::server::{self, Maker, Program};
use crate::{floor, machine, process};

/// How long the machine is left alone between two rounds, so that one's rest is not the other's load.
const PAUSE: Duration = Duration::from_millis(200);

/// Measures everything that is wanted.
pub(crate) async fn run(options: &Options) -> Result<Report> {
    let build = std::env::current_exe()?;
    let build = build.parent().and_then(Path::parent).context("the build's folder")?;
    let programs = [wharf(options, build)?, peer(options)?];
    let folder = options.folder.clone().unwrap_or_else(|| build.to_owned());
    let folder = tempfile::Builder::new().prefix("bench-").tempdir_in(folder)?;
    spread(folder.path());
    let mut report = Report::begin(options, &programs);
    report.machine = machine::describe(folder.path())?;
    report.machine.extend(floor::measure(folder.path())?);
    let [wharf, peer] = programs;
    let sides = [side(wharf, folder.path()).await?, side(peer, folder.path()).await?];
    for case in CASES.into_iter().filter(|case| options.wants(&case.name())) {
        report.tables.push(in_turns(case, &sides, options).await?);
    }
    if options.wants("inside") {
        report.counts = inside(&sides).await;
    }
    report.memory_after = [memory(&sides[0])?, memory(&sides[1])?];
    report.load_after = machine::load_average();
    for side in sides {
        side.server.end().await?;
    }
    Ok(report)
}

/// Asks ext4 to lay the folders below `folder` far apart (`T`, chattr(1)). It remembers files that were deleted a moment
/// ago and looks past each of them when it makes one nearby: what one server deletes would slow the other one down.
fn spread(folder: &Path) {
    let spread = Command::new("chattr").arg("+T").arg(folder).output();
    if !spread.is_ok_and(|output| output.status.success()) {
        eprintln!("the servers' folders may lie close together: `chattr +T` does not work here");
    }
}

/// The program that was named, or the one that this checkout builds.
fn wharf(options: &Options, build: &Path) -> Result<Program> {
    let path = match &options.wharf {
        Some(path) => path.clone(),
        None => build_wharf(build)?,
    };
    let version = server::version(&path)?;
    Ok(Program { maker: Maker::Wharf, path, version })
}

fn build_wharf(build: &Path) -> Result<PathBuf> {
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--release", "--package", "wharf", "--target-dir"]).arg(build);
    ensure!(cargo.status().context("run cargo")?.success(), "wharf does not build");
    Ok(build.join("release/wharf"))
}

fn peer(options: &Options) -> Result<Program> {
    let path = options.peer.clone();
    let version = server::version(&path).context(
        "Docker's registry is not here: `apt-get install docker-registry` on Debian, or name it with --peer PATH",
    )?;
    Ok(Program { maker: Maker::Docker, path, version })
}

async fn side(program: Program, folder: &Path) -> Result<Side> {
    let folder = folder.join(if program.maker == Maker::Wharf { "wharf" } else { "peer" });
    let server = program.start(&folder).await?;
    Ok(Side { program, server, folder })
}

/// A B, B A, A B, …
async fn in_turns(case: Case, sides: &[Side; 2], options: &Options) -> Result<Table> {
    let name = case.name();
    eprintln!("{name}");
    let prepared = [case.prepare(&sides[0]).await?, case.prepare(&sides[1]).await?];
    rustix::fs::sync();
    let mut table = Table { name, lines: Vec::new() };
    for round in 0..options.rounds {
        for turn in 0..2 {
            let place = (round + turn) % 2;
            tokio::time::sleep(PAUSE).await;
            let samples = case.round(&sides[place], &prepared[place], options.time).await;
            let samples = samples.with_context(|| format!("{} on {:?}", table.name, sides[place].program.maker))?;
            note(&mut table.lines, place, samples);
        }
    }
    for line in &table.lines {
        eprintln!("  {}", line.plain());
    }
    Ok(table)
}

fn note(lines: &mut Vec<Line>, place: usize, samples: Vec<Sample>) {
    for Sample { name, unit, value } in samples {
        let known = lines.iter().position(|line| line.name == name);
        let line = known.unwrap_or_else(|| {
            lines.push(Line { name, unit, sides: [Rounds::default(), Rounds::default()] });
            lines.len() - 1
        });
        lines[line].sides[place].add(value);
    }
}

/// What an operation costs inside. Without strace there is nothing to tell, and the reason is told instead.
async fn inside(sides: &[Side; 2]) -> Result<Vec<Count>> {
    let mut counts = Vec::new();
    for counted in COUNTED {
        eprintln!("inside: {}", counted.name());
        let both: [Counts; 2] = [counted.count(&sides[0]).await?, counted.count(&sides[1]).await?];
        counts.push(Count { name: counted.name(), sides: both });
    }
    Ok(counts)
}

fn memory(side: &Side) -> Result<f64> {
    process::memory(side.server.id()).map(|(now, _)| mebibytes_of(now))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::Unit;

    #[test]
    fn samples_of_a_name_stand_in_one_line() {
        let mut lines = Vec::new();
        note(&mut lines, 0, vec![Sample::new("a", Unit::PerSecond, 2.0), Sample::new("b", Unit::Share, 1.0)]);
        note(&mut lines, 1, vec![Sample::new("a", Unit::PerSecond, 1.0)]);
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0].sides.each_ref().map(|rounds| rounds.median()), [Some(2.0), Some(1.0)]);
    }
}
