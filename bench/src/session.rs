//! One run: all servers side by side, measured in turns, so that what else the machine does meets all alike.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::durability::{COUNTED, Counts};
use crate::figure::Sample;
use crate::measure::{Prepared, Side, pipe_round};
use crate::options::Options;
use crate::peers::{self, Field};
use crate::report::{Count, Line, Report, Table};
use crate::row::{Row, rows};
use crate::server::{Maker, Program};
use crate::{floor, machine};

/// How long the machine is left alone between two rounds, so that one's rest is not the other's load.
const PAUSE: Duration = Duration::from_millis(150);

/// A run that goes on.
struct Session<'o> {
    options: &'o Options,
    folder: &'o Path,
    sides: Vec<Side>,
}

/// Measures everything that is wanted.
pub(crate) async fn run(options: &Options) -> Result<Report> {
    let build = std::env::current_exe()?;
    let build = build.parent().and_then(Path::parent).context("the build's folder")?;
    let Field { programs, absent } = peers::find(options, build)?;
    let folder = options.folder.clone().unwrap_or_else(|| build.to_owned());
    let folder = tempfile::Builder::new().prefix("bench-").tempdir_in(folder)?;
    spread(folder.path());
    let mut report = Report::begin(options, &programs, absent);
    report.machine = machine::describe(folder.path())?;
    report.machine.extend(floor::measure(folder.path())?);
    let mut session = Session { options, folder: folder.path(), sides: Vec::new() };
    for program in programs {
        session.sides.push(side(program, folder.path()).await?);
    }
    for row in rows().iter().filter(|row| options.wants(row.name)) {
        report.tables.push(session.measure(row).await?);
    }
    if options.wants("inside") && !options.is_quick {
        report.counts = session.inside().await;
    }
    report.load_after = machine::load_average();
    for side in session.sides {
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

async fn side(program: Program, folder: &Path) -> Result<Side> {
    let folder = folder.join(program.maker.name());
    let server = program.start(&folder).await?;
    Ok(Side { program, server, folder })
}

impl Session<'_> {
    fn side(&self, maker: Maker) -> Option<&Side> {
        self.sides.iter().find(|side| side.program.maker == maker)
    }

    async fn measure(&self, row: &Row) -> Result<Table> {
        eprintln!("{}", row.name);
        let mut table = Table { row: row.clone(), makers: Vec::new(), lines: Vec::new() };
        let mut prepared = Vec::new();
        for maker in [&[Maker::Wharf], row.peers.as_slice()].concat() {
            let side = self.side(maker);
            if side.is_none() && maker != Maker::Pipe {
                continue;
            }
            let side = side.unwrap_or(&self.sides[0]);
            let ready = row.work.prepare(side).await;
            prepared.push(ready.with_context(|| format!("{} on {}", row.name, maker.name()))?);
            table.makers.push(maker);
        }
        rustix::fs::sync();
        for clients in &row.clients {
            self.in_turns(&mut table, &prepared, *clients).await?;
        }
        Ok(table)
    }

    /// A B, B A, A B, …
    async fn in_turns(&self, table: &mut Table, prepared: &[Prepared], clients: usize) -> Result<()> {
        let makers = table.makers.clone();
        for round in 0..table.row.work.rounds(self.options.rounds, clients) {
            let mut order: Vec<usize> = (0..makers.len()).collect();
            if round % 2 == 1 {
                order.reverse();
            }
            for place in order {
                tokio::time::sleep(PAUSE).await;
                let samples = self.round(&table.row, makers[place], &prepared[place], clients).await;
                let samples = samples.with_context(|| format!("{} on {}", table.row.name, makers[place].name()))?;
                note(&mut table.lines, (clients, makers[place]), samples);
            }
        }
        table.lines.iter().filter(|line| line.clients == clients).for_each(|line| eprintln!("  {}", line.plain()));
        Ok(())
    }

    async fn round(&self, row: &Row, maker: Maker, prepared: &Prepared, clients: usize) -> Result<Vec<Sample>> {
        let much = (clients, self.options.time);
        match self.side(maker) {
            Some(side) => row.work.round(side, prepared, much).await,
            None => pipe_round(self.folder, prepared, much).await,
        }
    }

    /// What an operation costs inside. Without strace there is nothing to tell, and the reason is told instead.
    async fn inside(&self) -> Result<Vec<Count>> {
        let mut counts = Vec::new();
        for counted in COUNTED {
            eprintln!("inside: {}", counted.name());
            let both: [Counts; 2] = [counted.count(&self.sides[0]).await?, counted.count(&self.sides[1]).await?];
            counts.push(Count { name: counted.name(), sides: both });
        }
        Ok(counts)
    }
}

fn note(lines: &mut Vec<Line>, (clients, maker): (usize, Maker), samples: Vec<Sample>) {
    for Sample { quantity, value } in samples {
        let known = lines.iter().position(|line| line.clients == clients && line.quantity == quantity);
        let place = known.unwrap_or_else(|| {
            lines.push(Line { clients, quantity, rounds: BTreeMap::new() });
            lines.len() - 1
        });
        lines[place].rounds.entry(maker.name()).or_default().add(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::{Quantity, Rounds};

    #[test]
    fn samples_of_a_quantity_stand_in_one_line() {
        let mut lines = Vec::new();
        note(&mut lines, (1, Maker::Wharf), vec![Sample::new(Quantity::Rate, 2.0), Sample::new(Quantity::Cpu, 1.0)]);
        note(&mut lines, (1, Maker::Nginx), vec![Sample::new(Quantity::Rate, 1.0)]);
        note(&mut lines, (16, Maker::Wharf), vec![Sample::new(Quantity::Rate, 9.0)]);
        assert_eq!(lines.len(), 3);
        assert_eq!(lines[0].rounds.values().map(Rounds::median).collect::<Vec<_>>(), [Some(2.0), Some(1.0)]);
    }
}
