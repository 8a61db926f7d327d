//! Whose word counts: keys, envelopes, what they say, and messages that prove who sent them.
//!
//! What somebody signed is read and verified here, and judged against the signers that a project names. What follows from
//! that (a gate, a commit that is kept) is governance's. Nothing here speaks to the network, and nothing signs but
//! messages.
//!
//! Reading order: [`message`] and [`sender`] (who sent something), [`git`] (what Git servers say); [`key`],
//! [`predicate`], [`signers`], [`attestation`] (what is attached, read and verified), [`judge`]; [`error`].

pub mod attestation;
pub mod error;
pub mod git;
pub mod judge;
pub mod key;
pub mod message;
pub mod predicate;
pub mod sender;
pub mod signers;
mod text;

pub use attestation::{Attestation, SignedDocument, attached, read, verify};
pub use error::Error;
pub use git::Commit;
pub use judge::{Evidence, Judgement, Pictured, Wanted};
pub use key::PublicKey;
pub use message::SigningSecret;
pub use sender::{Proof, Sender};
pub use signers::{AttestationPolicy, Signer};
