//! A measured quantity, and what several rounds of it say.

/// What a number counts, and which way is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    PerSecond,
    Milliseconds,
    Seconds,
    GigabytesPerSecond,
    CpuMicroseconds,
    CpuSeconds,
    CpuSecondsPerGigabyte,
    Mebibytes,
    /// Of one core. It says something about the measurement, not about a server.
    Share,
}

impl Unit {
    fn is_more_better(self) -> bool {
        matches!(self, Self::PerSecond | Self::GigabytesPerSecond)
    }

    /// What stands behind the number in a table.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::PerSecond => "/s",
            Self::Milliseconds => "ms",
            Self::Seconds => "s",
            Self::GigabytesPerSecond => "GB/s",
            Self::CpuMicroseconds => "µs",
            Self::CpuSeconds => "s",
            Self::CpuSecondsPerGigabyte => "s/GB",
            Self::Mebibytes => "MiB",
            Self::Share => "",
        }
    }
}

/// One number of one round.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sample {
    /// What was measured, within its measure.
    pub(crate) name: &'static str,
    pub(crate) unit: Unit,
    pub(crate) value: f64,
}

impl Sample {
    pub(crate) fn new(name: &'static str, unit: Unit, value: f64) -> Self {
        Self { name, unit, value }
    }
}

/// The rounds of one quantity on one server.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rounds(Vec<f64>);

impl Rounds {
    pub(crate) fn add(&mut self, value: f64) {
        let place = self.0.partition_point(|other| *other < value);
        self.0.insert(place, value);
    }

    pub(crate) fn median(&self) -> Option<f64> {
        let middle = self.0.len() / 2;
        let upper = self.0.get(middle)?;
        Some(if self.0.len() % 2 == 1 { *upper } else { f64::midpoint(*upper, self.0[middle - 1]) })
    }

    /// The median with the lowest and the highest.
    pub(crate) fn render(&self) -> String {
        match (self.median(), self.0.first(), self.0.last()) {
            (Some(median), Some(first), Some(last)) => {
                format!("{} ({}–{})", digits(median), digits(*first), digits(*last))
            }
            _ => "–".to_owned(),
        }
    }
}

/// How many times better the first is than the second, by their medians.
pub(crate) fn ratio(unit: Unit, wharf: &Rounds, peer: &Rounds) -> Option<f64> {
    if unit == Unit::Share {
        return None;
    }
    let (wharf, peer) = wharf.median().zip(peer.median())?;
    let (better, worse) = if unit.is_more_better() { (wharf, peer) } else { (peer, wharf) };
    (worse > 0.0).then_some(better / worse)
}

/// Three digits that say something.
pub(crate) fn digits(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        size if size >= 1000.0 => thousands(value),
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
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
        let mut rounds = Rounds::default();
        values.iter().for_each(|value| rounds.add(*value));
        rounds
    }

    #[test]
    fn the_median_stands_between_the_extremes() {
        assert_eq!(rounds(&[3.0, 1.0, 2.0]).render(), "2.00 (1.00–3.00)");
        assert_eq!(rounds(&[4.0, 1.0]).median(), Some(2.5));
        assert_eq!(rounds(&[]).render(), "–");
    }

    #[test]
    fn a_ratio_above_one_is_wharfs_advantage() {
        let (wharf, peer) = (rounds(&[20.0]), rounds(&[10.0]));
        assert_eq!(ratio(Unit::PerSecond, &wharf, &peer), Some(2.0));
        assert_eq!(ratio(Unit::Milliseconds, &wharf, &peer), Some(0.5));
        assert_eq!(ratio(Unit::Milliseconds, &rounds(&[0.0]), &peer), None);
    }

    #[test]
    fn numbers_have_three_digits() {
        let shown = [12345.6, 999.4, 12.34, 1.234, 0.0123, 0.0].map(digits);
        assert_eq!(shown, ["12,346", "999", "12.3", "1.23", "0.012", "0"]);
    }
}
