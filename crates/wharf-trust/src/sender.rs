//! Whether a body comes from who holds a secret, as Git servers and build systems prove it. Pure.

use ring::digest::{SHA256, digest};
use ring::hmac;
use wharf_context::Timestamp;

use crate::message::{SigningSecret, verify_hex};

/// How far a sender's clock may be away, in seconds.
const LEEWAY: i64 = 300;

/// Who sends to a hook, and so how bodies are proven and what they look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sender {
    /// GitHub, Gitea, Forgejo, Gogs: HMAC-SHA-256 of the body in `X-Hub-Signature-256`.
    GitHub,
    /// GitLab: the secret itself in `X-Gitlab-Token`.
    GitLab,
    /// Anything that signs as Standard Webhooks says: Jenkins, scripts, another Wharf.
    Signed,
}

impl Sender {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::GitHub, Self::GitLab, Self::Signed];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::GitHub => "github",
            Self::GitLab => "gitlab",
            Self::Signed => "signed",
        }
    }

    /// The sender of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|sender| sender.name() == name)
    }
}

/// What a request shows beside its body: headers as they came, where they came once.
#[derive(Debug, Clone, Copy, Default)]
pub struct Proof<'a> {
    /// `X-Hub-Signature-256`.
    pub hub_signature: Option<&'a str>,
    /// `X-Gitlab-Token`.
    pub gitlab_token: Option<&'a str>,
    /// `webhook-id`.
    pub id: Option<&'a str>,
    /// `webhook-timestamp`.
    pub timestamp: Option<&'a str>,
    /// `webhook-signature`.
    pub signature: Option<&'a str>,
    /// `X-GitHub-Event`, `X-Gitea-Event`, `X-Gitlab-Event`: what the body is about.
    pub event: Option<&'a str>,
}

/// Whether the proof is right for the body. The time that it takes tells nothing about the secret.
pub fn is_proven(sender: Sender, secret: &SigningSecret, (proof, body): (&Proof<'_>, &[u8]), now: Timestamp) -> bool {
    match sender {
        Sender::GitHub => {
            let hex = proof.hub_signature.and_then(|header| header.strip_prefix("sha256="));
            hex.is_some_and(|hex| verify_hex(secret.expose().as_bytes(), body, hex))
        }
        Sender::GitLab => proof.gitlab_token.is_some_and(|token| is_same(token, &secret.expose())),
        Sender::Signed => {
            let seconds = proof.timestamp.and_then(|text| text.parse::<i64>().ok());
            let (Some(id), Some(seconds), Some(signature)) = (proof.id, seconds, proof.signature) else { return false };
            let is_now = (now.seconds() - LEEWAY..=now.seconds() + LEEWAY).contains(&seconds);
            is_now && secret.verify(id, seconds, body, signature)
        }
    }
}

/// What a body is remembered by: its bytes where they are signed, else also what names the sending.
pub fn fingerprint(sender: Sender, proof: &Proof<'_>, body: &[u8]) -> Vec<u8> {
    let named = match sender {
        Sender::GitHub | Sender::GitLab => b"".as_slice(),
        Sender::Signed => proof.id.unwrap_or_default().as_bytes(),
    };
    match named {
        b"" => digest(&SHA256, body).as_ref().to_vec(),
        id => digest(&SHA256, &[b"id\0", id].concat()).as_ref().to_vec(),
    }
}

/// Compares two texts without telling where they differ.
fn is_same(shown: &str, secret: &str) -> bool {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, secret.as_bytes());
    hmac::verify(&key, shown.as_bytes(), tag.as_ref()).is_ok()
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;

    use super::*;

    const BODY: &[u8] = b"{}";
    const NOW: Timestamp = Timestamp(1_767_225_600_000_000);

    fn secret() -> SigningSecret {
        SigningSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("a secret")
    }

    fn proven(sender: Sender, proof: &Proof<'_>) -> bool {
        is_proven(sender, &secret(), (proof, BODY), NOW)
    }

    fn hub(header: &str) -> Proof<'_> {
        Proof { hub_signature: Some(header), ..Proof::default() }
    }

    fn token(text: &str) -> Proof<'_> {
        Proof { gitlab_token: Some(text), ..Proof::default() }
    }

    #[test]
    fn github_signs_the_body_with_the_text_of_the_secret() {
        let secret = secret();
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes());
        let right = format!("sha256={}", HEXLOWER.encode(hmac::sign(&key, BODY).as_ref()));
        let other = format!("sha256={}", HEXLOWER.encode(hmac::sign(&key, b"[]").as_ref()));
        assert!(proven(Sender::GitHub, &hub(&right)));
        for wrong in ["", "sha256=", &other, right.trim_start_matches("sha256="), &right.to_uppercase()] {
            assert!(!proven(Sender::GitHub, &hub(wrong)), "{wrong}");
        }
        assert!(!proven(Sender::GitHub, &Proof::default()));
        assert!(!proven(Sender::GitLab, &hub(&right)), "each kind has its own proof");
    }

    #[test]
    fn gitlab_shows_the_secret() {
        let right = secret().expose();
        assert!(proven(Sender::GitLab, &token(&right)));
        for wrong in ["", "whsec_", &format!("{right}x")] {
            assert!(!proven(Sender::GitLab, &token(wrong)), "{wrong}");
        }
        assert!(!proven(Sender::GitLab, &Proof::default()));
    }

    #[test]
    fn a_signed_body_is_of_this_moment() {
        let shown = |seconds: i64| {
            let signature = secret().sign("m1", seconds, BODY);
            let timestamp = seconds.to_string();
            let proof =
                Proof { id: Some("m1"), timestamp: Some(&timestamp), signature: Some(&signature), ..Proof::default() };
            (proven(Sender::Signed, &proof), proven(Sender::Signed, &Proof { id: Some("m2"), ..proof }))
        };
        assert_eq!(shown(NOW.seconds()), (true, false));
        assert_eq!((shown(NOW.seconds() - 300).0, shown(NOW.seconds() - 301).0), (true, false));
        assert!(!shown(NOW.seconds() + 301).0 && !shown(i64::MAX).0);
    }

    #[test]
    fn what_is_remembered_is_what_was_signed() {
        let proof = |id| Proof { id: Some(id), ..Proof::default() };
        let of = |sender, id, body: &[u8]| fingerprint(sender, &proof(id), body);
        assert_eq!(
            of(Sender::GitHub, "a", BODY),
            of(Sender::GitHub, "b", BODY),
            "an unsigned header makes it no other"
        );
        assert_ne!(of(Sender::GitHub, "a", BODY), of(Sender::GitHub, "a", b"[]"));
        assert_ne!(of(Sender::Signed, "a", BODY), of(Sender::Signed, "b", BODY));
    }
}
