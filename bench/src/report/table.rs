//! The table of a row, and the one of all goals.

use std::collections::BTreeMap;

use super::capital;
use crate::figure::{Quantity, Rounds};
use crate::goal::{Goal, Verdict};
use crate::row::Row;
use crate::server::Maker;

/// The rounds of one quantity with so many clients.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) clients: usize,
    pub(crate) quantity: Quantity,
    /// By the maker's name.
    pub(crate) rounds: BTreeMap<&'static str, Rounds>,
}

/// What was measured of a row.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) row: Row,
    /// Who took part: Wharf, then the peers that are here.
    pub(crate) makers: Vec<Maker>,
    pub(crate) lines: Vec<Line>,
}

impl Line {
    /// For whoever watches.
    pub(crate) fn plain(&self) -> String {
        let sides: Vec<String> =
            self.rounds.iter().map(|(name, rounds)| format!("{name} {}", rounds.render())).collect();
        format!("{} clients, {}: {}", self.clients, self.quantity.name(), sides.join(" | "))
    }

    fn of(&self, maker: Maker) -> Option<&Rounds> {
        self.rounds.get(maker.name())
    }

    fn judge(&self, goal: &Goal) -> Option<Verdict> {
        if goal.quantity != self.quantity || !goal.is_about(self.clients) {
            return None;
        }
        goal.judge(self.of(Maker::Wharf)?, goal.against.and_then(|maker| self.of(maker)))
    }

    /// Wharf, then each peer with how many times its value Wharf has.
    fn cells(&self, makers: &[Maker]) -> String {
        let (nothing, wharf) = (Rounds::default(), self.of(Maker::Wharf));
        let cells = makers.iter().map(|maker| {
            let rounds = self.of(*maker).unwrap_or(&nothing);
            let ratio = || wharf.map(|wharf| wharf.ratio(rounds).render()).unwrap_or_default();
            let own = rounds.render();
            if *maker == Maker::Wharf { own } else { format!("{own} | {}", ratio()) }
        });
        cells.collect::<Vec<_>>().join(" | ")
    }
}

impl Table {
    pub(super) fn render(&self) -> String {
        let peers = self.makers.iter().filter(|maker| **maker != Maker::Wharf);
        let heads: String = peers.map(|maker| format!(" {0} | Wharf ÷ {0} |", maker.name())).collect();
        let columns = 3 + 2 * (self.makers.len() - 1);
        let mut text =
            format!("\n### {}\n\n| clients | | Wharf |{heads}\n|{}", capital(self.row.name), "---|".repeat(columns));
        for line in &self.lines {
            text += &format!("\n| {} | {} | {} |", line.clients, line.quantity.name(), line.cells(&self.makers));
        }
        text
    }

    fn goals(&self) -> impl Iterator<Item = String> {
        self.row.goals.iter().map(|goal| {
            let at = |clients: usize| {
                let verdict =
                    self.lines.iter().filter(|line| line.clients == clients).find_map(|line| line.judge(goal));
                verdict.map_or_else(String::new, |verdict| verdict.render())
            };
            format!("| {} | {} | {} | {} | {} |", self.row.name, goal.render(), at(1), at(16), at(64))
        })
    }

    fn verdicts(&self) -> impl Iterator<Item = Verdict> {
        self.row.goals.iter().flat_map(|goal| self.lines.iter().filter_map(|line| line.judge(goal)))
    }
}

/// All goals, with what was reached at each number of clients.
pub(super) fn goals(tables: &[Table]) -> String {
    let verdicts: Vec<Verdict> = tables.iter().flat_map(Table::verdicts).collect();
    let reached = verdicts.iter().filter(|verdict| verdict.is_reached).count();
    let head = "| work | goal | 1 client | 16 clients | 64 clients |\n|---|---|---|---|---|";
    let lines: Vec<String> = tables.iter().flat_map(Table::goals).collect();
    format!(
        "\n### Goals\n\n{reached} of {} are reached (✓); of the others (✗) it is told how far off they are.\n\n{head}\n{}",
        verdicts.len(),
        lines.join("\n")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::rows;

    #[test]
    fn a_table_shows_ratios_and_goals() {
        let row = rows().into_iter().find(|row| row.name == "tag PUT").expect("is a row");
        let rounds = |value| {
            let mut rounds = Rounds::default();
            rounds.add(value);
            rounds
        };
        let sides = BTreeMap::from([("Wharf", rounds(30.0)), ("distribution", rounds(20.0))]);
        let lines = vec![Line { clients: 16, quantity: Quantity::Rate, rounds: sides }];
        let table = Table { row, makers: vec![Maker::Wharf, Maker::Distribution], lines };
        assert!(table.render().ends_with("\n| 16 | operations/s | 30.0 | 20.0 | 1.50 |"), "{}", table.render());
        let goals = goals(&[table]);
        assert!(goals.contains("\n0 of 1 are reached"), "{goals}");
        assert!(
            goals.ends_with("| tag PUT | operations/s ≥ 2 × distribution |  | **1.50** ✗ 25 % off |  |"),
            "{goals}"
        );
    }
}
