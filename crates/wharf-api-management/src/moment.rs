//! Moments as people and other programs write them: RFC 3339, in UTC.

use std::borrow::Cow;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::{PartialSchema, ToSchema};
use wharf_context::Timestamp;

/// A moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment(pub(crate) Timestamp);

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let moment = jiff::Timestamp::from_microsecond(self.0.0).map_err(serde::ser::Error::custom)?;
        serializer.collect_str(&moment)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let moment: jiff::Timestamp = text.parse().map_err(|_| {
            D::Error::custom("a time is written `2027-01-31T12:00:00Z`, with `Z` or an offset such as `+01:00`")
        })?;
        Ok(Self(Timestamp(moment.as_microsecond())))
    }
}

impl PartialSchema for Moment {
    fn schema() -> RefOr<Schema> {
        let format = SchemaFormat::KnownFormat(KnownFormat::DateTime);
        ObjectBuilder::new().schema_type(Type::String).format(Some(format)).build().into()
    }
}

impl ToSchema for Moment {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Moment")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_in_utc_and_read_with_any_offset() {
        let read = |text: &str| serde_json::from_value::<Moment>(text.into()).ok();
        let new_year = Moment(Timestamp(1_767_225_600_000_000));
        assert_eq!(serde_json::to_value(new_year).ok(), Some("2026-01-01T00:00:00Z".into()));
        assert_eq!(read("2026-01-01T01:00:00+01:00"), Some(new_year));
        for bad in ["", "2026-01-01", "2026-01-01T00:00:00", "tomorrow", "1767225600"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
