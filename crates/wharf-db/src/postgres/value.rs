//! Our four values as PostgreSQL's types, and back.

use std::error::Error as StdError;

use bytes::BytesMut;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use crate::value::Value;

type Failure = Box<dyn StdError + Sync + Send>;

impl ToSql for Value {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Failure> {
        match (self, ty) {
            (Self::Null, _) => Ok(IsNull::Yes),
            (Self::Integer(integer), &Type::INT8) => integer.to_sql(ty, out),
            (Self::Integer(integer), &Type::INT4) => i32::try_from(*integer)?.to_sql(ty, out),
            (Self::Integer(integer), &Type::INT2) => i16::try_from(*integer)?.to_sql(ty, out),
            (Self::Integer(integer), &Type::BOOL) => (*integer != 0).to_sql(ty, out),
            (Self::Text(text), &Type::TEXT | &Type::VARCHAR | &Type::BPCHAR | &Type::NAME | &Type::UNKNOWN) => {
                text.to_sql(ty, out)
            }
            (Self::Bytes(bytes), &Type::BYTEA) => bytes.to_sql(ty, out),
            (Self::Integer(_) | Self::Text(_) | Self::Bytes(_), _) => {
                Err(format!("the parameter is {} and the statement takes `{ty}` there", self.type_name()).into())
            }
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Value {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Failure> {
        Ok(match *ty {
            Type::INT8 => Self::Integer(i64::from_sql(ty, raw)?),
            Type::INT4 => Self::Integer(i64::from(i32::from_sql(ty, raw)?)),
            Type::INT2 => Self::Integer(i64::from(i16::from_sql(ty, raw)?)),
            Type::BOOL => Self::Integer(i64::from(bool::from_sql(ty, raw)?)),
            Type::NUMERIC => Self::Integer(whole_number(raw)?),
            Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::UNKNOWN => {
                Self::Text(String::from_sql(ty, raw)?)
            }
            Type::BYTEA => Self::Bytes(raw.to_vec()),
            _ => return Err(format!("columns of type `{ty}` are not read here").into()),
        })
    }

    fn from_sql_null(_: &Type) -> Result<Self, Failure> {
        Ok(Self::Null)
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// The sum of BIGINTs is a NUMERIC: count of digits, weight of the first, sign, scale, then digits to base 10,000.
fn whole_number(raw: &[u8]) -> Result<i64, Failure> {
    let words: Vec<u16> = raw.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
    let [_, weight, sign, _, digits @ ..] = words.as_slice() else { return Err("a NUMERIC is cut short".into()) };
    let places = i32::from(weight.cast_signed()) + 1;
    let mut number: i128 = 0;
    for place in 0..places {
        let digit = usize::try_from(place).ok().and_then(|place| digits.get(place)).copied().unwrap_or(0);
        number = number.checked_mul(10_000).ok_or("a NUMERIC is too large")? + i128::from(digit);
    }
    let has_fraction = digits.iter().skip(usize::try_from(places).unwrap_or(0)).any(|digit| *digit != 0);
    let number = match sign {
        0x0000 => number,
        0x4000 => -number,
        _ => return Err("a NUMERIC is not a number".into()),
    };
    if has_fraction { Err("a NUMERIC has a fraction".into()) } else { Ok(i64::try_from(number)?) }
}

#[cfg(test)]
mod tests {
    use super::whole_number;

    fn numeric(weight: i16, sign: u16, digits: &[u16]) -> Vec<u8> {
        let mut words = vec![u16::try_from(digits.len()).unwrap(), weight.cast_unsigned(), sign, 0];
        words.extend(digits);
        words.into_iter().flat_map(u16::to_be_bytes).collect()
    }

    #[test]
    fn whole_numerics_are_read_and_others_are_not() {
        assert_eq!(whole_number(&numeric(0, 0, &[])).unwrap(), 0);
        assert_eq!(whole_number(&numeric(0, 0, &[42])).unwrap(), 42);
        assert_eq!(whole_number(&numeric(1, 0, &[3])).unwrap(), 30_000);
        assert_eq!(whole_number(&numeric(1, 0x4000, &[1, 2345])).unwrap(), -12_345);
        assert_eq!(whole_number(&numeric(4, 0, &[922, 3372, 368, 5477, 5807])).unwrap(), i64::MAX);
        assert!(whole_number(&numeric(4, 0, &[922, 3372, 368, 5477, 5808])).is_err());
        assert!(whole_number(&numeric(0, 0, &[1, 5000])).is_err());
        assert!(whole_number(&numeric(0, 0xC000, &[])).is_err());
        assert!(whole_number(&[0, 1]).is_err());
        assert!(whole_number(&numeric(i16::MAX, 0, &[1])).is_err());
    }
}
