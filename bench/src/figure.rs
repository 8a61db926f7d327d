//! A measured quantity, and what several rounds of it say.

/// What a number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quantity {
    /// Operations in a second, all clients together.
    Rate,
    /// The server's time on the processor for one operation, in microseconds, all its processes together.
    Cpu,
    /// Resident memory at most while it was measured, in MiB, all processes together.
    Peak,
    /// How much of one core the load generator takes away.
    Generator,
    /// Resident memory of a server that was just started, in MiB.
    Idle,
    /// From the start of the process on an empty folder to the first answer, in milliseconds.
    FirstStart,
    /// The same on what is there then.
    LaterStart,
}

impl Quantity {
    /// What stands before the numbers in a table.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Rate => "operations/s",
            Self::Cpu => "CPU for each, µs",
            Self::Peak => "peak memory, MiB",
            Self::Generator => "load generator, cores",
            Self::Idle => "idle memory, MiB",
            Self::FirstStart => "first start, ms",
            Self::LaterStart => "later start, ms",
        }
    }
}

/// One number of one round.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Sample {
    pub(crate) quantity: Quantity,
    pub(crate) value: f64,
}

impl Sample {
    pub(crate) fn new(quantity: Quantity, value: f64) -> Self {
        Self { quantity, value }
    }
}

/// The rounds of one quantity on one server, in their order.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Rounds(Vec<f64>);

impl Rounds {
    pub(crate) fn add(&mut self, value: f64) {
        self.0.push(value);
    }

    pub(crate) fn median(&self) -> Option<f64> {
        let sorted = self.sorted();
        let middle = sorted.len() / 2;
        let upper = sorted.get(middle)?;
        Some(if sorted.len() % 2 == 1 { *upper } else { f64::midpoint(*upper, sorted[middle - 1]) })
    }

    /// How many times the other's value this one has, round by round: rounds of one number were neighbours in time.
    pub(crate) fn ratio(&self, other: &Self) -> Self {
        let pairs = self.0.iter().zip(&other.0).filter(|(_, other)| **other > 0.0);
        Self(pairs.map(|(own, other)| own / other).collect())
    }

    /// The median with the lowest and the highest.
    pub(crate) fn render(&self) -> String {
        let sorted = self.sorted();
        match (self.median(), sorted.first(), sorted.last()) {
            (Some(median), Some(first), Some(last)) if sorted.len() > 1 => {
                format!("{} ({}–{})", digits(median), digits(*first), digits(*last))
            }
            (Some(median), ..) => digits(median),
            (None, ..) => "–".to_owned(),
        }
    }

    fn sorted(&self) -> Vec<f64> {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted
    }
}

/// Three digits that say something.
pub(crate) fn digits(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        size if size >= 999.5 => thousands(value),
        size if size >= 99.95 => format!("{value:.0}"),
        size if size >= 9.995 => format!("{value:.1}"),
        size if size >= 0.1 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

fn thousands(value: f64) -> String {
    let text = format!("{value:.0}");
    let mut grouped = String::new();
    for (place, digit) in text.chars().enumerate() {
        if place > 0 && (text.len() - place) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rounds(values: &[f64]) -> Rounds {
        Rounds(values.to_vec())
    }

    #[test]
    fn the_median_stands_between_the_extremes() {
        assert_eq!(rounds(&[3.0, 1.0, 2.0]).render(), "2.00 (1.00–3.00)");
        assert_eq!(rounds(&[4.0, 1.0]).median(), Some(2.5));
        assert_eq!(rounds(&[4.0]).render(), "4.00");
        assert_eq!(rounds(&[]).render(), "–");
    }

    #[test]
    fn a_ratio_is_taken_of_neighbours() {
        assert_eq!(rounds(&[2.0, 30.0]).ratio(&rounds(&[1.0, 10.0])), rounds(&[2.0, 3.0]));
        assert_eq!(rounds(&[2.0]).ratio(&rounds(&[0.0])), rounds(&[]));
    }

    #[test]
    fn numbers_have_three_digits() {
        let shown = [12345.6, 999.4, 12.34, 1.234, 0.0123, 0.0].map(digits);
        assert_eq!(shown, ["12,346", "999", "12.3", "1.23", "0.012", "0"]);
    }
}
