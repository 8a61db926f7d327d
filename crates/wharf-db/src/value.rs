//! Values that go into a statement and come out of a row: the four that both databases store alike.

use wharf_context::{ProjectId, Timestamp};

use crate::error::Error;

/// One column's value. Booleans are integers (0 and 1), times are integers (microseconds), JSON is text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Value {
    /// No value.
    Null,
    /// A whole number, a boolean or a time.
    Integer(i64),
    /// Text, without NUL: PostgreSQL cannot store it.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

impl Value {
    /// The variant's name, for errors.
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Integer(_) => "an integer",
            Self::Text(_) => "text",
            Self::Bytes(_) => "bytes",
        }
    }

    /// SQLite would store a NUL, and PostgreSQL does not: both refuse it here.
    pub(crate) fn refuse_nul(values: &[Self]) -> Result<(), Error> {
        let has_nul = values.iter().any(|value| matches!(value, Self::Text(text) if text.as_bytes().contains(&0)));
        if has_nul { Err(Error::Nul) } else { Ok(()) }
    }
}

macro_rules! from {
    ($($source:ty => $value:ident => $make:expr),+ $(,)?) => {
        $(impl From<$source> for Value {
            fn from($value: $source) -> Self {
                $make
            }
        })+
    };
}

from! {
    i64 => integer => Self::Integer(integer),
    i32 => integer => Self::Integer(i64::from(integer)),
    u32 => integer => Self::Integer(i64::from(integer)),
    bool => boolean => Self::Integer(i64::from(boolean)),
    Timestamp => time => Self::Integer(time.0),
    ProjectId => project => Self::Integer(project.0),
    &str => text => Self::Text(text.to_owned()),
    &String => text => Self::Text(text.clone()),
    String => text => Self::Text(text),
    Vec<u8> => bytes => Self::Bytes(bytes),
    &Vec<u8> => bytes => Self::Bytes(bytes.clone()),
    &[u8] => bytes => Self::Bytes(bytes.to_vec()),
}

impl<const N: usize> From<[u8; N]> for Value {
    fn from(bytes: [u8; N]) -> Self {
        Self::Bytes(bytes.to_vec())
    }
}

impl<const N: usize> From<&[u8; N]> for Value {
    fn from(bytes: &[u8; N]) -> Self {
        Self::Bytes(bytes.to_vec())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(option: Option<T>) -> Self {
        option.map_or(Self::Null, Into::into)
    }
}

/// The parameters of a statement, in the order of `?1 ?2 …`: `&params![id, "name", None::<i64>]`.
#[macro_export]
macro_rules! params {
    () => { [] as [$crate::Value; 0] };
    ($($value:expr),+ $(,)?) => { [$($crate::Value::from($value)),+] };
}
