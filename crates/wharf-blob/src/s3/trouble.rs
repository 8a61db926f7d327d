//! Trouble: why the endpoint did not do what it was asked, and what an operator can do about it.

use std::error::Error as StdError;
use std::time::Duration;

use crate::error::Failure;

/// Why the endpoint did not do what it was asked.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Trouble {
    /// It answered, and refused.
    #[error("the endpoint answered {status} {code}{}{message}{}", if message.is_empty() { "" } else { ": " }, hint(code))]
    Refused {
        /// HTTP's status.
        status: u16,
        /// What S3 calls the reason, e.g. `NoSuchKey`; empty where nothing was said.
        code: String,
        /// What the endpoint says about it.
        message: String,
    },
    /// It cannot be reached, or the connection broke.
    #[error("the endpoint cannot be reached: {reason}")]
    Away {
        /// What was in the way.
        reason: String,
    },
    /// It was silent for too long.
    #[error("the endpoint was silent for {} s", patience.as_secs())]
    Silent {
        /// How long it was waited for.
        patience: Duration,
    },
    /// Its answer is none that S3 gives.
    #[error("the endpoint's answer is not understood: {reason}")]
    Nonsense {
        /// What was wrong with it.
        reason: String,
    },
    /// The upload has as many parts as S3 takes.
    #[error("it is larger than S3 can take")]
    TooLarge,
}

impl Trouble {
    /// What was refused with `status` and a body that should be S3's XML.
    pub(super) fn refused(status: u16, body: &str) -> Self {
        let text = |name| between(body, name).unwrap_or_default();
        Self::Refused { status, code: text("Code"), message: text("Message") }
    }

    /// The trouble inside of what `object_store` says, which is ours wherever the transport made it.
    pub(super) fn from_store(error: &object_store::Error) -> Self {
        let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
        let mut reason = String::new();
        while let Some(inner) = cause {
            if let Some(trouble) = inner.downcast_ref::<Self>() {
                return trouble.clone();
            }
            reason = inner.to_string();
            cause = inner.source();
        }
        // A success that says `InternalError` in its body is the one refusal that the transport does not see.
        if reason.contains("<Code>") { Self::refused(500, &reason) } else { Self::Nonsense { reason } }
    }

    /// Whether the object, the parts or the upload are not there.
    pub(super) fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused { status: 404, code, .. } if code != "NoSuchBucket")
    }

    /// Whether something lies under a name already that was to be new.
    pub(super) fn is_taken(&self) -> bool {
        matches!(self, Self::Refused { status: 412, .. })
            || matches!(self, Self::Refused { status: 409, code, .. } if code != "OperationAborted")
    }

    /// Whether the endpoint has other parts than those that were named.
    pub(super) fn is_other_parts(&self) -> bool {
        matches!(self, Self::Refused { code, .. } if ["InvalidPart", "InvalidPartOrder", "EntityTooSmall"].contains(&code.as_str()))
    }

    /// Whether the range lies beyond the object's end.
    pub(super) fn is_range(&self) -> bool {
        matches!(self, Self::Refused { status: 416, .. })
    }

    /// Whether the same request may go well a moment later.
    pub(super) fn is_transient(&self) -> bool {
        match self {
            Self::Refused { status, code, .. } => {
                // 409: another request was in the way for a moment (two conditional writes; a gateway to a file system
                // whose empty folder goes while it is written to).
                matches!(status, 408 | 409 | 425 | 429 | 500 | 502..=504)
                    || ["RequestTimeout", "SlowDown"].contains(&code.as_str())
            }
            Self::Away { .. } | Self::Silent { .. } => true,
            Self::Nonsense { .. } | Self::TooLarge => false,
        }
    }

    /// What sort of failure it is.
    pub fn failure(&self) -> Failure {
        const FULL: [&str; 6] = [
            "QuotaExceeded",
            "XMinioStorageFull",
            "XMinioAdminBucketQuotaExceeded",
            "InsufficientStorage",
            "ServiceQuotaExceededException",
            "StorageFull",
        ];
        match self {
            Self::Refused { status: 507, .. } => Failure::Exhausted,
            Self::Refused { code, .. } if FULL.contains(&code.as_str()) => Failure::Exhausted,
            // A bucket or rights that went away come back by an operator's hand, not by another request; clients are
            // told to come again all the same, because nothing is wrong with what they ask.
            Self::Refused { .. } | Self::Away { .. } | Self::Silent { .. } | Self::Nonsense { .. } => {
                Failure::Unavailable
            }
            Self::TooLarge => Failure::Invalid,
        }
    }
}

/// What stands in the first element of a name.
fn between(body: &str, name: &str) -> Option<String> {
    const MOST: usize = 300;
    let (_, rest) = body.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    Some(text.chars().filter(|character| !character.is_control()).take(MOST).collect())
}

/// What an operator can do about a refusal.
fn hint(code: &str) -> &'static str {
    match code {
        "NoSuchBucket" => "; make the bucket, or correct `storage.url`",
        "AccessDenied" => "; allow these credentials to list, get, put and delete objects and multipart uploads",
        "InvalidAccessKeyId" | "SignatureDoesNotMatch" => "; correct the credentials",
        "AuthorizationHeaderMalformed" | "PermanentRedirect" => {
            "; correct `storage.s3_region` or `storage.s3_endpoint`"
        }
        "RequestTimeTooSkewed" => "; set this machine's clock",
        "SecondLevelDomainForbidden" => "; set `storage.s3_style` to `host`",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_what_was_said_and_what_to_do() {
        let body = "<?xml version=\"1.0\"?><Error><Code>NoSuchBucket</Code><Message>The\nbucket</Message></Error>";
        let trouble = Trouble::refused(404, body);
        let expected = "the endpoint answered 404 NoSuchBucket: Thebucket; make the bucket, or correct `storage.url`";
        assert_eq!(trouble.to_string(), expected);
        assert!(!trouble.is_not_found(), "a bucket that is gone must not look like a blob that is");
        assert_eq!(Trouble::refused(404, "").to_string(), "the endpoint answered 404 ");
        assert!(Trouble::refused(404, "").is_not_found());
    }

    #[test]
    fn refusals_are_told_apart() {
        let refused = |status, code: &str| Trouble::refused(status, &format!("<Code>{code}</Code>"));
        for (status, code, is_transient, failure) in [
            (503, "SlowDown", true, Failure::Unavailable),
            (500, "InternalError", true, Failure::Unavailable),
            (400, "RequestTimeout", true, Failure::Unavailable),
            (403, "AccessDenied", false, Failure::Unavailable),
            (507, "XMinioStorageFull", false, Failure::Exhausted),
            (403, "QuotaExceeded", false, Failure::Exhausted),
            (409, "OperationAborted", true, Failure::Unavailable),
            (409, "ExistingObjectIsDirectory", true, Failure::Unavailable),
        ] {
            let trouble = refused(status, code);
            assert_eq!((trouble.is_transient(), trouble.failure()), (is_transient, failure), "{code}");
        }
        assert!(refused(412, "PreconditionFailed").is_taken() && !refused(409, "OperationAborted").is_taken());
        assert!(refused(400, "InvalidPart").is_other_parts());
        assert!(refused(404, "NoSuchUpload").is_not_found());
    }
}
