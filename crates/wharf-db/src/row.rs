//! One row of an answer, read by the position of its columns.

use wharf_context::Timestamp;

use crate::error::Error;
use crate::value::Value;

/// One row. Columns are counted from 0, in the order of the statement's list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    values: Vec<Value>,
}

impl Row {
    pub(crate) fn new(values: Vec<Value>) -> Self {
        Self { values }
    }

    /// The column's value as it is; `Null` where there is no such column.
    pub fn value(&self, column: usize) -> &Value {
        self.values.get(column).unwrap_or(&Value::Null)
    }

    /// All columns.
    pub fn into_values(self) -> Vec<Value> {
        self.values
    }

    /// An integer that must be there.
    pub fn integer(&self, column: usize) -> Result<i64, Error> {
        self.optional_integer(column)?.ok_or_else(|| self.unexpected(column, "an integer"))
    }

    /// A boolean that must be there: 0 is false, everything else is true.
    pub fn boolean(&self, column: usize) -> Result<bool, Error> {
        self.integer(column).map(|integer| integer != 0)
    }

    /// A time that must be there.
    pub fn timestamp(&self, column: usize) -> Result<Timestamp, Error> {
        self.integer(column).map(Timestamp)
    }

    /// Text that must be there.
    pub fn text(&self, column: usize) -> Result<&str, Error> {
        self.optional_text(column)?.ok_or_else(|| self.unexpected(column, "text"))
    }

    /// Bytes that must be there.
    pub fn bytes(&self, column: usize) -> Result<&[u8], Error> {
        self.optional_bytes(column)?.ok_or_else(|| self.unexpected(column, "bytes"))
    }

    /// An integer, or `None` for NULL.
    pub fn optional_integer(&self, column: usize) -> Result<Option<i64>, Error> {
        match self.values.get(column) {
            Some(Value::Integer(integer)) => Ok(Some(*integer)),
            Some(Value::Null) => Ok(None),
            Some(Value::Text(_) | Value::Bytes(_)) | None => Err(self.unexpected(column, "an integer")),
        }
    }

    /// A time, or `None` for NULL.
    pub fn optional_timestamp(&self, column: usize) -> Result<Option<Timestamp>, Error> {
        Ok(self.optional_integer(column)?.map(Timestamp))
    }

    /// Text, or `None` for NULL.
    pub fn optional_text(&self, column: usize) -> Result<Option<&str>, Error> {
        match self.values.get(column) {
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(Value::Null) => Ok(None),
            Some(Value::Integer(_) | Value::Bytes(_)) | None => Err(self.unexpected(column, "text")),
        }
    }

    /// Bytes, or `None` for NULL.
    pub fn optional_bytes(&self, column: usize) -> Result<Option<&[u8]>, Error> {
        match self.values.get(column) {
            Some(Value::Bytes(bytes)) => Ok(Some(bytes)),
            Some(Value::Null) => Ok(None),
            Some(Value::Integer(_) | Value::Text(_)) | None => Err(self.unexpected(column, "bytes")),
        }
    }

    /// Moves text that must be there out of the row; NULL stays in its place.
    pub fn take_text(&mut self, column: usize) -> Result<String, Error> {
        self.text(column)?;
        match self.take(column) {
            Value::Text(text) => Ok(text),
            Value::Null | Value::Integer(_) | Value::Bytes(_) => Err(self.unexpected(column, "text")),
        }
    }

    /// Moves bytes that must be there out of the row, without copying them; NULL stays in their place.
    pub fn take_bytes(&mut self, column: usize) -> Result<Vec<u8>, Error> {
        self.bytes(column)?;
        match self.take(column) {
            Value::Bytes(bytes) => Ok(bytes),
            Value::Null | Value::Integer(_) | Value::Text(_) => Err(self.unexpected(column, "bytes")),
        }
    }

    fn take(&mut self, column: usize) -> Value {
        self.values.get_mut(column).map_or(Value::Null, |value| std::mem::replace(value, Value::Null))
    }

    fn unexpected(&self, column: usize, wanted: &'static str) -> Error {
        let found = self.values.get(column).map_or("no such column", Value::type_name);
        Error::Column { column, wanted, found }
    }
}
