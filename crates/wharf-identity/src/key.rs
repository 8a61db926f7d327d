//! Signing keys: rows of the catalog, so that every node accepts every node's tokens.
//!
//! One key signs at a time. Another takes its place after [`crate::Settings::key_lifetime`], or when an administrator
//! says so; the old one verifies until the last token that it may have signed has ended. Keys are kept in memory and
//! read again every half minute, or at once (but at most each second) when a token names one that is not known. The
//! catalog holds them sealed (see `sealing`).

pub(crate) mod jws;
pub(crate) mod sealing;
pub(crate) mod seen;
mod store;

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use serde::Serialize;
use serde_json::{Value, json};
use wharf_context::{Clock, Context, Timestamp};
use wharf_db::{Db, Keyring, Tx};

use self::jws::{SigningKey, TokenError, VerifyingKey, VerifyingKeys};
use self::sealing::NewKey;
use self::seen::SeenSignatures;
use crate::audit;
use crate::authority::Authority;
use crate::authority::rule::SystemRight;
use crate::error::Error;
use crate::identity::Identity;
use crate::settings::Settings;

/// How old the keys in memory may be when a token is verified with them.
const VERIFY_WITH: Duration = Duration::from_secs(30);
/// How old they may be when a token is signed.
const SIGN_WITH: Duration = Duration::from_secs(10);
/// How soon after a reading an unknown key is worth another.
const READ_AGAIN_AFTER: Duration = Duration::from_secs(1);
/// How old a key is when it begins to sign, so that a token is not refused by a node that has just read the others.
const SIGN_AFTER: Duration = Duration::from_secs(2);
/// For how long a node that has not heard of its retirement may still sign with a key.
const OVERLAP: Duration = Duration::from_secs(60);

/// A signing key as administrators see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// `kid` in the header of its tokens.
    pub id: String,
    /// Since when there is this key.
    pub created_at: Timestamp,
    /// Since when another has taken its place.
    pub retired_at: Option<Timestamp>,
}

/// What happens to the keys before a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retirement {
    /// They verify until their tokens have ended: nobody notices.
    WhenTokensEnd,
    /// They are forgotten, and all tokens that were issued are void within half a minute: a key has leaked.
    AtOnce,
}

/// The public keys as a JSON Web Key Set (RFC 7517).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeySet {
    /// The keys.
    pub keys: Vec<PublicKey>,
}

/// One public key (RFC 8037).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PublicKey {
    /// Key type.
    pub kty: &'static str,
    /// Curve.
    pub crv: &'static str,
    /// Algorithm.
    pub alg: &'static str,
    /// What it is for.
    #[serde(rename = "use")]
    pub usage: &'static str,
    /// Its id.
    pub kid: String,
    /// The key itself, in base64url.
    pub x: String,
}

/// A row.
pub(crate) struct KeyRow {
    id: String,
    /// The private key, sealed; or plain, as a catalog without a keyring has it.
    private: Vec<u8>,
    created_at: Timestamp,
    retired_at: Option<Timestamp>,
}

/// What was read, and when.
#[derive(Debug, Clone, Default)]
struct Loaded {
    at: Option<Timestamp>,
    signing: Option<Arc<SigningKey>>,
    signs_until: Option<Timestamp>,
    verifying: Arc<VerifyingKeys>,
}

/// The keys in memory.
pub(crate) struct Keys {
    db: Db,
    keyring: Option<Keyring>,
    clock: Arc<dyn Clock>,
    key_lifetime: Duration,
    token_lifetime: Duration,
    loaded: RwLock<Arc<Loaded>>,
    seen: Arc<SeenSignatures>,
    // One reading at a time; the others wait and use it.
    reading: tokio::sync::Mutex<()>,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("loaded", &self.loaded()).finish_non_exhaustive()
    }
}

impl Keys {
    pub(crate) fn new(settings: &Settings, db: Db, clock: Arc<dyn Clock>, keyring: Option<Keyring>) -> Self {
        Self {
            db,
            keyring,
            clock,
            key_lifetime: settings.key_lifetime,
            token_lifetime: settings.token_lifetime,
            loaded: RwLock::default(),
            seen: Arc::default(),
            reading: tokio::sync::Mutex::new(()),
        }
    }

    /// The payload of a token that one of our keys signed.
    pub(crate) async fn verify(&self, token: &str, now: Timestamp) -> Result<Vec<u8>, Error> {
        let mut loaded = self.loaded();
        if !loaded.is_younger_than(VERIFY_WITH, now) {
            loaded = self.read(&loaded).await?;
        }
        match loaded.verifying.verify(token, now) {
            Err(TokenError::UnknownKey) if !loaded.is_younger_than(READ_AGAIN_AFTER, now) => {
                self.read(&loaded).await?.verifying.verify(token, now).map_err(Error::Token)
            }
            verified => verified.map_err(Error::Token),
        }
    }

    /// The key that signs now; made if there is none, or if it has signed for long enough.
    pub(crate) async fn signing(&self, now: Timestamp) -> Result<Arc<SigningKey>, Error> {
        let mut loaded = self.loaded();
        if !loaded.is_younger_than(SIGN_WITH, now) {
            loaded = self.read(&loaded).await?;
        }
        if loaded.signing.is_none() || loaded.signs_until.is_some_and(|until| until <= now) {
            let key = self.make().await?;
            let made_before = now.minus(self.key_lifetime);
            self.db.transaction(async |tx| renew(tx, &key, made_before).await).await?;
            loaded = self.read(&loaded).await?;
        }
        loaded.signing.clone().ok_or(Error::MalformedRow { what: "a signing key" })
    }

    pub(crate) fn forget(&self) {
        *self.loaded.write().unwrap_or_else(PoisonError::into_inner) = Arc::default();
    }

    fn loaded(&self) -> Arc<Loaded> {
        Arc::clone(&self.loaded.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the keys, unless another has done so since `seen`.
    async fn read(&self, seen: &Arc<Loaded>) -> Result<Arc<Loaded>, Error> {
        let _reading = self.reading.lock().await;
        let present = self.loaded();
        if !Arc::ptr_eq(&present, seen) {
            return Ok(present);
        }
        let now = self.clock.now();
        let loaded = match self.list().await {
            Ok(rows) => self.load(rows, now),
            // Keys do not go bad because the catalog does not answer; asking it for each request would not help it.
            Err(error) if present.at.is_some() => {
                tracing::warn!(error = &error as &dyn std::error::Error, "signing keys were not read again");
                Loaded { at: Some(now), ..Loaded::clone(&present) }
            }
            Err(error) => return Err(error),
        };
        let loaded = Arc::new(loaded);
        *self.loaded.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&loaded);
        Ok(loaded)
    }

    /// All keys, the newest first, ready to be used.
    async fn list(&self) -> Result<Vec<(KeyRow, SigningKey)>, Error> {
        let mut keys = Vec::new();
        for row in store::list(&self.db).await? {
            let key = self.open(&row).await?;
            keys.push((row, key));
        }
        Ok(keys)
    }

    /// Sorts keys, the newest first, by what they are for.
    fn load(&self, keys: Vec<(KeyRow, SigningKey)>, now: Timestamp) -> Loaded {
        let verifying = keys.iter().map(|(row, key)| VerifyingKey {
            id: key.id().to_owned(),
            public_key: key.public_key().to_vec(),
            until: row.retired_at.map(|at| at.plus(OVERLAP).plus(self.token_lifetime)),
        });
        let verifying = VerifyingKeys::new(verifying, Arc::clone(&self.seen));
        let is_known_everywhere = |(row, _): &(KeyRow, SigningKey)| row.created_at.plus(SIGN_AFTER) <= now;
        let signs_until = keys.first().map(|(row, _)| row.created_at.plus(self.key_lifetime));
        let at = keys.iter().position(is_known_everywhere).unwrap_or_default();
        let signing = keys.into_iter().nth(at).map(|(_, key)| Arc::new(key));
        Loaded { at: Some(now), signing, signs_until, verifying: Arc::new(verifying) }
    }
}

impl Loaded {
    fn is_younger_than(&self, age: Duration, now: Timestamp) -> bool {
        // A clock that was turned back must not make what was read immortal.
        self.at.is_some_and(|at| at <= now && now < at.plus(age))
    }
}

impl Identity {
    /// The public keys that tokens verify with.
    pub async fn public_keys(&self) -> Result<KeySet, Error> {
        let now = self.clock.now();
        self.keys.signing(now).await?;
        let loaded = self.keys.loaded();
        let keys = loaded.verifying.iter().filter(|key| key.until.is_none_or(|until| now < until));
        Ok(KeySet { keys: keys.map(PublicKey::of).collect() })
    }

    /// The signing keys, the newest first.
    pub async fn list_keys(&self, ctx: &Context) -> Result<Vec<Key>, Error> {
        Authority::manage(&self.db, ctx, self.mode()).await?.require(SystemRight::SeeKeys)?;
        let rows = store::list(&self.db).await?;
        Ok(rows.iter().map(Key::of).collect())
    }

    /// Makes a new key that signs from now on; returns its id.
    pub async fn rotate_keys(&self, ctx: &Context, retirement: Retirement) -> Result<String, Error> {
        let key = self.keys.make().await?;
        self.db
            .transaction(async |tx| {
                Authority::manage(&mut *tx, ctx, self.mode()).await?.require(SystemRight::RotateKeys)?;
                match retirement {
                    Retirement::WhenTokensEnd => store::retire(tx).await?,
                    Retirement::AtOnce => store::delete_all(tx).await?,
                }
                store::insert(tx, &key).await?;
                let details = json!({ "retirement": retirement.name() });
                audit::record(tx, ctx, "key.rotate", &key.id, details).await
            })
            .await?;
        self.keys.forget();
        Ok(key.id)
    }
}

/// Makes a key unless there is one that is young enough: another node may have been first.
async fn renew(tx: &mut Tx<'_>, key: &NewKey, made_before: Timestamp) -> Result<(), Error> {
    if store::has_signing(tx, made_before).await? {
        return Ok(());
    }
    store::retire(tx).await?;
    store::delete_retired(tx, tx.now().minus(store::KEEP_RETIRED)).await?;
    store::insert(tx, key).await?;
    audit::record(tx, &audit::by_wharf(), "key.rotate", &key.id, Value::Null).await
}

impl Retirement {
    fn name(self) -> &'static str {
        match self {
            Self::WhenTokensEnd => "when_tokens_end",
            Self::AtOnce => "at_once",
        }
    }
}

impl Key {
    fn of(row: &KeyRow) -> Self {
        Self { id: row.id.clone(), created_at: row.created_at, retired_at: row.retired_at }
    }
}

impl PublicKey {
    fn of(key: &VerifyingKey) -> Self {
        Self {
            kty: "OKP",
            crv: "Ed25519",
            alg: jws::ALGORITHM,
            usage: "sig",
            kid: key.id.clone(),
            x: BASE64URL_NOPAD.encode(&key.public_key),
        }
    }
}
