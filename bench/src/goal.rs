//! Goals: what a figure has to be, and whether it is.

use crate::figure::{Quantity, Rounds, digits};
use crate::server::Maker;

/// What one quantity of Wharf has to be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Goal {
    pub(crate) quantity: Quantity,
    /// Whose value it is divided by; `None`: it is taken by itself.
    pub(crate) against: Option<Maker>,
    pub(crate) bound: Bound,
    /// With how many clients; `None`: with any number.
    pub(crate) clients: Option<usize>,
}

/// How far a value may go.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

/// What became of a goal.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Verdict {
    /// The ratio, or the value itself.
    pub(crate) value: f64,
    pub(crate) is_reached: bool,
    /// How far off it is, in parts of the bound.
    pub(crate) missing: f64,
}

impl Goal {
    /// At least so many times the rate of `maker`.
    pub(crate) fn rate(times: f64, maker: Maker) -> Self {
        Self { quantity: Quantity::Rate, against: Some(maker), bound: Bound::AtLeast(times), clients: None }
    }

    /// At most so many times the processor time of `maker`.
    pub(crate) fn cpu(times: f64, maker: Maker) -> Self {
        Self { quantity: Quantity::Cpu, against: Some(maker), bound: Bound::AtMost(times), clients: None }
    }

    /// Less than this.
    pub(crate) fn below(quantity: Quantity, value: f64) -> Self {
        Self { quantity, against: None, bound: Bound::AtMost(value), clients: None }
    }

    /// Only with so many clients.
    pub(crate) fn with_clients(self, clients: usize) -> Self {
        Self { clients: Some(clients), ..self }
    }

    /// Whether it is about a figure of so many clients.
    pub(crate) fn is_about(&self, clients: usize) -> bool {
        self.clients.is_none_or(|wanted| wanted == clients)
    }

    /// In words: `rate ≥ 3 × distribution`.
    pub(crate) fn render(&self) -> String {
        let (sign, value) = match self.bound {
            Bound::AtLeast(value) => ("≥", value),
            Bound::AtMost(value) if self.against.is_none() => ("<", value),
            Bound::AtMost(value) => ("≤", value),
        };
        let of = self.against.map(|maker| format!(" × {}", maker.name())).unwrap_or_default();
        format!("{} {sign} {value}{of}", self.quantity.name())
    }

    /// Judges Wharf's rounds beside those of the server that the goal names.
    pub(crate) fn judge(&self, wharf: &Rounds, other: Option<&Rounds>) -> Option<Verdict> {
        let value = match self.against {
            Some(_) => wharf.ratio(other?).median()?,
            None => wharf.median()?,
        };
        let missing = match self.bound {
            Bound::AtLeast(bound) => (bound - value) / bound,
            Bound::AtMost(bound) => (value - bound) / bound,
        };
        Some(Verdict { value, is_reached: missing <= 0.0, missing: missing.max(0.0) })
    }
}

impl Verdict {
    /// For a table.
    pub(crate) fn render(&self) -> String {
        if self.is_reached {
            format!("{} ✓", digits(self.value))
        } else {
            format!("**{}** ✗ {:.0} % off", digits(self.value), (self.missing * 100.0).max(1.0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rounds(value: f64) -> Rounds {
        let mut rounds = Rounds::default();
        rounds.add(value);
        rounds
    }

    #[test]
    fn a_goal_is_reached_at_its_bound_and_missed_beyond() {
        let rate = Goal::rate(2.0, Maker::Distribution);
        let cpu = Goal::cpu(0.5, Maker::Distribution);
        let table = [
            (rate, 20.0, "2.00 ✓"),
            (rate, 15.0, "**1.50** ✗ 25 % off"),
            (cpu, 5.0, "0.50 ✓"),
            (cpu, 6.0, "**0.60** ✗ 20 % off"),
        ];
        for (goal, value, shown) in table {
            let verdict = goal.judge(&rounds(value), Some(&rounds(10.0))).expect("has both");
            assert_eq!(verdict.render(), shown);
        }
        assert_eq!(rate.judge(&rounds(1.0), None), None);
    }

    #[test]
    fn a_goal_is_told_in_words() {
        assert_eq!(Goal::rate(2.2, Maker::Distribution).render(), "operations/s ≥ 2.2 × distribution");
        assert_eq!(Goal::below(Quantity::Idle, 40.0).render(), "idle memory, MiB < 40");
        assert!(!Goal::below(Quantity::Peak, 1.0).with_clients(64).is_about(1));
    }
}
