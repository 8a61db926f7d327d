//! in-toto statements: what somebody says about artifacts that they name by digest.
//!
//! A statement by itself proves nothing; it is believed as far as whoever signed its envelope is ([`crate::dsse`]). What a
//! predicate means is its reader's business. Spec: in-toto/attestation, `spec/v1/statement.md`.

use serde_json::Value;

use crate::digest::Digest;
use crate::json::members::Members;
use crate::json::{self, JsonError, MemberError};

/// The type of an envelope's payload that is a statement.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";
/// What statements call themselves.
pub const TYPE: &str = "https://in-toto.io/Statement/v1";
/// Statements of before; they read the same.
const FORMER_TYPE: &str = "https://in-toto.io/Statement/v0.1";
/// The most subjects of one statement.
pub const MAX_SUBJECTS: usize = 1000;
/// The longest type of a predicate.
const MAX_TYPE_BYTES: usize = 512;

/// What somebody says about artifacts.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// The digests of what it is about, of the algorithms that name content in a registry.
    pub subjects: Vec<Digest>,
    /// What sort of predicate follows: a URI.
    pub predicate_type: String,
    /// What is said; `null` where nothing is.
    pub predicate: Value,
}

/// Why bytes are no statement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StatementError {
    /// No strict JSON.
    #[error("the statement is refused")]
    Json(#[from] JsonError),
    /// A member is missing or wrong.
    #[error("the statement is refused: {0}")]
    Member(#[from] MemberError),
    /// It calls itself something else.
    #[error("it is no in-toto statement")]
    OtherType,
    /// No subject, or more than are read.
    #[error("the statement has {0} subjects, and 1 to {MAX_SUBJECTS} are read")]
    Subjects(usize),
    /// A predicate's type is no URI of honest length.
    #[error("`predicateType` of the statement is empty or too long")]
    PredicateType,
}

impl Statement {
    /// Reads a statement.
    pub fn parse(bytes: &[u8]) -> Result<Self, StatementError> {
        let text = json::check(bytes)?;
        let members = Members::read(text, &["_type", "subject", "predicateType", "predicate"])?;
        let of = members.string("_type")?.ok_or(MemberError::Missing("_type"))?;
        if of != TYPE && of != FORMER_TYPE {
            return Err(StatementError::OtherType);
        }
        let predicate_type = members.string("predicateType")?.ok_or(MemberError::Missing("predicateType"))?;
        if predicate_type.is_empty() || predicate_type.len() > MAX_TYPE_BYTES || predicate_type.contains('\0') {
            return Err(StatementError::PredicateType);
        }
        let elements = members.elements("subject")?.ok_or(MemberError::Missing("subject"))?;
        if elements.is_empty() || elements.len() > MAX_SUBJECTS {
            return Err(StatementError::Subjects(elements.len()));
        }
        let mut subjects = Vec::new();
        for element in elements {
            let digests = Members::read(element.get(), &["digest"])?.string_map("digest")?;
            // Others, gitCommit among them, name nothing in a registry.
            let named =
                digests.iter().filter_map(|(algorithm, hash)| format!("{algorithm}:{hash}").parse::<Digest>().ok());
            subjects.extend(named);
        }
        let predicate = members.value("predicate", "JSON")?.unwrap_or(Value::Null);
        Ok(Self { subjects, predicate_type, predicate })
    }

    /// Whether it is about something.
    pub fn is_about(&self, digest: &Digest) -> bool {
        self.subjects.contains(digest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Algorithm;

    fn statement(subject: &str) -> String {
        format!(
            r#"{{"_type":"{TYPE}","predicateType":"https://slsa.dev/provenance/v1","subject":{subject},"predicate":{{"a":1}}}}"#
        )
    }

    #[test]
    fn a_statement_tells_what_it_is_about() {
        let digest = Digest::of(Algorithm::Sha256, b"image");
        let subject = format!(
            r#"[{{"name":"pay/app","digest":{{"gitCommit":"abc","sha256":"{}"}}}},{{"digest":{{}}}}]"#,
            digest.hex()
        );
        let read = Statement::parse(statement(&subject).as_bytes()).expect("a statement");
        assert!(read.is_about(&digest) && read.subjects.len() == 1);
        assert!(!read.is_about(&Digest::of(Algorithm::Sha256, b"another")));
        assert_eq!(
            (read.predicate_type.as_str(), &read.predicate["a"]),
            ("https://slsa.dev/provenance/v1", &Value::from(1))
        );
        let former = statement(&subject).replace(TYPE, FORMER_TYPE);
        assert_eq!(Statement::parse(former.as_bytes()), Ok(read));
    }

    #[test]
    fn what_is_no_statement_is_refused() {
        let one = r#"{"digest":{"sha256":"x"}}"#;
        assert_eq!(Statement::parse(statement(&format!("[{one}]")).as_bytes()).map(|read| read.subjects.len()), Ok(0));
        assert_eq!(Statement::parse(statement("[]").as_bytes()), Err(StatementError::Subjects(0)));
        let many = format!("[{}]", vec![one; MAX_SUBJECTS + 1].join(","));
        assert_eq!(Statement::parse(statement(&many).as_bytes()), Err(StatementError::Subjects(MAX_SUBJECTS + 1)));
        let other = statement(&format!("[{one}]")).replace("Statement/v1", "Statement/v2");
        assert_eq!(Statement::parse(other.as_bytes()), Err(StatementError::OtherType));
        for bad in
            ["", "{}", "[]", r#"{"_type":7}"#, &statement("{}"), &statement("[7]"), &statement(r#"[{"digest":7}]"#)]
        {
            assert!(Statement::parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
