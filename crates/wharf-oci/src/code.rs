//! Error codes of the distribution protocol, as they stand in an error's JSON.
//!
//! Which status an error has is not decided here: that belongs to the protocol's crate.
//! Spec: distribution-spec, "Error Codes". Codes that only Docker's registry knows are marked so; clients know them.

use std::fmt;

/// One code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ErrorCode {
    /// code-1: the repository has no such blob.
    BlobUnknown,
    /// code-2: an upload cannot go on like this.
    BlobUploadInvalid,
    /// code-3: there is no such upload.
    BlobUploadUnknown,
    /// code-4: a digest is malformed, or is not the content's.
    DigestInvalid,
    /// code-5: a manifest names a blob or manifest that the repository does not have.
    ManifestBlobUnknown,
    /// code-6: a manifest is refused for what stands in it.
    ManifestInvalid,
    /// code-7: the repository has no such manifest.
    ManifestUnknown,
    /// code-8: a repository name is malformed.
    NameInvalid,
    /// code-9: there is no such repository.
    NameUnknown,
    /// code-10: a length is not the content's.
    SizeInvalid,
    /// code-11: log in first.
    Unauthorized,
    /// code-12: logged in, and not allowed.
    Denied,
    /// code-13: the registry does not do that.
    Unsupported,
    /// code-14: come back later.
    TooManyRequests,
    /// Docker: a chunk does not continue where the upload stands.
    RangeInvalid,
    /// Docker: a tag is malformed.
    TagInvalid,
    /// Docker: `n` is not a page size.
    PaginationNumberInvalid,
    /// Docker: the registry does not answer now.
    Unavailable,
    /// Docker: anything else.
    Unknown,
}

impl ErrorCode {
    /// All of them.
    pub const ALL: [Self; 19] = [
        Self::BlobUnknown,
        Self::BlobUploadInvalid,
        Self::BlobUploadUnknown,
        Self::DigestInvalid,
        Self::ManifestBlobUnknown,
        Self::ManifestInvalid,
        Self::ManifestUnknown,
        Self::NameInvalid,
        Self::NameUnknown,
        Self::SizeInvalid,
        Self::Unauthorized,
        Self::Denied,
        Self::Unsupported,
        Self::TooManyRequests,
        Self::RangeInvalid,
        Self::TagInvalid,
        Self::PaginationNumberInvalid,
        Self::Unavailable,
        Self::Unknown,
    ];

    /// The code that `text` spells.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.as_str() == text)
    }

    /// The code's text.
    pub fn as_str(self) -> &'static str {
        self.entry().0
    }

    /// The message that the specification gives to the code; for when there is nothing better to say.
    pub fn message(self) -> &'static str {
        self.entry().1
    }

    fn entry(self) -> (&'static str, &'static str) {
        match self {
            Self::BlobUnknown => ("BLOB_UNKNOWN", "blob unknown to registry"),
            Self::BlobUploadInvalid => ("BLOB_UPLOAD_INVALID", "blob upload invalid"),
            Self::BlobUploadUnknown => ("BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry"),
            Self::DigestInvalid => ("DIGEST_INVALID", "provided digest did not match uploaded content"),
            Self::ManifestBlobUnknown => {
                ("MANIFEST_BLOB_UNKNOWN", "manifest references a manifest or blob unknown to registry")
            }
            Self::ManifestInvalid => ("MANIFEST_INVALID", "manifest invalid"),
            Self::ManifestUnknown => ("MANIFEST_UNKNOWN", "manifest unknown to registry"),
            Self::NameInvalid => ("NAME_INVALID", "invalid repository name"),
            Self::NameUnknown => ("NAME_UNKNOWN", "repository name not known to registry"),
            Self::SizeInvalid => ("SIZE_INVALID", "provided length did not match content length"),
            Self::Unauthorized => ("UNAUTHORIZED", "authentication required"),
            Self::Denied => ("DENIED", "requested access to the resource is denied"),
            Self::Unsupported => ("UNSUPPORTED", "the operation is unsupported"),
            Self::TooManyRequests => ("TOOMANYREQUESTS", "too many requests"),
            Self::RangeInvalid => ("RANGE_INVALID", "invalid content range"),
            Self::TagInvalid => ("TAG_INVALID", "manifest tag did not match URI"),
            Self::PaginationNumberInvalid => ("PAGINATION_NUMBER_INVALID", "invalid number of results requested"),
            Self::Unavailable => ("UNAVAILABLE", "service unavailable"),
            Self::Unknown => ("UNKNOWN", "unknown error"),
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_code_has_its_own_text_and_reads_back() {
        let texts: BTreeSet<_> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(texts.len(), ErrorCode::ALL.len());
        for code in ErrorCode::ALL {
            assert_eq!(ErrorCode::parse(code.as_str()), Some(code));
            assert!(!code.message().is_empty());
        }
        assert_eq!(ErrorCode::parse("blob_unknown"), None);
    }

    #[test]
    fn a_code_is_upper_case_with_underscores() {
        for code in ErrorCode::ALL {
            assert!(code.as_str().bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_'), "{code}");
        }
    }
}
