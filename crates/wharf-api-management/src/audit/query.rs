//! What the audit log is asked for.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use wharf_context::Timestamp;
use wharf_identity::{AuditFilter, ObjectFilter, Outcome, PageRequest};

use crate::asked::{limit, number, value};
use crate::moment::Moment;

/// What the list takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AuditQuery {
    #[serde(default, deserialize_with = "value")]
    after: Option<String>,
    #[serde(default, deserialize_with = "limit")]
    limit: Option<usize>,
    #[serde(default, deserialize_with = "value")]
    person: Option<String>,
    #[serde(default, deserialize_with = "value")]
    object: Option<String>,
    #[serde(default, deserialize_with = "value")]
    action: Option<String>,
    #[serde(default, deserialize_with = "outcome")]
    outcome: Option<Outcome>,
    #[serde(default, deserialize_with = "moment")]
    from: Option<Timestamp>,
    #[serde(default, deserialize_with = "moment")]
    to: Option<Timestamp>,
}

/// From when until when.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RangeQuery {
    #[serde(default, deserialize_with = "moment")]
    pub(crate) from: Option<Timestamp>,
    #[serde(default, deserialize_with = "moment")]
    pub(crate) to: Option<Timestamp>,
}

/// Behind which row.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AfterQuery {
    #[serde(default, deserialize_with = "number")]
    pub(crate) after: Option<i64>,
}

impl AuditQuery {
    pub(super) fn split(self) -> (AuditFilter, PageRequest) {
        let Self { after, limit, person, object, action, outcome, from, to } = self;
        let filter = AuditFilter { person, object: object.map(named_or_beginning), action, outcome, from, to };
        (filter, PageRequest { after, limit })
    }
}

/// A star at the end stands for everything.
fn named_or_beginning(object: String) -> ObjectFilter {
    match object.strip_suffix('*') {
        Some(beginning) => ObjectFilter::Beginning(beginning.to_owned()),
        None => ObjectFilter::Named(object),
    }
}

fn outcome<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Outcome>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let outcome = Outcome::named(&text);
    outcome.map(Some).ok_or_else(|| D::Error::custom("`outcome` is `succeeded`, `denied` or `failed`"))
}

fn moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    Moment::deserialize(deserializer).map(|moment| Some(moment.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_at_the_end_stands_for_everything() {
        assert_eq!(named_or_beginning("pay/*".to_owned()), ObjectFilter::Beginning("pay/".to_owned()));
        assert_eq!(named_or_beginning("*".to_owned()), ObjectFilter::Beginning(String::new()));
        assert_eq!(named_or_beginning("pay/app".to_owned()), ObjectFilter::Named("pay/app".to_owned()));
    }
}
