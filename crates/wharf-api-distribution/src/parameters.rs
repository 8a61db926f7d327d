//! Query parameters, without ambiguity: a parameter that may stand once and stands twice is an error, because a proxy
//! or a log might read the other one.

use wharf_oci::code::ErrorCode;
use wharf_oci::{Digest, Tag};

use crate::error::OciError;

/// The most parameters that one request may have.
const MAX_PARAMETERS: usize = 128;

/// The decoded query of one request, in order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Parameters(Vec<(String, String)>);

impl Parameters {
    pub(crate) fn parse(query: &str) -> Result<Self, OciError> {
        let pairs: Vec<(String, String)> =
            url::form_urlencoded::parse(query.as_bytes()).into_owned().take(MAX_PARAMETERS + 1).collect();
        if pairs.len() > MAX_PARAMETERS {
            return Err(
                OciError::new(ErrorCode::Unsupported, "the request has too many query parameters").bad_request()
            );
        }
        if pairs.iter().any(|(name, value)| name.contains('\u{fffd}') || value.contains('\u{fffd}')) {
            return Err(OciError::new(ErrorCode::Unsupported, "a query parameter is not UTF-8").bad_request());
        }
        Ok(Self(pairs))
    }

    /// A parameter that may stand once.
    pub(crate) fn get(&self, name: &str) -> Result<Option<&str>, OciError> {
        let mut values = self.all(name);
        let first = values.next();
        if values.next().is_some() {
            return Err(
                OciError::new(ErrorCode::Unsupported, format!("query parameter `{name}` stands twice")).bad_request()
            );
        }
        Ok(first)
    }

    /// A parameter that may stand any number of times.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn digest(&self, name: &str) -> Result<Option<Digest>, OciError> {
        let Some(text) = self.get(name)? else { return Ok(None) };
        text.parse().map(Some).map_err(|error| OciError::new(ErrorCode::DigestInvalid, format!("`{name}`: {error}")))
    }

    /// `tag=a&tag=b` of a manifest push.
    pub(crate) fn tags(&self) -> Result<Vec<Tag>, OciError> {
        self.all("tag")
            .map(|text| text.parse().map_err(|error| OciError::new(ErrorCode::TagInvalid, format!("{error}"))))
            .collect()
    }

    /// `n`, the number of entries that the client wants.
    pub(crate) fn entries(&self) -> Result<Option<usize>, OciError> {
        let Some(text) = self.get("n")? else { return Ok(None) };
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number {
            return Err(OciError::new(
                ErrorCode::PaginationNumberInvalid,
                "`n` is the number of entries wanted, 0 or more",
            ));
        }
        // A number too large to hold is capped like any other large one.
        Ok(Some(text.parse().unwrap_or(usize::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_stands_once() {
        let parameters = Parameters::parse("digest=a&digest=b&tag=x&tag=y&n=5").expect("few");
        assert!(parameters.get("digest").is_err());
        assert_eq!(parameters.tags().expect("tags").len(), 2);
        assert_eq!(parameters.entries().expect("a number"), Some(5));
        assert_eq!(parameters.get("last").expect("none"), None);
    }

    #[test]
    fn numbers_are_numbers() {
        for bad in ["n=", "n=-1", "n=+1", "n=1e3", "n=a", "n=1&n=2"] {
            assert!(Parameters::parse(bad).expect("few").entries().is_err(), "{bad}");
        }
        let huge = Parameters::parse("n=99999999999999999999999").expect("few");
        assert_eq!(huge.entries().expect("capped"), Some(usize::MAX));
    }
}
