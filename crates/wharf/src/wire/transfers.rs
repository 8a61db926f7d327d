//! Other registries, as governance carries things there: `wharf_client`'s copy, and reading back what arrived.

use std::collections::BTreeSet;

use url::Url;
use wharf_client::copy::Options;
use wharf_client::{Credentials, Registry, Repository, Security, Settings, copy};
use wharf_governance::{BoxFuture, DocumentSigner, Failure, Parcel, Transfer};
use wharf_http::Retry;
use wharf_identity::Identity;
use wharf_oci::dsse::Envelope;
use wharf_oci::manifest::Manifest;
use wharf_oci::{ContentError, ContentErrorKind, Descriptor, Digest, Reference, Sink, Source, Tag};

use super::replicas::{below, parts};
use crate::config::transfers::Transfers;

/// The most manifests that belong to one thing: an index with what it lists, and all that refers to them.
const MAX_MANIFESTS: usize = 20_000;
/// A registry that is away is asked again by the job, later each time.
const TRIES_AGAIN: usize = 1;
/// The tags by which clients without referrers attach something.
const ATTACHED: [&str; 3] = [".sig", ".att", ".sbom"];

/// Carries things to the hosts that the operator allows, and to no others: who writes a project's policy chooses where.
#[derive(Debug)]
pub(super) struct Courier(pub(super) Transfers);

impl Courier {
    fn open(&self, parcel: &Parcel<'_>) -> Result<Repository, ContentError> {
        self.check(parcel.url).map_err(|error| unfit(error.to_string()))?;
        let (host, prefix) = parts(parcel.url).map_err(|error| unfit(format!("{error:#}")))?;
        let name = below(&prefix, parcel.repository).ok_or_else(|| unfit("the name there is too long".to_owned()))?;
        let security = if parcel.url.scheme() == "http" { Security::PlainHttp } else { Security::Verified };
        let http = wharf_http::Settings { authorities: self.0.authorities.clone(), ..Settings::default().http };
        let login = parcel.login.map(|(account, secret)| Credentials::Password {
            username: account.to_owned(),
            password: secret.to_owned().into(),
        });
        let retry = Retry { times: TRIES_AGAIN, ..Retry::default() };
        let settings = Settings { security, http, retry, ..Settings::default() };
        let registry = Registry::new(host, settings, login.unwrap_or(Credentials::Anonymous));
        let registry = registry.map_err(|error| {
            ContentError::caused(ContentErrorKind::Internal, format!("cannot speak to `{}`", parcel.url), error)
        })?;
        Ok(registry.repository(name))
    }

    async fn send(&self, parcel: &Parcel<'_>) -> Result<(), ContentError> {
        let there = self.open(parcel)?;
        let attached = attached(parcel).await?;
        let whole = Options {
            reference: Some(Reference::Digest(*parcel.digest)),
            tags: parcel.tags.to_vec(),
            with_referrers: true,
            ..Options::default()
        };
        // What is attached by a tag comes first: the tags that people pull by lead to something whole.
        for tag in &attached {
            let (reference, tags) = (Some(Reference::Tag(tag.clone())), vec![tag.clone()]);
            copy(parcel.source, &there, &Options { reference, tags, ..Options::default() }, &|_| {}).await?;
        }
        copy(parcel.source, &there, &whole, &|_| {}).await?;
        read_back(parcel, &there, &attached).await
    }
}

impl Transfer for Courier {
    fn check(&self, url: &Url) -> Result<(), Failure> {
        let (host, _) = parts(url).map_err(|error| format!("{error:#}"))?;
        match self.0.hosts.iter().any(|allowed| allowed == host.as_str()) {
            true => Ok(()),
            false => {
                Err(format!("this server carries nothing to `{host}`; `transfers.hosts` lists where it does").into())
            }
        }
    }

    fn carry<'a>(&'a self, parcel: Parcel<'a>) -> BoxFuture<'a, Result<(), ContentError>> {
        Box::pin(async move { self.send(&parcel).await })
    }
}

/// The tags of what is attached to it without being a referrer.
async fn attached(parcel: &Parcel<'_>) -> Result<Vec<Tag>, ContentError> {
    let mut found = Vec::new();
    for suffix in ATTACHED {
        let name = format!("{}-{}{suffix}", parcel.digest.algorithm().name(), parcel.digest.hex());
        let Ok(tag) = name.parse::<Tag>() else { continue };
        match parcel.source.resolve(Some(&Reference::Tag(tag.clone()))).await {
            Ok(_) => found.push(tag),
            Err(error) if error.kind == ContentErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

/// Whether the far side has it: each manifest byte for byte, each blob by digest and size, each tag.
async fn read_back(parcel: &Parcel<'_>, there: &Repository, attached: &[Tag]) -> Result<(), ContentError> {
    for tag in parcel.tags.iter().chain(attached) {
        let reference = Reference::Tag(tag.clone());
        let wanted = match attached.contains(tag) {
            true => parcel.source.resolve(Some(&reference)).await?.digest,
            false => *parcel.digest,
        };
        let found = there.resolve(Some(&reference)).await?.digest;
        if found != wanted {
            return Err(unfit(format!("tag `{tag}` points to `{found}` there, not to `{wanted}`")));
        }
    }
    let root = parcel.source.resolve(Some(&Reference::Digest(*parcel.digest))).await?;
    let (mut wanted, mut seen) = (vec![root], BTreeSet::<Digest>::new());
    while let Some(next) = wanted.pop() {
        if !seen.insert(next.digest) {
            continue;
        }
        if seen.len() > MAX_MANIFESTS {
            return Err(unfit(format!("it is made of more than {MAX_MANIFESTS} manifests")));
        }
        wanted.extend(compare(parcel, there, &next).await?);
    }
    Ok(())
}

/// Compares one manifest and asks for its blobs. Gives what it lists, and what refers to it.
async fn compare(parcel: &Parcel<'_>, there: &Repository, next: &Descriptor) -> Result<Vec<Descriptor>, ContentError> {
    let (here, far) = (parcel.source.manifest(next).await?, there.manifest(next).await?);
    if here != far {
        return Err(unfit(format!("manifest `{}` has other bytes there", next.digest)));
    }
    let manifest = Manifest::parse(Some(&next.media_type), &here);
    let manifest = manifest.map_err(|error| {
        ContentError::caused(ContentErrorKind::Invalid, format!("manifest `{}` does not read", next.digest), error)
    })?;
    for blob in manifest.blobs() {
        // Blobs that are not here were not promised to anybody there.
        if parcel.source.blob(blob, blob.size).await.is_ok() && !Sink::has_blob(there, blob).await? {
            return Err(unfit(format!("blob `{}` is not there", blob.digest)));
        }
    }
    let children = manifest.children().iter().filter(|child| child.is_manifest()).cloned();
    let mut further: Vec<Descriptor> = children.collect();
    further.extend(parcel.source.referrers(&next.digest).await?);
    Ok(further)
}

fn unfit(message: String) -> ContentError {
    ContentError::new(ContentErrorKind::Invalid, message)
}

/// The registry's own key, as governance signs with it.
#[derive(Debug)]
pub(super) struct RegistryKey(pub(super) Identity);

impl DocumentSigner for RegistryKey {
    fn sign<'a>(&'a self, payload_type: &'a str, payload: Vec<u8>) -> BoxFuture<'a, Result<Envelope, Failure>> {
        Box::pin(async move { Ok(self.0.sign_document(payload_type, payload).await?) })
    }
}
